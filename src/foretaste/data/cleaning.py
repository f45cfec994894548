"""Rules that take doubtful events away, each with a line in the report for what it took.

By default only what is certainly wrong goes: times that cannot be, the same row twice, the same
action logged twice within a minute. What takes honest behaviour as well (a k-core, a bound on how
busy an account may be) is off until asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from foretaste.config import Config
from foretaste.data.dataset import Dataset
from foretaste.data.schema import (
    EVENT_ID,
    EVENT_TYPE,
    EVENT_VALUE,
    ITEM_ID,
    RECOMMENDATION_ID,
    SESSION_ID,
    TIMESTAMP,
    USER_ID,
)
from foretaste.errors import DataError

#: No event of a shop or a service on the web is older.
EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)

#: Clocks and time zones of honest senders differ by less than this.
CLOCK_SLACK = timedelta(days=1)

#: An account is never called hyperactive for fewer events in its busiest day than this.
HYPERACTIVE_FLOOR = 100

_CANONICAL = (
    USER_ID,
    ITEM_ID,
    TIMESTAMP,
    EVENT_TYPE,
    EVENT_VALUE,
    EVENT_ID,
    SESSION_ID,
    RECOMMENDATION_ID,
)
_DAY = 86_400_000


class CleaningConfig(Config):
    """Which rules run, in the order in which they are listed here.

    Attributes:
        impossible_times: Take events from before 1995 or from the future. Only for real times.
        exact_duplicates: Of events that agree in every canonical column, or that carry the same
            `event_id`, keep the first.
        repeat_seconds: Take an event that follows the same user's event of the same type on the
            same item within this many seconds; null turns it off. Only for real times.
        hyperactive_deviations: Take every event of accounts whose busiest day (of all their
            events, where only the order is known) is this many robust standard deviations above
            the median; null turns it off. Off by default, because heavy use is not dishonesty
            and a whole account is much to lose; 3.5 finds bots and spares enthusiasts.
        min_user_events: Keep users with at least this many events, and with
        min_item_events: items with at least this many, until both hold together (the k-core).
            Users and items that fall short leave their tables as well. 1 keeps everything.
        only_with_events: Drop users and items without any event from their tables. Off by
            default: an item that nobody has touched yet is a cold item, to be recommended.
    """

    impossible_times: bool = True
    exact_duplicates: bool = True
    repeat_seconds: float | None = Field(default=60.0, gt=0)
    hyperactive_deviations: float | None = Field(default=None, gt=0)
    min_user_events: int = Field(default=1, ge=1)
    min_item_events: int = Field(default=1, ge=1)
    only_with_events: bool = False


@dataclass(frozen=True)
class RuleOutcome:
    """What one rule took away.

    Attributes:
        rule: Its name.
        detail: What it looked for, with the bounds that it used.
        events: Events taken.
        users: Users who had events before the rule and have none after it; for
            "only-with-events", users dropped.
        items: Likewise for items.
    """

    rule: str
    detail: str
    events: int
    users: int
    items: int

    def __str__(self) -> str:
        took = f"{self.events:,} events, {self.users:,} users, {self.items:,} items"
        return f"{self.rule} ({self.detail}): took {took}"


@dataclass(frozen=True)
class CleaningReport:
    """What cleaning did, rule by rule.

    Attributes:
        rules: One outcome for every rule that ran, also where it took nothing.
        now: The moment against which "future" was measured.
        events_before: Events before cleaning.
        events_after: Events after it.
    """

    rules: tuple[RuleOutcome, ...]
    now: datetime
    events_before: int
    events_after: int

    def __str__(self) -> str:
        head = f"Cleaning kept {self.events_after:,} of {self.events_before:,} events."
        return "\n".join([head, *(f"  {outcome}" for outcome in self.rules)])

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, ready for JSON."""
        return asdict(self) | {"now": self.now.isoformat()}


def clean(
    dataset: Dataset, config: CleaningConfig | None = None, *, now: datetime | None = None
) -> tuple[Dataset, CleaningReport]:
    """Takes away the events that the rules of `config` object to.

    Items and users that lose their last event stay, as cold items and users, where their table
    knows anything of them besides the id; a bare id that only doubtful events mention goes with
    them. Those that the k-core takes leave in any case. Items and users without events from the
    start stay unless `only_with_events` is set.

    Args:
        dataset: What to clean; it is not changed.
        config: Which rules run; by default `CleaningConfig()`.
        now: The moment (with a time zone) after which an event lies in the future; by default
            the wall clock plus a day, which covers clocks and time zones that differ.

    Returns:
        The cleaned data and the report of what was taken.

    Raises:
        DataError: The rules leave no events.
    """
    config = config or CleaningConfig()
    now = now or datetime.now(UTC) + CLOCK_SLACK
    outcomes: list[RuleOutcome] = []
    kept = dataset
    no_users = np.zeros(len(dataset.users), bool)
    no_items = np.zeros(len(dataset.items), bool)
    for rule in _rules(dataset, config, now):
        after = kept.take_events(rule.keep(kept))
        users = _emptied(kept.user_codes, after.user_codes, len(kept.users))
        items = _emptied(kept.item_codes, after.item_codes, len(kept.items))
        taken = len(kept) - len(after)
        outcomes.append(
            RuleOutcome(rule.name, rule.detail, taken, int(users.sum()), int(items.sum()))
        )
        if not len(after):
            raise DataError(
                f"cleaning leaves no events: the rule '{rule.name}' took the last.",
                hint=f"Mend the data or turn the rule off; it takes {rule.detail}.",
            )
        no_users |= users if rule.also_from_tables else users & _bare(kept.users)
        no_items |= items if rule.also_from_tables else items & _bare(kept.items)
        kept = after
    if no_users.any() or no_items.any():
        kept = Dataset.from_tables(
            kept.events,
            kept.items.filter(~no_items),
            kept.users.filter(~no_users),
            clock=kept.clock,
            notes=kept.notes,
        )
    if config.only_with_events:
        outcome, kept = _only_with_events(kept)
        outcomes.append(outcome)
    return kept, CleaningReport(tuple(outcomes), now, len(dataset), len(kept))


_Keep = Callable[[Dataset], NDArray[np.bool_]]


@dataclass(frozen=True)
class _Rule:
    """Which events stay, and whether whom it empties leaves the tables, described or not."""

    name: str
    detail: str
    keep: _Keep
    also_from_tables: bool = False


def _rules(dataset: Dataset, config: CleaningConfig, now: datetime) -> list[_Rule]:
    """The rules that are on and have a meaning for this data, in order."""
    rules: list[_Rule] = []
    timed = dataset.clock == "time"
    if config.impossible_times and timed:
        detail = f"before {EARLIEST:%Y-%m-%d} or after {now:%Y-%m-%d %H:%M %Z}"
        rules.append(_Rule("impossible-times", detail, lambda data: _possible(data, now)))
    if config.exact_duplicates:
        rules.append(_Rule("exact-duplicates", "the same row or event id twice", _first_copies))
    if config.repeat_seconds is not None and timed:
        within = timedelta(seconds=config.repeat_seconds)
        detail = f"the same action within {config.repeat_seconds:g} s"
        rules.append(_Rule("repeats", detail, lambda data: _no_repeats(data, within)))
    if config.hyperactive_deviations is not None:
        bound = config.hyperactive_deviations
        detail = f"accounts more than {bound:g} deviations busier than the median"
        rules.append(_Rule("hyperactive", detail, lambda data: _calm_accounts(data, bound)))
    least = (config.min_user_events, config.min_item_events)
    if max(least) > 1:
        detail = f"users with fewer than {least[0]} events, items with fewer than {least[1]}"
        rules.append(_Rule("k-core", detail, lambda data: _in_core(data, *least), True))
    return rules


def _possible(dataset: Dataset, now: datetime) -> NDArray[np.bool_]:
    times = dataset.timestamps
    return (times >= EARLIEST.timestamp() * 1000) & (times <= now.timestamp() * 1000)


def _first_copies(dataset: Dataset) -> NDArray[np.bool_]:
    events = dataset.events
    canonical = [column for column in _CANONICAL if column in events.columns]
    first = events.select(pl.struct(canonical).is_first_distinct()).to_series()
    if EVENT_ID in events.columns:
        first &= events[EVENT_ID].is_first_distinct() | events[EVENT_ID].is_null()
    return first.to_numpy()


def _no_repeats(dataset: Dataset, within: timedelta) -> NDArray[np.bool_]:
    action = dataset.user_codes.astype(np.int64) * dataset.item_vocabulary.size
    action += dataset.item_codes
    if EVENT_TYPE in dataset.events.columns:
        kind = dataset.events[EVENT_TYPE].rank("dense").fill_null(0).to_numpy().astype(np.int64)
        action = action * (int(kind.max()) + 1) + kind
    # The events of one user stand in time order, and a stable sort leaves each action's so. Each
    # is held against the one before it, taken or not: a key held down for an hour is one action.
    order = np.argsort(action, kind="stable")
    soon = np.diff(dataset.timestamps[order]) <= within // timedelta(milliseconds=1)
    keep = np.ones(len(dataset), bool)
    keep[order[1:][soon & (np.diff(action[order]) == 0)]] = False
    return keep


def _calm_accounts(dataset: Dataset, deviations: float) -> NDArray[np.bool_]:
    """Accounts within median + deviations x 1.4826 MAD of the log of their busiest day.

    On the log scale because activity is roughly lognormal; the median and the MAD because a
    tenth of bots must not move the bound (Rousseeuw & Croux, 1993). A spread below a factor of
    two is taken as two: in data where most accounts have one event the MAD is zero.
    """
    busiest = _busiest_day(dataset)
    logs = np.log(busiest[busiest > 0])
    centre = np.median(logs)
    spread = max(1.4826 * float(np.median(np.abs(logs - centre))), np.log(2))
    bound = max(float(np.exp(centre + deviations * spread)), HYPERACTIVE_FLOOR)
    return busiest[dataset.user_codes] <= bound


def _busiest_day(dataset: Dataset) -> NDArray[np.int64]:
    """int64[users + 1]: most events in one day (UTC); all events where only order is known."""
    day = dataset.timestamps // _DAY if dataset.clock == "time" else np.zeros(len(dataset))
    # Events are in the order of user and time, so every (user, day) is one run of rows.
    changes = np.flatnonzero((np.diff(dataset.user_codes) != 0) | (np.diff(day) != 0)) + 1
    starts = np.concatenate([[0], changes])
    busiest = np.zeros(dataset.user_vocabulary.size, np.int64)
    np.maximum.at(busiest, dataset.user_codes[starts], np.diff([*starts, len(dataset)]))
    return busiest


def _in_core(dataset: Dataset, min_user: int, min_item: int) -> NDArray[np.bool_]:
    keep = np.ones(len(dataset), bool)
    while True:
        # Weighted by `keep`, the counts are those of the events still there.
        users = np.bincount(dataset.user_codes, weights=keep)
        items = np.bincount(dataset.item_codes, weights=keep)
        still = keep & (users[dataset.user_codes] >= min_user)
        still &= items[dataset.item_codes] >= min_item
        if still.sum() == keep.sum():
            return keep
        keep = still


def _emptied(before: NDArray[np.int32], after: NDArray[np.int32], n: int) -> NDArray[np.bool_]:
    """bool[n]: which codes, 1 to n, had events before a rule and have none after it."""
    counts = [np.bincount(codes, minlength=n + 1)[1:] for codes in (before, after)]
    return (counts[0] > 0) & (counts[1] == 0)


def _bare(table: pl.DataFrame) -> NDArray[np.bool_]:
    """bool[rows]: rows of which nothing but the id, the first column, is known."""
    known = [pl.col(column).is_not_null() for column in table.columns[1:]]
    return (
        ~table.select(pl.any_horizontal(pl.repeat(False, pl.len()), *known)).to_series().to_numpy()
    )


def _only_with_events(dataset: Dataset) -> tuple[RuleOutcome, Dataset]:
    smaller = dataset.only_with_events()
    outcome = RuleOutcome(
        "only-with-events",
        "users and items without events",
        events=0,
        users=len(dataset.users) - len(smaller.users),
        items=len(dataset.items) - len(smaller.items),
    )
    return outcome, smaller
