"""Events that ask, with the labels that answer, and when each label was known."""

from __future__ import annotations

import polars as pl

from foretaste.data import Dataset
from foretaste.data.schema import EVENT_TYPE, ITEM_ID, SESSION_ID, TIMESTAMP, USER_ID
from foretaste.errors import DataError
from foretaste.models.interest.question import (
    GoalConfig,
    QuestionConfig,
    grade_of,
    known_at_of,
    label_of,
)

#: How many pairs of the same session were asked about before.
SESSION_POSITION = "session_position"

_SESSION = [USER_ID, SESSION_ID]
_ACTED, _OVER, _VALUE = "__acted", "__over", "__value"


def labelled(dataset: Dataset, config: QuestionConfig) -> Dataset:
    """The events that ask, with columns `label` and `known_at`, without the columns asked about.

    A label in a column is known as soon as its event is over. That of an event shown is known
    when the action comes, or that none came at the end of the session. What is graded has the
    column `grade`, too. Of several goals, the columns are `label:<goal>`, `known_at:<goal>` and
    `grade:<goal>`; a pair that has no label of a goal holds null there, one that has none at all
    is left out. What counts only after another goal has label 1 where both have.

    Raises:
        DataError: A column or an event type is missing, or holds no numbers.
    """
    events, asked = dataset.events, config.asked
    found = events if config.shown is None else _shown(events, config.shown)
    for name, goal in asked.items():
        if goal.acted is None:
            label, known_at = _label(_numbers(found, str(goal.column)), goal), found[TIMESTAMP]
        else:
            label, known_at = _action(found, events, goal)
        if goal.after is not None:
            label = label * found[label_of(goal.after)]
        columns = [label.alias(label_of(name)), known_at.alias(known_at_of(name))]
        if goal.graded_by is not None:
            columns.append(_numbers(found, goal.graded_by).cast(pl.Float32).alias(grade_of(name)))
        found = found.with_columns(columns)
    labels = [label_of(name) for name in asked]
    # Left there, the answers would be read as context of their own question.
    read = {column for goal in asked.values() for column in (goal.column, goal.graded_by)}
    answers = {column for column in read if column is not None} - {*labels}
    found = found.filter(pl.any_horizontal(pl.col(labels).is_not_null()))
    return Dataset.from_tables(
        found.drop(_OVER, *answers, strict=False),
        dataset.items,
        dataset.users,
        clock=dataset.clock,
        notes=dataset.notes,
    )


def with_session_position(pairs: pl.DataFrame) -> pl.DataFrame:
    """Adds `session_position` where there are sessions and it is not given."""
    if SESSION_ID not in pairs.columns or SESSION_POSITION in pairs.columns:
        return pairs
    place = pl.col(TIMESTAMP).rank("ordinal").over(USER_ID, SESSION_ID) - 1
    return pairs.with_columns(place.cast(pl.Int64).alias(SESSION_POSITION))


def with_times(pairs: pl.DataFrame, now: int) -> pl.DataFrame:
    """Pairs with the column `timestamp`, which is `now` where they have none.

    Raises:
        DataError: A column is missing or of the wrong type.
    """
    for column in (USER_ID, ITEM_ID):
        if column not in pairs.columns:
            raise DataError(
                f"the pairs have no such column (found: {', '.join(pairs.columns)}).",
                field=column,
            )
    if TIMESTAMP not in pairs.columns:
        return pairs.with_columns(pl.lit(now, pl.Int64).alias(TIMESTAMP))
    if not pairs[TIMESTAMP].dtype.is_integer() or pairs[TIMESTAMP].null_count():
        raise DataError("times must be whole milliseconds, none of them missing.", field=TIMESTAMP)
    return pairs.with_columns(pl.col(TIMESTAMP).cast(pl.Int64))


def _shown(events: pl.DataFrame, kind: str) -> pl.DataFrame:
    """The events of the type that asks, in time, with the end of their session."""
    for column in (EVENT_TYPE, SESSION_ID):
        if column not in events.columns:
            raise DataError(
                f"the events have no such column (found: {', '.join(events.columns)}).",
                field=column,
                hint="Name a column of labels in the section 'question' instead.",
            )
    over = pl.col(TIMESTAMP).max().over(_SESSION).alias(_OVER)
    return _of_type(events.with_columns(over), kind).sort(TIMESTAMP, maintain_order=True)


def _of_type(events: pl.DataFrame, kind: str) -> pl.DataFrame:
    found = events.filter(pl.col(EVENT_TYPE) == kind)
    if found.is_empty():
        there = events[EVENT_TYPE].unique().drop_nulls().sort().to_list()
        raise DataError(
            f"no event is of the type '{kind}'.",
            field=EVENT_TYPE,
            hint=f"There are: {', '.join(map(str, there))}.",
        )
    return found


def _action(
    found: pl.DataFrame, events: pl.DataFrame, goal: GoalConfig
) -> tuple[pl.Series, pl.Series]:
    """What the first action of a type after them says, on the same item in the same session."""
    acts = _of_type(events, str(goal.acted)).with_columns(pl.col(TIMESTAMP).alias(_ACTED))
    value = pl.lit(1.0) if goal.column is None else _numbers(acts, goal.column)
    joined = found.join_asof(
        acts.select(*_SESSION, ITEM_ID, _ACTED, value.alias(_VALUE)).sort(_ACTED),
        left_on=TIMESTAMP,
        right_on=_ACTED,
        by=[*_SESSION, ITEM_ID],
        strategy="forward",
        check_sortedness=False,
    )
    known_at = joined.select(pl.coalesce(_ACTED, _OVER)).to_series()
    if goal.column is not None:
        return _label(joined[_VALUE], goal), known_at
    return joined[_ACTED].is_not_null().cast(pl.Float32), known_at


def _numbers(events: pl.DataFrame, column: str) -> pl.Series:
    if column not in events.columns:
        raise DataError(
            f"the events have no such column (found: {', '.join(events.columns)}).",
            field=column,
            hint="Say what interest is in the section 'question'.",
        )
    if not events[column].dtype.is_numeric():
        raise DataError(f"it holds {events[column].dtype}, not numbers.", field=column)
    return events[column]


def _label(numbers: pl.Series, goal: GoalConfig) -> pl.Series:
    return (numbers if goal.above is None else numbers > goal.above).cast(pl.Float32)
