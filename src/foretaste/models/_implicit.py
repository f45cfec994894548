"""Implicit feedback as a matrix: who acted on what, and how much each kind of action says."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import polars as pl
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


def exposure_of(train: Dataset, column: str | None) -> NDArray[np.float64]:
    """How much every item was shown, float64[items + 1].

    Args:
        train: Its catalogue holds what was recorded.
        column: Of the items, such as their impressions; items without a number are taken for the
            median one. None takes the events of an item for it.

    Raises:
        DataError: There is no such column of numbers, one of them is not above 0, or all are null.
    """
    if column is None:
        return train.item_counts.astype(np.float64)
    if column not in train.items.columns or not train.items[column].dtype.is_numeric():
        raise DataError(
            "the items have no such column of numbers.",
            field=column,
            hint="Give how often each item was shown, or leave 'exposure' out.",
        )
    shown = train.items[column].cast(pl.Float64).fill_nan(None)
    if not (shown.drop_nulls() > 0).all() or shown.null_count() == len(shown):
        raise DataError("exposures must be numbers above 0.", field=column)
    return np.append(0, shown.fill_null(shown.median()).to_numpy())


def inverse_propensity(
    item_counts: NDArray[np.int64],
    power: float,
    exposure: NDArray[np.float64] | None = None,
) -> NDArray[np.float32]:
    """How much more a liking of a rarely met item says, float32[items + 1].

    Inverse propensity scores (Schnabel et al., 2016) for an item that is met in proportion to a
    power of its exposure. They are scaled to a mean of 1 over the events.

    Where nothing is recorded, popularity stands for exposure (Yang et al., 2018), which is only as
    good as popularity is exposure: what is popular for being good is then taken away, too, and
    lists may be further from what people like than without any correction.

    Weights are clipped (Bottou et al., 2013): no item counts for rarer than the median item.
    Unclipped, lists fill with items of which one or two events say next to nothing.

    Args:
        item_counts: int64[items + 1], training events per item code; not all 0.
        power: 0 trusts the log as it is, 1 takes it to grow with exposure itself.
        exposure: float64[items + 1], how much items were shown; by default `item_counts`.
    """
    shown = item_counts if exposure is None else exposure
    clipped = np.maximum(shown, np.median(shown[shown > 0])).astype(np.float64)
    inverse = clipped**-power
    mean = float(inverse @ item_counts) / float(item_counts.sum())
    return (inverse / mean).astype(np.float32)
