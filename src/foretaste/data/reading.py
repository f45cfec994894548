"""From files in any known layout to a `Dataset`, or to a report on what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from foretaste.data.config import DataConfig, TimeUnit
from foretaste.data.dataset import Dataset
from foretaste.data.inspection import Inspection
from foretaste.data.problems import FileReport, Findings, Problem, counted
from foretaste.data.readers import READERS, Found, Reader, Source, Tables
from foretaste.data.readers.columns import TableName, understood
from foretaste.data.readers.table import Table
from foretaste.data.readers.times import in_file_order, with_times
from foretaste.data.readers.values import (
    with_guessed_types,
    with_ids,
    with_lists,
    with_numbers,
    with_text,
)
from foretaste.data.schema import (
    EVENT_COLUMNS,
    EVENT_TYPE,
    EVENT_VALUE,
    ITEM_COLUMNS,
    ITEM_ID,
    TIMESTAMP,
    USER_ID,
    Clock,
)
from foretaste.errors import DataError

_MISSING_TIME_HINT = (
    f"Name it with columns: {{{TIMESTAMP}: <the name in your file>}}, or say time_unit: order if "
    "the order of the rows is the order of the events."
)


def read(source: str | Path | DataConfig, **settings: Any) -> Dataset:
    """Reads events, items and users from a folder or a file.

    Cleaning is another step: `foretaste.data.clean`.

    Args:
        source: A path, or the whole configuration.
        **settings: Fields of `DataConfig`, when `source` is a path.

    Raises:
        DataError: The layout is unknown or a row can't be understood; with `lenient`, such rows
            are skipped and counted in the data set's notes.
        ConfigError: A setting is unknown or does not fit.
    """
    config = _config(source, settings)
    findings = Findings(strict=not config.lenient)
    return _read(_chosen(config, findings), config, findings)


def inspect(source: str | Path | DataConfig, **settings: Any) -> Inspection:
    """Reads like `read` and reports all that is found, rather than end at the first problem.

    Args:
        source: A path, or the whole configuration.
        **settings: Fields of `DataConfig`, when `source` is a path.

    Raises:
        ConfigError: A setting is unknown or does not fit.
    """
    config = _config(source, settings)
    findings = Findings(strict=False)
    layout, dataset, fatal = None, None, ()
    try:
        chosen = _chosen(config, findings)
        layout = chosen[0].layout
        dataset = _read(chosen, config, findings)
    except DataError as error:
        fatal = (Problem.of(error),)
    return Inspection(
        path=str(config.path),
        layout=layout,
        files=tuple(findings.files),
        clock=None if dataset is None else dataset.clock,
        notes=tuple(findings.notes),
        problems=(*findings.problems, *fatal),
        ok=not fatal and (config.lenient or not findings.problems),
        description=None if dataset is None else dataset.describe(),
    )


def _config(source: str | Path | DataConfig, settings: dict[str, Any]) -> DataConfig:
    if isinstance(source, DataConfig):
        return source
    return DataConfig.parse({"path": source, **settings})


def _chosen(config: DataConfig, findings: Findings) -> tuple[Reader, Found]:
    """The reader that was asked for; or of those that find their files, the one with most text."""
    source = Source(config.path)
    if config.layout != "auto":
        reader = next(reader for reader in READERS if reader.layout == config.layout)
        found = reader.find(source)
        if found is None:
            raise DataError(
                f"this is not in the layout '{reader.layout}', which needs {reader.looks_for}.",
                file=config.path,
                hint=_there(source),
            )
        return reader, found
    fitting = [(reader, found) for reader in READERS if (found := reader.find(source))]
    if not fitting:
        raise _unknown(source)
    # The sort is stable: of those that bring equally much, the first in READERS.
    fitting.sort(key=lambda pair: pair[1].items is None)
    others = [
        reader.layout
        for reader, found in fitting[1:]
        if found.events != fitting[0][1].events and reader.layout != "canonical"
    ]
    if others:
        findings.note(
            f"The files also fit the layout {' and '.join(others)}; {fitting[0][0].layout} was "
            "taken. Say layout to choose."
        )
    return fitting[0]


def _unknown(source: Source) -> DataError:
    if source.path.is_file():
        message = "the file is in no known format or layout."
    elif source.files:
        message = "the files are in no known layout."
    else:
        message = "the folder is empty."
    wanted = "; ".join(f"{reader.looks_for} ({reader.layout})" for reader in READERS)
    return DataError(message, file=source.path, hint=f"Looked for {wanted}. {_there(source)}")


def _there(source: Source, most: int = 8) -> str:
    names = [path.name for path in source.files]
    more = ", …" if len(names) > most else ""
    return f"Found: {', '.join(names[:most]) or 'nothing'}{more}."


def _read(chosen: tuple[Reader, Found], config: DataConfig, findings: Findings) -> Dataset:
    reader, found = chosen
    tables = reader.read(found, findings)
    events, clock = _events(tables, reader, config, findings)
    items = None if tables.items is None else _items(tables.items, config, findings)
    users = None if tables.users is None else _users(tables.users, config, findings)
    dataset = Dataset.from_tables(
        events.frame,
        None if items is None else items.frame,
        None if users is None else users.frame,
        clock=clock,
    )
    if items is not None:
        _count_strangers(dataset, items, findings)
    return dataset.with_notes(*findings.notes, *findings.skipped())


def _events(
    tables: Tables, reader: Reader, config: DataConfig, findings: Findings
) -> tuple[Table, Clock]:
    events = _named(tables.events, "events", config.columns.events, findings)
    for column in (USER_ID, ITEM_ID):
        events = with_ids(_required(events, column), column, findings)
    events, clock = _timed(events, tables.clock, reader, config.time_unit, findings)
    if EVENT_VALUE in events:
        events = with_numbers(events, EVENT_VALUE, findings)
    if EVENT_TYPE in events:
        events = with_text(events, EVENT_TYPE)
    if events.frame.is_empty():
        raise events.error("no event is left.", hint="Mend the rows that were skipped.")
    return with_guessed_types(events, set(events.frame.columns) - set(EVENT_COLUMNS)), clock


def _timed(
    events: Table, clock: Clock | None, reader: Reader, unit: TimeUnit, findings: Findings
) -> tuple[Table, Clock]:
    if clock is not None:
        return events, clock
    if TIMESTAMP in events:
        return with_times(events, unit, findings)
    if reader.needs_time and unit != "order":
        raise _missing(events, TIMESTAMP, _MISSING_TIME_HINT)
    findings.note("There are no times; the order of the rows was taken as the order of events.")
    return in_file_order(events), "order"


def _items(table: Table, config: DataConfig, findings: Findings) -> Table:
    items = _named(table, "items", config.columns.items, findings)
    items = _one_each(items, ITEM_ID, findings)
    for column in ("title", "description", "brand", "image", "audio"):
        if column in items:
            items = with_text(items, column)
    if "categories" in items:
        items = with_lists(items, "categories")
    if "price" in items:
        items = with_numbers(items, "price", findings)
    return with_guessed_types(items, set(items.frame.columns) - set(ITEM_COLUMNS))


def _users(table: Table, config: DataConfig, findings: Findings) -> Table:
    users = _named(table, "users", config.columns.users, findings)
    users = _one_each(users, USER_ID, findings)
    return with_guessed_types(users, set(users.frame.columns) - {USER_ID})


def _named(table: Table, kind: TableName, names: Any, findings: Findings) -> Table:
    named = understood(table, kind, names)
    canonical = {*EVENT_COLUMNS} if kind == "events" else {*ITEM_COLUMNS, USER_ID}
    columns = {named.name_of(c): c for c in named.frame.columns if c in canonical}
    findings.files.append(FileReport(table.file.name, kind, len(table), columns))
    return named


def _one_each(table: Table, key: str, findings: Findings) -> Table:
    table = with_ids(_required(table, key), key, findings)
    return table.refuse(
        ~table[key].is_first_distinct(),
        "{value} is listed a second time.",
        findings,
        column=key,
        hint="Keep one row for each id.",
    )


def _required(table: Table, column: str) -> Table:
    if column not in table:
        raise _missing(table, column, f"Name it with columns: {{{column}: <name in your file>}}.")
    return table


def _missing(table: Table, column: str, hint: str) -> DataError:
    found = ", ".join(table.name_of(name) for name in table.frame.columns) or "none"
    return table.error(f"there is no such column (found: {found}).", column=column, hint=hint)


def _count_strangers(dataset: Dataset, items: Table, findings: Findings) -> None:
    """Notes events on items that the catalogue lacks."""
    ids = items[ITEM_ID].cast(dataset.item_vocabulary.ids.dtype)
    strange = dataset.events.filter(~pl.col(ITEM_ID).is_in(ids.implode()))
    if not strange.is_empty():
        findings.note(
            f"{counted(len(strange), 'event')} on {counted(strange[ITEM_ID].n_unique(), 'item')} "
            f"that {items.file.name} lacks."
        )
