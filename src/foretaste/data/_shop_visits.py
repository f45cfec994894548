"""Visits to the generated shop: honest people who look around, fill a cart and buy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.data._shop_items import (
    CATEGORY,
    NEVER,
    STYLE,
    Goods,
    department_of_category,
)
from foretaste.data._shop_people import DEVICES, People
from foretaste.data._shop_words import words
from foretaste.data.schema import EVENT_TYPE, TIMESTAMP

EVENT_TYPES: Final = ("view", "cart", "purchase")
VIEW, CART, PURCHASE = range(len(EVENT_TYPES))

#: Parts of the day (UTC) with tastes of their own: night, morning, afternoon, evening.
HOURS_OF_PART: Final = 6
PARTS_OF_DAY: Final = ("night", "morning", "afternoon", "evening")

#: How the way through a session goes on: with the same category, with one that goes with it,
#: or else with a new idea.
STAY, PARTNER = 0.5, 0.3

#: What an item of the style of the item before it gains, unless its category is a new idea.
ECHO: Final = 1.5

#: Log-odds that a view leads to the cart, for a liking of 0, and its slope.
CART_BASE, CART_SLOPE = -3.0, 0.35
#: Log-odds that what is in the cart is bought, and what each device adds to them.
BUY_BASE, BUY_SLOPE = -1.2, 0.2
BUY_ON_DEVICE: Final = (-0.5, 0.4, 0.0)

#: Events a session, on average; sets how often people come.
EVENTS_PER_SESSION: Final = 5.65

_CANDIDATES = 32
_LONGEST = 15
_HOUR = 3_600_000
_DAY = 24 * _HOUR
_PAUSE = 30 * 60_000
_STOP_AT_EACH_STEP = (0.26, 0.19, 0.22)
_HOUR_WEIGHTS = np.repeat([0.3, 0.15, 0.7, 1.1, 1.2, 1.1, 1.8, 1.3], 3)
_WEEKEND_WEIGHT = 1.4


@dataclass(frozen=True)
class Period:
    """The time from `start` to `end`, milliseconds since 1970; `start` is a midnight."""

    start: int
    end: int

    def moment(self, times: NDArray[np.int64]) -> NDArray[np.float32]:
        """0 at the start, 1 at the end."""
        return ((times - self.start) / (self.end - self.start)).astype(np.float32)


@dataclass(frozen=True)
class Context:
    """What the situation of a session adds to the liking of departments.

    Attributes:
        device: float32[devices, departments].
        part_of_day: float32[parts of the day, departments].
    """

    device: NDArray[np.float32]
    part_of_day: NDArray[np.float32]

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Context:
        """Draws effects of the size of a mild taste."""
        departments = len(words().departments)
        return cls(
            rng.normal(0, 0.6, (len(DEVICES), departments)).astype(np.float32),
            rng.normal(0, 0.6, (len(PARTS_OF_DAY), departments)).astype(np.float32),
        )


@dataclass(frozen=True)
class Sessions:
    """Sessions in order of person and time; all arrays have one entry a session.

    Attributes:
        person: Row of the person.
        start: Milliseconds.
        device: Number of the device.
        length: Items looked at.
        steps: int64[sessions, longest], milliseconds from the start to every look.
    """

    person: NDArray[np.int64]
    start: NDArray[np.int64]
    device: NDArray[np.int64]
    length: NDArray[np.int64]
    steps: NDArray[np.int64]


class Shelves:
    """The items of every category in order of release, to be met in proportion to popularity."""

    def __init__(self, goods: Goods, period: Period) -> None:
        self._period = period
        category = goods.traits[:, CATEGORY].astype(np.int64)
        self._order = np.lexsort((goods.released, category))
        # What is never released stands behind the last moment at which anybody can look.
        keys = self._key(category, goods.released) + (goods.released == NEVER)
        self._keys = keys[self._order]
        self._mass = np.concatenate([[0.0], np.cumsum(goods.popularity[self._order])])
        self._starts = np.searchsorted(category[self._order], np.arange(len(words().leaves)))

    def meet(
        self,
        category: NDArray[np.int64],
        times: NDArray[np.int64],
        n: int,
        rng: np.random.Generator,
    ) -> NDArray[np.int64]:
        """int64[rows, n]: items of each row's category that were out at the time."""
        low = self._mass[self._starts[category]]
        out = np.searchsorted(self._keys, self._key(category, times), side="right")
        drawn = low[:, None] + rng.random((len(category), n)) * (self._mass[out] - low)[:, None]
        place = np.searchsorted(self._mass, drawn, side="right") - 1
        # Rounding may carry a draw to the end of the shelf.
        return self._order[np.minimum(place, out[:, None] - 1)]

    def _key(self, category: NDArray[np.int64], times: NDArray[np.int64]) -> NDArray[np.int64]:
        length = self._period.end - self._period.start
        since = np.clip(times, self._period.start, self._period.end) - self._period.start
        return category * (length + 2) + since


def visit(
    goods: Goods,
    people: People,
    context: Context,
    period: Period,
    *,
    who: NDArray[np.int64],
    events_per_person: float,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """Lets the people `who` visit the shop.

    Returns:
        Columns `person`, `item` (rows), `timestamp`, `event_type`, `session` (from 0) and
        `device`, in order of person and time.
    """
    sessions = _sessions(people, period, who, events_per_person, rng)
    items = _Walk(goods, people, context, period, sessions, rng).items()
    return _events(goods, people, period, sessions, items, rng)


def partner_categories() -> NDArray[np.int64]:
    """int64[categories, 2], the categories that go with each."""
    names = [leaf.name for leaf in words().leaves]
    return np.array([[names.index(p) for p in leaf.partners] for leaf in words().leaves])


def _sessions(
    people: People,
    period: Period,
    who: NDArray[np.int64],
    events_per_person: float,
    rng: np.random.Generator,
) -> Sessions:
    counts = rng.poisson(people.activity[who] * events_per_person / EVENTS_PER_SESSION)
    person = np.repeat(who, counts)
    n = len(person)
    device = (rng.random((n, 1)) > people.devices[person].cumsum(axis=1)[:, :-1]).sum(axis=1)
    length = np.minimum(rng.geometric(np.array(_STOP_AT_EACH_STEP)[device]), _LONGEST)
    dwell = 5_000 + rng.lognormal(10.2, 0.8, (n, _LONGEST)).astype(np.int64)
    steps = np.cumsum(dwell, axis=1) - dwell
    start = _start_times(n, period, rng)
    order = np.lexsort((start, person))
    start = _one_after_the_other(
        person, start[order], steps[np.arange(n), length - 1] + _PAUSE, period
    )
    return Sessions(person, start, device, length, steps)


def _start_times(n: int, period: Period, rng: np.random.Generator) -> NDArray[np.int64]:
    days = np.arange(period.start, period.end, _DAY)
    # 1 January 1970 was a Thursday.
    weekday = (days // _DAY + 3) % 7
    weight = np.where(weekday >= 5, _WEEKEND_WEIGHT, 1.0)
    day = rng.choice(days, n, p=weight / weight.sum())
    hour = rng.choice(24, n, p=_HOUR_WEIGHTS / _HOUR_WEIGHTS.sum())
    return day + hour * _HOUR + rng.integers(0, _HOUR, n)


def _one_after_the_other(
    person: NDArray[np.int64],
    start: NDArray[np.int64],
    lasting: NDArray[np.int64],
    period: Period,
) -> NDArray[np.int64]:
    """Puts off sessions that begin before the person's last one is over.

    The new start is the greatest, over the person's sessions up to this one, of that session's
    start plus all that lasts from there: a running maximum, taken for everybody at once by
    lifting each person's times above everybody's before.
    """
    before = np.cumsum(lasting) - lasting
    lift = person * (2 * (period.end - period.start) + int(lasting.sum()))
    return np.maximum.accumulate(start - before + lift) + before - lift


class _Walk:
    """All sessions walking through the shop at once, step by step."""

    def __init__(
        self,
        goods: Goods,
        people: People,
        context: Context,
        period: Period,
        sessions: Sessions,
        rng: np.random.Generator,
    ) -> None:
        self._goods = goods
        self._people = people
        self._context = context
        self._sessions = sessions
        self._moment = period.moment(sessions.start)
        self._shelves = Shelves(goods, period)
        self._partners = partner_categories()
        self._rng = rng

    def items(self) -> NDArray[np.int32]:
        """int32[sessions, longest]: the item looked at in every step, -1 after the last."""
        rows = np.arange(len(self._sessions.person))
        items = np.full((len(rows), _LONGEST), -1, np.int32)
        category, style = self._think_of(rows), np.full(len(rows), -1)
        for step in range(_LONGEST):
            if step > 0:
                rows = rows[self._sessions.length[rows] > step]
                category, style = self._move_on(rows, items[rows, step - 1])
            items[rows, step] = self._choose(rows, category, style, items[rows, :step])
        return items

    def _think_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """A category for each of the sessions `rows`, by taste, device and time of day."""
        categories = slice(0, int(self._goods.facets.starts[CATEGORY + 1]))
        person = self._sessions.person[rows]
        part = self._sessions.start[rows] % _DAY // (HOURS_OF_PART * _HOUR)
        liking = self._people.tastes[person, categories]
        liking = liking + self._moment[rows, None] * self._people.drift[person, categories]
        situation = self._context.device[self._sessions.device[rows]]
        situation = situation + self._context.part_of_day[part]
        liking += situation[:, department_of_category()]
        return (liking + _gumbel(liking.shape, self._rng)).argmax(axis=1)

    def _move_on(
        self, rows: NDArray[np.int64], last: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The category after the item `last`, and the style looked for there, -1 for any."""
        way = self._rng.random(len(rows))
        new_idea = way >= STAY + PARTNER
        here = self._goods.traits[last, CATEGORY].astype(np.int64)
        side = self._rng.integers(0, self._partners.shape[1], len(rows))
        category = np.where(way < STAY, here, self._partners[here, side])
        category[new_idea] = self._think_of(rows[new_idea])
        return category, np.where(new_idea, -1, self._goods.traits[last, STYLE])

    def _choose(
        self,
        rows: NDArray[np.int64],
        category: NDArray[np.int64],
        style: NDArray[np.int64],
        seen: NDArray[np.int32],
    ) -> NDArray[np.int64]:
        """The best liked of some items of the category that the session has not seen."""
        met = self._shelves.meet(category, self._sessions.start[rows], _CANDIDATES, self._rng)
        liking = self._people.preference(
            self._goods, self._sessions.person[rows, None], met, self._moment[rows, None]
        )
        liking += ECHO * (self._goods.traits[met, STYLE] == style[:, None])
        liking[(met[:, :, None] == seen[:, None, :]).any(axis=2)] = -np.inf
        choice = (liking + _gumbel(liking.shape, self._rng)).argmax(axis=1)
        return met[np.arange(len(rows)), choice]


def _events(
    goods: Goods,
    people: People,
    period: Period,
    sessions: Sessions,
    items: NDArray[np.int32],
    rng: np.random.Generator,
) -> pl.DataFrame:
    session, step = np.nonzero(items >= 0)
    item = items[session, step].astype(np.int64)
    looked = sessions.start[session] + sessions.steps[session, step]
    liking = people.preference(goods, sessions.person[session], item, period.moment(looked))
    in_cart = _happens(CART_BASE + CART_SLOPE * liking, rng)
    # What is in the cart already is not put there again.
    in_cart[in_cart] = _is_first(session[in_cart] * len(goods) + item[in_cart])
    on_device = np.array(BUY_ON_DEVICE)[sessions.device[session]]
    bought = in_cart & _happens(BUY_BASE + BUY_SLOPE * liking + on_device, rng)
    # Every look lasts five seconds or more; people pay half a minute after the last.
    carted = looked + rng.integers(1_000, 5_000, len(looked))
    last_look = np.repeat(looked[np.cumsum(sessions.length) - 1], sessions.length)
    tables = [
        event_table(
            sessions.person[session[which]],
            item[which],
            times[which],
            kind,
            session[which],
            sessions.device[session[which]],
        )
        for kind, which, times in [
            (VIEW, np.ones(len(item), bool), looked),
            (CART, in_cart, carted),
            (PURCHASE, bought, last_look + 30_000),
        ]
    ]
    return pl.concat(tables).sort("session", TIMESTAMP, maintain_order=True)


def event_table(
    person: NDArray[np.integer],
    item: NDArray[np.integer],
    times: NDArray[np.int64],
    kind: int | NDArray[np.int64],
    session: NDArray[np.integer],
    device: NDArray[np.int64],
) -> pl.DataFrame:
    """Events in codes as a table: `person, item, timestamp, event_type, session, device`."""
    return pl.DataFrame(
        {
            "person": person.astype(np.int64),
            "item": item.astype(np.int64),
            TIMESTAMP: times,
            EVENT_TYPE: pl.Series(EVENT_TYPES).gather(np.broadcast_to(kind, len(person))),
            "session": session.astype(np.int64),
            "device": pl.Series(DEVICES).gather(device),
        }
    )


def _happens(log_odds: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.bool_]:
    return rng.random(len(log_odds)) < 1 / (1 + np.exp(-log_odds))


def _is_first(keys: NDArray[np.int64]) -> NDArray[np.bool_]:
    return pl.Series(keys).is_first_distinct().to_numpy()


def _gumbel(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """Noise that makes the greatest of noisy likings a draw from their softmax."""
    return -np.log(np.maximum(rng.standard_exponential(shape, np.float32), 1e-20))
