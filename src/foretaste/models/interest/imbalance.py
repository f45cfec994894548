"""What is done where one label is rare: weights, and drawing more or fewer of a kind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from foretaste.config import Config
from foretaste.errors import MissingExtraError
from foretaste.models.interest.bodies.base import Examples, stacked

#: Among so many of the nearest of its kind an example finds the one it is mixed with.
_NEIGHBOURS = 5

Kind = Literal["none", "weights", "oversample", "undersample", "smote", "downsample"]


class ImbalanceConfig(Config):
    """What is done where one label is rare.

    Attributes:
        kind: "weights" makes both labels weigh alike in the loss; "oversample" repeats the rare
            one, "undersample" leaves out of the other, until there are as many; "smote" makes up
            rare examples between rare neighbours; "downsample" keeps a share of the pairs without
            interest. Of all, probabilities are brought back to what they mean by prior correction.
        keep: Share that "downsample" keeps.
    """

    kind: Kind = "none"
    keep: float = Field(default=0.1, gt=0, le=1)


def balanced(train: Examples, config: ImbalanceConfig, seed: int) -> tuple[Examples, float]:
    """Training examples with more balanced labels.

    Args:
        train: Labels 0 and 1.
        config: How.
        seed: Of draws.

    Returns:
        The examples, and what was thereby added to the log-odds of label 1, to be taken from
        those a model learns (He et al., 2014, section 6.3, for downsampling).

    Raises:
        MissingExtraError: SMOTE is asked for without imbalanced-learn.
    """
    wanted = train.labels > 0.5
    many, few = (~wanted).sum(), wanted.sum()
    if config.kind == "none" or not few or not many:
        return train, 0.0
    rng = np.random.default_rng(seed)
    if config.kind == "weights":
        weights = np.where(wanted, len(train) / (2 * few), len(train) / (2 * many))
        found = replace(train, weights=(train.weights * weights).astype(np.float32))
    elif config.kind == "downsample":
        found = _taken(train, np.flatnonzero(wanted | (rng.random(len(train)) < config.keep)))
    elif config.kind == "smote":
        found = _made_up(train, seed)
    else:
        found = _taken(train, _as_many(wanted, over=config.kind == "oversample", rng=rng))
    return found, _log_odds(found) - _log_odds(train)


def _log_odds(examples: Examples) -> float:
    wanted = float(examples.weights[examples.labels > 0.5].sum())
    return float(np.log(wanted / (float(examples.weights.sum()) - wanted)))


def _as_many(
    wanted: NDArray[np.bool_], *, over: bool, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Rows with as many of each label, by repeating the rarer or thinning the other."""
    rare, common = sorted((np.flatnonzero(wanted), np.flatnonzero(~wanted)), key=len)
    if over:
        rare = np.concatenate([rare, rng.choice(rare, len(common) - len(rare))])
    else:
        common = rng.choice(common, len(rare), replace=False)
    return np.sort(np.concatenate([rare, common]))


def _made_up(train: Examples, seed: int) -> Examples:
    """Examples of the rarer label between its neighbours (SMOTE, Chawla et al., 2002).

    What is mixed are the scaled numbers, which networks read; ids, choices, pasts and the plain
    numbers, which trees read, are those of the nearest example there is.
    """
    try:
        from imblearn.over_sampling import SMOTE
    except ImportError as error:
        raise MissingExtraError("imbalanced-learn", "interest") from error
    from sklearn.neighbors import NearestNeighbors

    wanted = train.labels > 0.5
    rare = np.flatnonzero(wanted == (wanted.mean() < 0.5))
    neighbours = min(_NEIGHBOURS, len(rare) - 1)
    if neighbours < 1:
        return train
    table = train.inputs.scaled
    fitted: Any = SMOTE(random_state=seed, k_neighbors=neighbours).fit_resample(table, wanted)
    made = np.asarray(fitted[0][len(train) :], np.float32)
    nearest = NearestNeighbors(n_neighbors=1).fit(table[rare]).kneighbors(made)[1][:, 0]
    new = _taken(train, rare[nearest])
    new = replace(new, inputs=replace(new.inputs, scaled=made))
    return stacked(train, new)


def _taken(examples: Examples, rows: NDArray[np.int64]) -> Examples:
    return Examples(examples.inputs.take(rows), examples.labels[rows], examples.weights[rows])
