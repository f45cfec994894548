"""Times RecTools' rankers on given factors: `python recommend_rectools_rankers.py FOLDER`."""

from __future__ import annotations

import numpy as np
from rectools.models.rank import Distance, ImplicitRanker, TorchRanker

from recommending import WARM_UP, Timing


def main() -> None:
    timing = Timing()
    items = timing.item_factors()
    users = np.load(timing.folder / "user-factors.npy")
    people = timing.matrix(len(items))
    k = timing.job["k"]
    rankers = {
        "rectools ImplicitRanker": ImplicitRanker(Distance.DOT, users, items),
        "rectools TorchRanker": TorchRanker(
            Distance.DOT, device="cpu", subjects_factors=users, objects_factors=items
        ),
    }
    for way, ranker in rankers.items():
        _, found, _ = timing.time(
            way,
            lambda rows, ranker=ranker: ranker.rank(rows, k=k, filter_pairs_csr=people[rows]),
        )
        timing.keep_lists(way, np.asarray(found).reshape(WARM_UP, k) + 1)
    timing.answer()


if __name__ == "__main__":
    main()
