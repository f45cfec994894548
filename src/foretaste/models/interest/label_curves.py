"""How well interest is foreseen by how many labels were used, and in which way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.content import Encoder
from foretaste.data import Dataset
from foretaste.data.schema import LABEL
from foretaste.errors import InputError
from foretaste.models.interest.config import InterestConfig
from foretaste.models.interest.division import Parts, together
from foretaste.models.interest.few_labels import pseudo_labelled, to_ask_about, with_unlabelled
from foretaste.models.interest.measures import auc
from foretaste.models.interest.model import InterestModel

#: "random" asks about pairs by chance; "active" about those that tell most; "pseudo-labels" and
#: "consistency" ask by chance, too, and learn also from all other pairs.
Way = Literal["random", "active", "pseudo-labels", "consistency"]

#: Of the labels, the latest part that chooses and calibrates.
_JUDGING = 0.2


def label_curve(
    config: InterestConfig,
    parts: Parts,
    *,
    way: Way,
    budgets: Sequence[int],
    seed: int = 0,
    content: Encoder | None = None,
    sure: float = 0.9,
    consistency: float = 1.0,
) -> pl.DataFrame:
    """The AUC on the test pairs by how many labels of all earlier pairs were used.

    The labels that stop the training and calibrate are among those counted, and nothing else is
    known of anybody. All ways begin with the same pairs, and the same seed draws the same.

    Args:
        config: Of the model; of networks for "consistency".
        parts: Labelled events; labels that were not asked for are not read.
        way: How labels are chosen and used.
        budgets: How many are used, ascending.
        seed: Of draws and of the model.
        content: Encoder of the items' words, in place of that of `config`.
        sure: As of `pseudo_labelled`.
        consistency: As of `BodyConfig`.

    Returns:
        Columns `labels` and `auc`, a row for each budget.

    Raises:
        InputError: The budgets don't ascend, or there are fewer pairs.
        DataError: The first labels are all alike.
    """
    pool = together(parts.train, parts.validation)
    if list(budgets) != sorted(set(budgets)) or not 0 < budgets[0] <= budgets[-1] <= len(pool):
        raise InputError(
            f"they must ascend, from 1 to at most the {len(pool):,} pairs there are.",
            field="budgets",
        )
    body = config.body.model_copy(
        update={"consistency": consistency if way == "consistency" else 0.0}
    )
    config = InterestConfig.parse({**config.model_dump(), "body": body, "seed": seed})
    order = np.random.default_rng(seed).permutation(len(pool))
    asked = order[: budgets[0]]
    actual = parts.test.events[LABEL].to_numpy()
    found: list[float] = []
    for place, budget in enumerate(budgets):
        model = _fitted(InterestModel(config, content=content), pool, asked, way, sure)
        found.append(auc(actual, model.predict(parts.test.events)))
        if budget != budgets[-1]:
            more = budgets[place + 1]
            asked = _with_more(model, pool, asked, more) if way == "active" else order[:more]
    return pl.DataFrame({"labels": list(budgets), "auc": found})


def _fitted(
    model: InterestModel, pool: Dataset, asked: NDArray[np.integer], way: Way, sure: float
) -> InterestModel:
    """A model of the pairs that were asked about, and in some ways of the others."""
    known = np.isin(np.arange(len(pool)), asked)
    labelled, others = pool.take_events(known), pool.take_events(~known)
    late = np.argsort(labelled.timestamps, kind="stable")[-max(1, int(_JUDGING * len(asked))) :]
    judging = np.isin(np.arange(len(labelled)), late)
    learnt, judged = labelled.take_events(~judging), labelled.take_events(judging)
    if way == "consistency" and len(others):
        return model.fit(with_unlabelled(learnt, others), judged)
    model.fit(learnt, judged)
    if way == "pseudo-labels" and len(others):
        model.fit(pseudo_labelled(model, learnt, others, sure=sure), judged)
    return model


def _with_more(
    model: InterestModel, pool: Dataset, asked: NDArray[np.integer], budget: int
) -> NDArray[np.integer]:
    """The pairs asked about so far, and those that would tell the model most."""
    rest = np.setdiff1d(np.arange(len(pool)), asked)
    pairs = pool.events[rest].drop(LABEL)
    chosen = to_ask_about(model, pairs, budget - len(asked), seed=model.config.seed)
    return np.concatenate([asked, rest[chosen]]).astype(np.int64)
