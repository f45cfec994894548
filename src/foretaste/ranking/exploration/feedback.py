"""What came of items that were shown, from logs; and what a bandit learnt of it, in a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.data import PADDING, Vocabulary
from foretaste.data.schema import EVENT_TYPE, ITEM_ID, RECOMMENDATION_ID
from foretaste.errors import ArtifactError, DataError, InputError
from foretaste.ranking.exploration.bandits import Bandit
from foretaste.ranking.keeping import load_tensors, save_tensors

REWARD = "reward"

_POLICY, _ITEMS, _NUMBER = "policy", "items", "number"


def rewards_of(
    shown: pl.DataFrame, events: pl.DataFrame, worth: Mapping[str, float]
) -> pl.DataFrame:
    """What came of every item that was shown.

    Args:
        shown: `recommendation_id` and `item_id`, as lists were logged.
        events: The same and `event_type`; those that follow no recommendation are passed over.
        worth: The reward of an event of each type, from 0 to 1; other types have none.

    Returns:
        A row for each of `shown`: its two columns and `reward`, the largest of its events.

    Raises:
        DataError: A column is missing.
        InputError: A reward is outside.
    """
    pair = [RECOMMENDATION_ID, ITEM_ID]
    _require(shown, pair)
    _require(events, [*pair, EVENT_TYPE])
    if not all(0 <= reward <= 1 for reward in worth.values()):
        raise InputError("rewards must be from 0 to 1.", field="worth")
    rewards = pl.col(EVENT_TYPE).replace_strict(
        list(worth), list(worth.values()), default=0.0, return_dtype=pl.Float64
    )
    found = events.group_by(pair).agg(rewards.max().alias(REWARD))
    joined = shown.select(pair).join(found, on=pair, how="left", maintain_order="left")
    return joined.with_columns(pl.col(REWARD).fill_null(0.0))


def checked_rewards(
    feedback: pl.DataFrame, items: Vocabulary
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Item codes and rewards of a table with `item_id` and `reward`.

    Raises:
        DataError: A column is missing, an item is unknown, or a reward is no number from 0 to 1.
    """
    _require(feedback, [ITEM_ID, REWARD])
    codes = items.encode(feedback[ITEM_ID])
    unknown = np.flatnonzero(codes == PADDING)
    if len(unknown):
        row = int(unknown[0])
        raise DataError(f"there is no item {feedback[ITEM_ID][row]!r}.", field=ITEM_ID, row=row + 1)
    rewards = feedback[REWARD].cast(pl.Float64, strict=False)
    wrong = ~rewards.is_between(0, 1).fill_null(value=False)
    if wrong.any():
        row = int(wrong.arg_max() or 0)
        raise DataError(
            f"a reward is a number from 0 to 1, not {feedback[REWARD][row]!r}.",
            field=REWARD,
            row=row + 1,
        )
    return codes, rewards.to_numpy()


def save_bandit(bandit: Bandit, path: Path, *, policy: str, items: Vocabulary) -> Path:
    """Writes what a bandit has learnt of items, in one step.

    Raises:
        ArtifactError: It can't be written.
    """
    facts = {_POLICY: policy, _ITEMS: items.fingerprint, _NUMBER: str(len(items))}
    return save_tensors(path, bandit.tensors(), facts)


def restore_bandit(bandit: Bandit, path: Path, *, policy: str, items: Vocabulary) -> None:
    """Gives a bandit what another had learnt; of items that came since, it knows nothing.

    Raises:
        ArtifactError: There is no such file, it is damaged, or of another policy or catalogue.
    """
    tensors, facts = load_tensors(path)
    number = facts.get(_NUMBER, "")
    grown = number.isdecimal() and int(number) < len(items)
    known = Vocabulary(items.ids[: int(number)]) if grown else items
    if (facts.get(_POLICY), facts.get(_ITEMS)) != (policy, known.fingerprint):
        raise ArtifactError(
            "the state is of another policy or another catalogue.",
            file=path,
            hint="Remove the file, and it learns anew.",
        )
    bandit.restore(tensors, new=len(items) - len(known))


def _require(table: pl.DataFrame, columns: list[str]) -> None:
    for column in columns:
        if column not in table.columns:
            raise DataError("the table has no such column.", field=column)
