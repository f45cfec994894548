"""A generated shop whose truth is known: what people like, what goes together, who cheats.

It stands in for real data in demonstrations, and lets tests ask whether a model found what was
put there. Tastes act on what the words of an item say (its kind, style, make, colour and use), so
a model that reads has something to find, above all for the items that nobody has touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from foretaste.config import Config
from foretaste.data._shop_dishonest import Deceit, deceive
from foretaste.data._shop_items import CATEGORY, STYLE, Goods, describe_goods, make_goods
from foretaste.data._shop_people import People, describe_people, make_people
from foretaste.data._shop_visits import Context, Period, partner_categories, visit
from foretaste.data.dataset import Dataset
from foretaste.data.schema import EVENT_TYPE, ITEM_ID, SESSION_ID, TIMESTAMP, USER_ID

__all__ = ["Context", "Deceit", "Goods", "People", "Shop", "ShopConfig", "ShopTruth", "generate"]

#: People who visit at once; bounds the memory of large shops. Part of what a seed means.
_CHUNK = 20_000
_DAY = 86_400_000


class ShopConfig(Config):
    """The size and the character of a shop.

    Attributes:
        items: In the catalogue.
        people: With an account; about one in eight of them never comes.
        days: Length of the log.
        start: Its first day.
        events_per_person: On average, over honest people.
        new_item_share: Of the items: half come in the last third of the days, half have only
            just been added and have no events.
        drift_share: Of the people: their tastes change in the course of the days.
        dishonest_share: Of the people.
        seed: Equal settings and seeds give equal shops.
    """

    items: int = Field(default=2_000, ge=200)
    people: int = Field(default=5_000, ge=50)
    days: int = Field(default=90, ge=14)
    start: date = date(2024, 1, 1)
    events_per_person: float = Field(default=24.0, gt=0)
    new_item_share: float = Field(default=0.1, ge=0, le=0.5)
    drift_share: float = Field(default=0.3, ge=0, le=1)
    dishonest_share: float = Field(default=0.02, ge=0, le=0.5)
    seed: int = Field(default=0, ge=0)

    @property
    def period(self) -> Period:
        """The time of the log."""
        midnight = datetime(self.start.year, self.start.month, self.start.day, tzinfo=UTC)
        start = round(midnight.timestamp() * 1000)
        return Period(start, start + self.days * _DAY)


@dataclass(frozen=True)
class ShopTruth:
    """What generated the events. Rows of its arrays are the data set's codes less one.

    Attributes:
        goods: Traits, prices, popularity and releases of the items.
        people: Their tastes, how these drift, their circles and price sensitivity.
        context: What device and time of day add to the liking of departments.
        deceit: The dishonest accounts, what they push, and their events.
    """

    goods: Goods
    people: People
    context: Context
    deceit: Deceit

    def preference(
        self,
        users: NDArray[np.integer],
        items: NDArray[np.integer],
        moment: NDArray[np.floating] | float = 1.0,
    ) -> NDArray[np.float32]:
        """How much users like items: the sum of their likings of the item's traits and price.

        Args:
            users: User codes; broadcast against the items.
            items: Item codes.
            moment: When, from 0 (the start of the log) to 1 (its end); tastes drift.

        Returns:
            float32 of the common shape. A person chooses among the items they meet with the
            softmax of it (and of 1.5 more for items of the style of the one looked at before).
        """
        return self.people.preference(self.goods, users - 1, items - 1, moment)

    def goes_with(
        self, items: NDArray[np.integer], others: NDArray[np.integer]
    ) -> NDArray[np.bool_]:
        """Whether other items go with items: of a partner category, and of the same style.

        Args:
            items: Item codes.
            others: Item codes; broadcast against the first.
        """
        traits, others_traits = self.goods.traits[items - 1], self.goods.traits[others - 1]
        partners = partner_categories()[traits[..., CATEGORY]]
        is_partner = (partners == others_traits[..., CATEGORY, None]).any(axis=-1)
        return is_partner & (traits[..., STYLE] == others_traits[..., STYLE])

    @cached_property
    def new_items(self) -> NDArray[np.int32]:
        """Codes of the items released late or never."""
        return (np.flatnonzero(self.goods.new) + 1).astype(np.int32)

    @cached_property
    def dishonest(self) -> NDArray[np.int32]:
        """Codes of the dishonest accounts, sorted."""
        return np.sort(self.deceit.accounts["person"].to_numpy() + 1).astype(np.int32)


@dataclass(frozen=True)
class Shop:
    """A generated shop.

    Attributes:
        config: What was asked for.
        dataset: Events, catalogue and users, as a shop would know them.
        truth: What no shop knows.
    """

    config: ShopConfig
    dataset: Dataset
    truth: ShopTruth

    def write(self, folder: str | Path, *, images: bool = True) -> Path:
        """Writes the shop as a folder that `foretaste.data.read` understands.

        ``events.csv``, ``items.csv`` and ``users.csv`` are the data, ``images/`` holds a drawn
        picture of every item, and ``truth/`` what generated them.

        Args:
            folder: Where; it must not exist yet.
            images: Draw the pictures.

        Raises:
            InputError: The folder exists.
        """
        from foretaste.data._shop_folder import write_shop

        return write_shop(self, Path(folder), images=images)


def generate(config: ShopConfig | None = None) -> Shop:
    """Generates a shop; equal settings give equal shops, to the last event.

    Args:
        config: By default 2,000 items and 5,000 people with some 130,000 events in 90 days.
    """
    config = config or ShopConfig()
    period = config.period
    goods = make_goods(
        config.items,
        new_share=config.new_item_share,
        start=period.start,
        end=period.end,
        rng=_rng(config, 1),
    )
    people = make_people(
        config.people, goods.facets, drift_share=config.drift_share, rng=_rng(config, 2)
    )
    context = Context.draw(_rng(config, 3))
    shuffled = _rng(config, 4).permutation(config.people)
    cheats, honest = np.split(shuffled, [round(config.people * config.dishonest_share)])
    deceit = deceive(goods, period, cheats, _rng(config, 5))
    honest = np.sort(honest)
    visits = [
        visit(
            goods,
            people,
            context,
            period,
            who=honest[first : first + _CHUNK],
            events_per_person=config.events_per_person,
            rng=_rng(config, 6, first),
        )
        for first in range(0, len(honest), _CHUNK)
    ]
    item_ids, user_ids = _ids("i", config.items), _ids("u", config.people)
    dataset = Dataset.from_tables(
        _with_ids([*visits, deceit.events], item_ids, user_ids, _rng(config, 7)),
        describe_goods(goods, item_ids.alias(ITEM_ID), end=period.end, rng=_rng(config, 8)),
        describe_people(people, user_ids.alias(USER_ID)),
        notes=(f"This is a generated shop (seed {config.seed}).",),
    )
    return Shop(config, dataset, ShopTruth(goods, people, context, deceit))


def _rng(config: ShopConfig, *part: int) -> np.random.Generator:
    """A generator for one part of the shop, so that no part depends on the draws of another."""
    return np.random.default_rng([config.seed, *part])


def _ids(letter: str, n: int) -> pl.Series:
    """Ids whose order as strings is that of their numbers, so that row `i` has code `i + 1`."""
    numbers = pl.Series(np.arange(1, n + 1)).cast(pl.String)
    return letter + numbers.str.zfill(len(str(n)))


def _with_ids(
    parts: list[pl.DataFrame], item_ids: pl.Series, user_ids: pl.Series, rng: np.random.Generator
) -> pl.DataFrame:
    """The parts as one table of canonical events; session numbers tell nothing of their part."""
    sessions = [part["session"].n_unique() for part in parts]
    firsts = np.cumsum([0, *sessions])
    events = pl.concat(
        [
            part.with_columns(pl.col("session") + int(first))
            for part, first in zip(parts, firsts[:-1], strict=True)
        ]
    )
    numbers = pl.Series(rng.permutation(int(firsts[-1])) + 1).cast(pl.String)
    return events.select(
        user_ids.gather(events["person"]).alias(USER_ID),
        item_ids.gather(events["item"]).alias(ITEM_ID),
        TIMESTAMP,
        EVENT_TYPE,
        ("s" + numbers.gather(events["session"])).alias(SESSION_ID),
        "device",
    )
