"""What an interest model knows: people, items, labels, and how pairs are read by them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.content import ContentReference, item_texts
from foretaste.content.projection import Projection
from foretaste.data import Dataset, Vocabulary
from foretaste.data.schema import ITEM_ID, TIMESTAMP, USER_ID
from foretaste.models.interest.bodies import Shape
from foretaste.models.interest.inputs import Features, Inputs
from foretaste.models.interest.knowledge import Chronicle
from foretaste.models.interest.log import Log
from foretaste.models.interest.question import with_session_position
from foretaste.models.interest.signals import Pairs, Signals


@dataclass(frozen=True)
class World:
    """What is known, and how pairs are read by it.

    Attributes:
        users: Ids and codes of people.
        items: Ids and codes of items.
        features: Makes inputs of pairs.
        log: Labelled pairs.
        chronicle: What was known of items, and when.
        signals: Counts and rates by the same log.
    """

    users: Vocabulary
    items: Vocabulary
    features: Features
    log: Log
    chronicle: Chronicle
    signals: Signals

    @classmethod
    def of(
        cls, users: Vocabulary, items: Vocabulary, features: Features, log: Log, step: int
    ) -> World:
        """A world with so many labels between two looks at the items."""
        chronicle = Chronicle(log, len(users), features.tables["content"], step)
        signals = Signals(log, chronicle, features.config.past)
        return cls(users, items, features, log, chronicle, signals)

    def read(self, table: pl.DataFrame, until: NDArray[np.int64] | None = None) -> Inputs:
        """Inputs of the rows of a table, by what was known before each (or before `until`)."""
        table = with_session_position(table)
        times = table[TIMESTAMP].to_numpy()
        pairs = Pairs(
            self.users.encode(table[USER_ID]),
            self.items.encode(table[ITEM_ID]),
            times,
            times if until is None else np.minimum(until, times),
        )
        return self.features.build(pairs, table, self.log, self.chronicle, self.signals)


def shape_of(features: Features, numbers: int, users: Vocabulary, texts: tuple[str, ...]) -> Shape:
    """How large inputs are, for bodies."""
    content = features.tables["content"]
    return Shape(users.size, features.sizes, numbers, content, features.config.history, texts)


def texts_of(train: Dataset) -> tuple[str, ...]:
    """The words of items by code; of no item none."""
    return ("", *item_texts(train.items))


def content_of(train: Dataset, content: ContentReference, dimension: int) -> NDArray[np.float32]:
    """Text vectors made shorter, float32[items + 1, d]; without an encoder one zero each."""
    if content.encoder is None:
        return np.zeros((train.item_vocabulary.size, 1), np.float32)
    vectors = content.fit(train.items)
    projection = Projection.fit(vectors[train.item_counts[1:] > 0], dimension)
    return np.pad(projection.apply(vectors), ((1, 0), (0, 0)))
