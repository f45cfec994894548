"""Implicit feedback as a matrix: who acted on what, and how much each kind of action says."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_matrix

from foretaste.config import Config
from foretaste.data import Dataset
from foretaste.errors import DataError
from foretaste.models._sparse import SparseMatrix


class ImplicitConfig(Config):
    """What the models of implicit feedback share.

    Attributes:
        event_weights: What an event of each type says of a liking, by `event_type`; types not
            named count 1, and those of weight 0 are not learnt from. Weights act in training:
            the history a person is answered from has no types.
    """

    event_weights: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)


def interactions(train: Dataset, config: ImplicitConfig) -> SparseMatrix:
    """Who acted on what, float32[users, items + 1]; row `u - 1` belongs to user code `u`.

    A person who acted on an item in several ways has the weight of the one that says most: to
    look ten times is not to buy.

    Raises:
        DataError: No event has a weight above 0.
        InputError: A weight names a type that no event has.
    """
    weights = train.event_weights(config.event_weights)
    shape = (len(train.user_vocabulary), train.item_vocabulary.size)
    # In order of weight within a pair, so that the last of a pair is its largest.
    order = np.lexsort((weights, train.item_codes, train.user_codes))
    rows, columns, values = train.user_codes[order] - 1, train.item_codes[order], weights[order]
    last = np.ones(len(order), bool)
    last[:-1] = (rows[1:] != rows[:-1]) | (columns[1:] != columns[:-1])
    kept = last & (values > 0)
    if not kept.any():
        raise DataError("no event has a weight above 0.", field="event_weights")
    return csr_matrix((values[kept], (rows[kept], columns[kept])), shape=shape)


def inverse_propensity(item_counts: NDArray[np.int64], power: float) -> NDArray[np.float32]:
    """How much more a liking of a rarely met item says, float32[items + 1].

    Inverse propensity scores (Schnabel et al., 2016) for the usual model of exposure, in which an
    item is met in proportion to a power of its popularity (Yang et al., 2018). They are scaled to
    a mean of 1 over the events.

    Weights are clipped (Bottou et al., 2013): no item counts for rarer than the median item.
    Unclipped, lists fill with items of which one or two events say next to nothing, and what
    people truly like goes down. Powers near 1 take away what is popular for being good, too.

    Args:
        item_counts: int64[items + 1], training events per item code; not all 0.
        power: 0 trusts the log as it is, 1 takes exposure to be popularity itself.
    """
    median = np.median(item_counts[item_counts > 0])
    counts = np.maximum(item_counts, median).astype(np.float64)
    inverse = counts**-power
    mean = float(inverse @ item_counts) / float(item_counts.sum())
    return (inverse / mean).astype(np.float32)
