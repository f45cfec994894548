"""Dishonest accounts of the generated shop, and what they do.

- A *shilling group* of up to ten accounts buys the same two unpopular items within three days,
  among looks at popular items that make each account seem ordinary (the bandwagon attack of
  Burke et al., 2006).
- A *click bot* looks at random items every seven seconds for the better part of an hour.
- A *crawler* walks through the catalogue in its order, an item every three seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.data._shop_items import Goods
from foretaste.data._shop_people import DEVICES
from foretaste.data._shop_visits import CART, PURCHASE, VIEW, Period, event_table

KINDS: Final = ("shilling", "click-bot", "crawler")
_SHARES = (0.6, 0.2, 0.2)

_GROUP_SIZE = 10
_TARGETS = 2
_FILLERS = 15
_BOT_CLICKS = 300
_CRAWLER_CLICKS = 200
_DAY = 86_400_000


@dataclass(frozen=True)
class Deceit:
    """What dishonest accounts did.

    Attributes:
        accounts: Columns `person` (row), `kind`, `group` (of shilling accounts, else null).
        targets: int64[groups, targets], rows of the items each shilling group pushes.
        events: As `visit` returns them; every account has one session, numbered from 0.
    """

    accounts: pl.DataFrame
    targets: NDArray[np.int64]
    events: pl.DataFrame


def deceive(
    goods: Goods, period: Period, who: NDArray[np.int64], rng: np.random.Generator
) -> Deceit:
    """Has the people `who`, in random order, each play one of the dishonest kinds."""
    cuts = np.round(np.cumsum(_SHARES)[:-1] * len(who)).astype(int)
    shills, bots, crawlers = np.split(who, cuts)
    group = np.arange(len(shills)) // _GROUP_SIZE
    known = np.flatnonzero(goods.released < period.start)
    unpopular = known[goods.popularity[known] < np.median(goods.popularity)]
    target = rng.integers(0, len(unpopular), -(-len(shills) // _GROUP_SIZE))
    targets = unpopular[(target[:, None] + np.arange(_TARGETS)) % len(unpopular)]
    bot_items = rng.choice(known, (len(bots), _BOT_CLICKS))
    first = rng.integers(0, len(known), len(crawlers))
    crawled = known[(first[:, None] + np.arange(_CRAWLER_CLICKS)) % len(known)]
    events = [
        _push(goods, period, shills, group, targets, known, rng),
        _click(period, bots, bot_items, 7_000, rng),
        _click(period, crawlers, crawled, 3_000, rng),
    ]
    sizes = [len(shills), len(bots), len(crawlers)]
    starts = np.cumsum([0, *sizes])
    accounts = pl.DataFrame(
        {
            "person": who,
            "kind": pl.Series(KINDS).gather(np.repeat(np.arange(len(KINDS)), sizes)),
            "group": pl.Series(group).extend_constant(None, len(bots) + len(crawlers)),
        }
    )
    numbered = [
        table.with_columns(pl.col("session") + int(start))
        for table, start in zip(events, starts[:-1], strict=True)
    ]
    return Deceit(accounts, targets, pl.concat(numbered))


def _push(
    goods: Goods,
    period: Period,
    shills: NDArray[np.int64],
    group: NDArray[np.int64],
    targets: NDArray[np.int64],
    known: NDArray[np.int64],
    rng: np.random.Generator,
) -> pl.DataFrame:
    popularity = goods.popularity[known] / goods.popularity[known].sum()
    fillers = rng.choice(known, (len(shills), _FILLERS), p=popularity)
    pushed = np.repeat(targets[group], 3, axis=1)
    items = np.concatenate([fillers, pushed], axis=1)
    kinds = np.array([VIEW] * _FILLERS + [VIEW, CART, PURCHASE] * _TARGETS)
    campaign = rng.integers(period.start, period.end - 4 * _DAY, len(targets))
    start = campaign[group] + rng.integers(0, 3 * _DAY, len(shills))
    waits = 5_000 + rng.lognormal(10, 0.8, items.shape).astype(np.int64)
    return _table(shills, items, start[:, None] + np.cumsum(waits, axis=1), kinds, rng)


def _click(
    period: Period,
    robots: NDArray[np.int64],
    items: NDArray[np.int64],
    every: int,
    rng: np.random.Generator,
) -> pl.DataFrame:
    start = rng.integers(period.start, period.end - _DAY, len(robots))
    waits = every + rng.integers(-500, 500, items.shape)
    return _table(robots, items, start[:, None] + np.cumsum(waits, axis=1), np.array([VIEW]), rng)


def _table(
    accounts: NDArray[np.int64],
    items: NDArray[np.int64],
    times: NDArray[np.int64],
    kinds: NDArray[np.int64],
    rng: np.random.Generator,
) -> pl.DataFrame:
    """One session for each account, from its row of items and times."""
    session = np.repeat(np.arange(len(accounts)), items.shape[1])
    device = rng.integers(0, len(DEVICES), len(accounts))
    return event_table(
        accounts[session],
        items.ravel(),
        times.ravel(),
        np.broadcast_to(kinds, items.shape).ravel(),
        session,
        device[session],
    )
