"""Interest prediction: from a configuration to a run folder, and from pairs to probabilities."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from foretaste import artifacts
from foretaste.data import clean, read
from foretaste.data.schema import ITEM_ID, TIMESTAMP, USER_ID
from foretaste.errors import DataError, InputError
from foretaste.evaluation.interest import InterestReport, evaluate_interest
from foretaste.memory import peak_memory_mib
from foretaste.models.interest import InterestModel, Parts, divide, labelled
from foretaste.pipeline.config import InterestRunConfig
from foretaste.pipeline.run import Tell

#: Lines that are read, answered and written at a time.
_BLOCK = 10_000
_PARQUET = (".parquet", ".pq")


def prepare_interest(config: InterestRunConfig, tell: Tell) -> Parts:
    """Reads, cleans, labels and divides the data.

    Raises:
        DataError: The data can't be understood, or has no labels of the kind that is asked for.
    """
    tell(f"Reading {config.data.path}")
    dataset, cleaning = clean(read(config.data), config.data.cleaning)
    tell(str(cleaning))
    parts = divide(labelled(dataset, config.model.question), config.split)
    tell(f"Split: {parts.kind}, fingerprint {parts.fingerprint}")
    return parts


def train_interest(config: InterestRunConfig, folder: Path, tell: Tell) -> InterestReport:
    """Reads, divides, fits, measures and saves.

    Args:
        config: Settings of the run.
        folder: The run folder to make.
        tell: Takes lines on how the work is going.

    Raises:
        DataError: The data can't be understood, or has no labels of the kind that is asked for.
        ArtifactError: There is something at `folder` already, or it can't be written.
    """
    parts = prepare_interest(config, tell)
    model = InterestModel(config.model)
    tell(f"Training {', '.join(config.model.bodies)}")
    started = time.perf_counter()
    model.fit(parts.train, parts.validation)
    cost = {
        "fit_seconds": time.perf_counter() - started,
        "peak_memory_mib": peak_memory_mib(),
    }
    tell("Measuring")
    report = evaluate_interest(model, parts, histories=config.histories, threshold=config.threshold)
    artifacts.save_interest(
        model, folder, parts=parts, report=report, config=config.plain(), cost=cost
    )
    return report


def predict_file(model: InterestModel, pairs: str, output: Path | None) -> int:
    """Adds a column `probability` (or one named after each of several goals) to a table of pairs.

    It is done block by block, in bounded memory.

    Args:
        model: Fitted.
        pairs: A CSV or Parquet file, or ``-`` for CSV on standard input: `user_id`, `item_id`,
            perhaps `timestamp` (milliseconds since 1970) and the context the model reads.
        output: A Parquet or CSV file, written under another name and renamed when whole; None is
            CSV to standard output.

    Returns:
        The pairs answered.

    Raises:
        DataError: The pairs can't be read, or lack a column.
        InputError: The output is in no known format.
    """
    answered = (_answered(model, block, pairs) for block in _blocks(pairs))
    if output is None:
        return _to_csv(answered, sys.stdout)
    temporary = output.with_name(f".{output.name}.partial")
    try:
        if output.suffix in _PARQUET:
            count = _to_parquet(answered, temporary)
        elif output.suffix == ".csv":
            with temporary.open("w", encoding="utf-8") as file:
                count = _to_csv(answered, file)
        else:
            raise InputError(
                f"'{output.suffix}' is no format to write.",
                file=output,
                hint="Name a .parquet or .csv.",
            )
        temporary.replace(output)
    finally:
        temporary.unlink(missing_ok=True)
    return count


def _answered(model: InterestModel, block: pl.DataFrame, source: str) -> pl.DataFrame:
    try:
        said = model.predict(block)
    except DataError as error:
        raise DataError(error.message, file=source, field=error.field, hint=error.hint) from None
    columns = said.reshape(len(block), len(model.goals)).T
    return block.with_columns(
        pl.Series(goal.name, column) for goal, column in zip(model.goals, columns, strict=True)
    )


def _blocks(source: str) -> Iterator[pl.DataFrame]:
    if source == "-":
        yield from _csv_blocks(sys.stdin.buffer, "standard input")
        return
    path = Path(source)
    if not path.is_file():
        raise DataError("there is no such file.", file=path)
    if path.suffix in _PARQUET:
        try:
            for batch in pq.ParquetFile(path).iter_batches(_BLOCK):
                yield pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
        except pa.ArrowException as error:
            raise DataError(f"this is no Parquet: {error}.", file=path) from None
        return
    with path.open("rb") as file:
        yield from _csv_blocks(file, source)


def _csv_blocks(file: IO[bytes], name: str) -> Iterator[pl.DataFrame]:
    """Tables of so many lines each; every value that is no time stays as it is written."""
    header = file.readline()
    if not header.strip():
        raise DataError("the pairs are empty.", file=name, hint=f"Give {USER_ID},{ITEM_ID}.")
    row = 2
    while lines := [line for _, line in zip(range(_BLOCK), file, strict=False)]:
        try:
            block = pl.read_csv(io.BytesIO(b"".join([header, *lines])), infer_schema=False)
        except pl.exceptions.PolarsError as error:
            raise DataError(f"this is not CSV: {error}.", file=name, row=row) from None
        yield _with_times(block, name, row)
        row += len(lines)


def _with_times(block: pl.DataFrame, name: str, row: int) -> pl.DataFrame:
    if TIMESTAMP not in block.columns:
        return block
    times = block[TIMESTAMP].cast(pl.Int64, strict=False)
    if times.null_count():
        place = int(times.is_null().arg_max() or 0)
        raise DataError(
            f"{block[TIMESTAMP][place]!r} is no time in whole milliseconds since 1970.",
            file=name,
            row=row + place,
            field=TIMESTAMP,
        )
    return block.with_columns(times)


def _to_csv(blocks: Iterator[pl.DataFrame], file: IO[str]) -> int:
    count = 0
    for block in blocks:
        file.write(block.write_csv(include_header=count == 0))
        count += len(block)
    file.flush()
    return count


def _to_parquet(blocks: Iterator[pl.DataFrame], path: Path) -> int:
    count, writer = 0, None
    try:
        for block in blocks:
            table = block.to_arrow()
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table.cast(writer.schema))
            count += len(block)
    finally:
        if writer is not None:
            writer.close()
    return count
