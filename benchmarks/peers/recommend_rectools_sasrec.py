"""Times RecTools' SASRec, hardly trained: `python recommend_rectools_sasrec.py FOLDER`."""

from __future__ import annotations

import logging
import warnings

from pytorch_lightning import Trainer, seed_everything
from rectools.dataset import Dataset
from rectools.models import SASRecModel
from rectools.models.nn.item_net import IdEmbeddingsItemNet

from recommending import Timing
from run_rectools import interactions


def main() -> None:
    warnings.simplefilter("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    timing = Timing()
    seed_everything(timing.job["seed"])
    model = SASRecModel(
        **timing.job["arguments"],
        loss="sampled_softmax",
        n_negatives=1,
        item_net_block_types=(IdEmbeddingsItemNet,),
        # The shape of the network is all that matters here.
        get_trainer_func=lambda: Trainer(
            accelerator="cpu",
            max_steps=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        ),
    )
    dataset = Dataset.construct(interactions(timing.people))
    model.fit(dataset)
    users = timing.people.users
    timing.time(
        "rectools SASRec",
        lambda rows: model.recommend(users[rows], dataset, k=timing.job["k"], filter_viewed=True),
    )
    timing.answer()


if __name__ == "__main__":
    main()
