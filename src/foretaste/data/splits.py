"""Ways to divide events into training data and held-out targets without seeing the future.

Every split is a pure function of the data set and its options, and carries a SHA-256 fingerprint
of what it holds; two results with the same fingerprint were measured on the same question.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from foretaste.data.dataset import Dataset
from foretaste.data.ragged import Ragged
from foretaste.errors import ConfigError, DataError

SplitKind = Literal["leave-one-out", "temporal", "random", "item-cold"]


@dataclass(frozen=True)
class Targets:
    """What a model must foresee, one row a person.

    Attributes:
        users: int32[n], user codes.
        histories: Item codes known before the first target, in time order; rows may be empty.
        items: Distinct item codes to foresee, at least one a row, in time order.
    """

    users: NDArray[np.int32]
    histories: Ragged
    items: Ragged

    def __len__(self) -> int:
        return len(self.users)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of people, histories and targets."""
        digest = hashlib.sha256()
        self.digest_into(digest.update)
        return digest.hexdigest()

    def digest_into(self, update: Callable[[bytes], None]) -> None:
        """Gives a digest everything the targets are."""
        update(self.users.tobytes())
        for ragged in (self.histories, self.items):
            update(ragged.values.tobytes())
            update(ragged.offsets.tobytes())

    def take(self, rows: NDArray[np.integer]) -> Targets:
        """The given rows, in the given order."""
        return Targets(self.users[rows], self.histories.take(rows), self.items.take(rows))

    def draw(self, most: int, seed: int) -> Targets:
        """At most so many rows, drawn at random where there are more, in the order they have."""
        if len(self) <= most:
            return self
        rng = np.random.default_rng(seed)
        return self.take(np.sort(rng.choice(len(self), most, replace=False)))


@dataclass(frozen=True)
class Split:
    """Training data and the targets held out from it.

    Attributes:
        kind: How the events were divided.
        train: What a model may learn from; it shares the vocabularies of the whole data set.
        validation: Targets to tune on.
        test: Targets to report, never to tune on.
        fingerprint: SHA-256 of the training events, the histories and the targets.
    """

    kind: SplitKind
    train: Dataset
    validation: Targets
    test: Targets
    fingerprint: str


def split(dataset: Dataset, kind: str | None = None, **options: Any) -> Split:
    """Divides a data set.

    - ``"leave-one-out"``: the last event of every user with at least three is the test target,
      the one before it the validation target.
    - ``"temporal"`` (`validation=0.1, test=0.1`): two moments cut time for everybody; the last
      share of the events is the test window, the share before it the validation window. The
      default when timestamps are real.
    - ``"random"`` (`validation=0.1, test=0.1, seed=0`): a random share of *users* is held out
      whole and never trained on; the last event of each is the target, the rest the history.
    - ``"item-cold"`` (`validation=0.1, test=0.1, seed=0`): a random share of *items* is held out;
      all their events leave the training data and the histories and are the targets.

    Args:
        dataset: What to divide.
        kind: One of the above; by default "temporal", or "leave-one-out" where timestamps are
            good for order only.
        **options: Of the kind, as above.

    Raises:
        ConfigError: The kind or an option is unknown or out of range.
        DataError: The data is too small for it, or its timestamps are not real.
    """
    if kind is None:
        kind = "temporal" if dataset.clock == "time" else "leave-one-out"
    if kind not in _KINDS:
        raise ConfigError(
            f"there is no split '{kind}'.",
            field="split.kind",
            hint=f"Choose one of: {', '.join(get_args(SplitKind))}.",
        )
    known_kind = cast(SplitKind, kind)
    divide, defaults = _KINDS[known_kind]
    unknown = sorted(set(options) - set(defaults))
    if unknown:
        raise ConfigError(
            f"the split '{kind}' has no such option.",
            field=f"split.{unknown[0]}",
            hint=f"It has: {', '.join(defaults) or 'none'}.",
        )
    options = defaults | options
    shares = options.get("validation", 0.1), options.get("test", 0.1)
    if min(shares) <= 0 or sum(shares) >= 1:
        raise ConfigError(
            "the validation and test shares must be above 0 and together below 1.", field="split"
        )
    train_rows, validation, test = divide(dataset, **options)
    if not train_rows.any() or not len(validation) or not len(test):
        raise DataError(
            f"the data is too small for the split '{kind}': {int(train_rows.sum())} training "
            f"events, {len(validation)} validation and {len(test)} test users.",
            hint="Give more events, or choose another split or other shares.",
        )
    fingerprint = _fingerprint(dataset, kind, options, train_rows, validation, test)
    return Split(known_kind, dataset.take_events(train_rows), validation, test, fingerprint)


_Parts = tuple[NDArray[np.bool_], Targets, Targets]


def _leave_one_out(dataset: Dataset) -> _Parts:
    place = _place_from_end(dataset)
    long_enough = np.bincount(dataset.user_codes, minlength=dataset.user_vocabulary.size) >= 3
    divided = long_enough[dataset.user_codes]
    test = divided & (place == 0)
    validation = divided & (place == 1)
    return (
        ~(test | validation),
        _targets(dataset, known=~(test | validation), held_out=validation),
        _targets(dataset, known=~test, held_out=test),
    )


def _temporal(dataset: Dataset, *, validation: float, test: float) -> _Parts:
    if dataset.clock != "time":
        raise DataError(
            "a temporal split needs real timestamps; these give only the order of events.",
            hint="Use the split 'leave-one-out'.",
        )
    times = dataset.timestamps
    # Cutting at a moment, not at a row, puts all events of one instant on the same side.
    validation_from, test_from = np.quantile(
        times, [1 - validation - test, 1 - test], method="higher"
    )
    train = times < validation_from
    in_test = times >= test_from
    return (
        train,
        _targets(dataset, known=train, held_out=~train & ~in_test),
        _targets(dataset, known=~in_test, held_out=in_test),
    )


def _random(dataset: Dataset, *, validation: float, test: float, seed: int) -> _Parts:
    part = _draw(len(dataset.user_vocabulary), validation, test, seed)[dataset.user_codes - 1]
    last = _place_from_end(dataset) == 0
    return (
        part == _TRAIN,
        _targets(dataset, known=~last, held_out=last & (part == _VALIDATION)),
        _targets(dataset, known=~last, held_out=last & (part == _TEST)),
    )


def _item_cold(dataset: Dataset, *, validation: float, test: float, seed: int) -> _Parts:
    part = _draw(len(dataset.item_vocabulary), validation, test, seed)[dataset.item_codes - 1]
    warm = part == _TRAIN
    return (
        warm,
        _targets(dataset, known=warm, held_out=part == _VALIDATION),
        _targets(dataset, known=warm, held_out=part == _TEST),
    )


_SHARES: dict[str, Any] = {"validation": 0.1, "test": 0.1}
_KINDS: dict[str, tuple[Callable[..., _Parts], dict[str, Any]]] = {
    "leave-one-out": (_leave_one_out, {}),
    "temporal": (_temporal, _SHARES),
    "random": (_random, _SHARES | {"seed": 0}),
    "item-cold": (_item_cold, _SHARES | {"seed": 0}),
}

_TRAIN, _VALIDATION, _TEST = 0, 1, 2


def _draw(n: int, validation: float, test: float, seed: int) -> NDArray[np.int8]:
    """int8[n]: the part of every one of `n` things, in exact shares."""
    parts = np.full(n, _TRAIN, np.int8)
    parts[: round(n * validation)] = _VALIDATION
    parts[n - round(n * test) :] = _TEST
    return np.random.default_rng(seed).permutation(parts)


def _place_from_end(dataset: Dataset) -> NDArray[np.int64]:
    """int64[events]: how many events of the same user come after each."""
    ends = np.cumsum(np.bincount(dataset.user_codes, minlength=dataset.user_vocabulary.size))
    return ends[dataset.user_codes] - 1 - np.arange(len(dataset))


def _targets(dataset: Dataset, *, known: NDArray[np.bool_], held_out: NDArray[np.bool_]) -> Targets:
    """Held-out items of every user who has any, with the known events before the first of them."""
    users = np.unique(dataset.user_codes[held_out])
    row_of_user = np.full(dataset.user_vocabulary.size, -1)
    row_of_user[users] = np.arange(len(users))
    rows = row_of_user[dataset.user_codes]
    first = np.full(len(users), len(dataset))
    np.minimum.at(first, rows[held_out], np.flatnonzero(held_out))
    before = known & (rows >= 0)
    before[before] = np.flatnonzero(before) < first[rows[before]]
    held_out = held_out & ~_repeated(rows, dataset.item_codes, held_out)
    return Targets(
        users.astype(np.int32),
        _rows(dataset, rows, before, len(users)),
        _rows(dataset, rows, held_out, len(users)),
    )


def _repeated(
    rows: NDArray[np.int64], items: NDArray[np.int32], among: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """bool[events]: a (user, item) that already occurred earlier among the chosen events."""
    where = np.flatnonzero(among)
    pairs = rows[where] * (int(items.max(initial=0)) + 1) + items[where]
    repeated = np.zeros(len(among), bool)
    _, first = np.unique(pairs, return_index=True)
    repeated[where] = True
    repeated[where[first]] = False
    return repeated


def _rows(dataset: Dataset, rows: NDArray[np.int64], chosen: NDArray[np.bool_], n: int) -> Ragged:
    return Ragged.from_groups(dataset.item_codes[chosen], rows[chosen].astype(np.int32), n)


def _fingerprint(
    dataset: Dataset,
    kind: str,
    options: dict[str, Any],
    train: NDArray[np.bool_],
    validation: Targets,
    test: Targets,
) -> str:
    digest = hashlib.sha256(json.dumps([kind, options], sort_keys=True).encode())
    digest.update(dataset.user_vocabulary.fingerprint.encode())
    digest.update(dataset.item_vocabulary.fingerprint.encode())
    digest.update(dataset.user_codes[train].tobytes())
    digest.update(dataset.item_codes[train].tobytes())
    for part in (validation, test):
        part.digest_into(digest.update)
    return digest.hexdigest()
