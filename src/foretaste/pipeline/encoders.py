"""Text encoders side by side, on the same catalogue and behaviour."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from foretaste.content import Encoder, SteppedEncoder, Steps, TextEncoder, TextEncoderConfig
from foretaste.content import item_texts as texts_of
from foretaste.content.files import size_mib
from foretaste.data import Dataset
from foretaste.errors import ForetasteError
from foretaste.evaluation import Estimate
from foretaste.evaluation.catalogue_map import map_catalogue
from foretaste.memory import peak_memory_mib
from foretaste.models import ContentBased
from foretaste.pipeline._process import in_own_process
from foretaste.pipeline.config import RunConfig
from foretaste.pipeline.run import Tell, measure, prepare

#: The questions an encoder is asked: the next item, among all, and items nobody has touched.
WARM, COLD = "leave-one-out", "item-cold"

#: Stands between a model and the steps after it.
_THEN = "+"


@dataclass(frozen=True)
class Candidate:
    """A text model, and what is done to its vectors.

    Attributes:
        name: As it was given.
        model: As in `TextEncoderConfig`.
        steps: As in `foretaste.content.Steps`.
    """

    name: str
    model: str
    steps: tuple[str, ...] = ()

    @classmethod
    def parse(cls, name: str) -> Candidate:
        """The candidate that ``model`` or ``model+step+step`` stands for.

        Raises:
            ConfigError: A step can't be understood.
        """
        model, *steps = (part.strip() for part in name.split(_THEN))
        Steps(steps)
        return cls(name.strip(), model, tuple(steps))


@dataclass(frozen=True)
class ComparedEncoders:
    """What came of a comparison.

    Attributes:
        table: One row a candidate, best on cold items first, then those that failed: `encoder`,
            `warm` and `cold` (the metric under leave-one-out, and item-cold), each with `_low`
            and `_high` (its 95% interval), `seconds` (encoding the catalogue), `texts_per_second`,
            `peak_memory_mib`, `size_mib` (of the model's files), `dimension`, `problem`.
        metric: The figure by which they are compared.
    """

    table: pl.DataFrame
    metric: str


def compare_encoders(config: RunConfig, names: Sequence[str], tell: Tell) -> ComparedEncoders:
    """Measures text encoders by what people are shown with them, each in a process of its own.

    The recommender is `ContentBased`, which learns nothing: what differs is the vectors.

    Args:
        config: Of the data and of what is measured; `content` gives fields and most tokens.
        names: Candidates, as `Candidate.parse` reads them.
        tell: Takes lines on how the work is going.

    Raises:
        ConfigError: A step of a candidate can't be understood.
        DataError: The data can't be understood or is too small for the splits.
    """
    candidates = [Candidate.parse(name) for name in dict.fromkeys(names)]
    for kind in (WARM, COLD):  # What is wrong with the data is no candidate's fault.
        prepare(_asking(config, kind), _silent)
    rows: list[dict[str, Any]] = []
    for candidate in candidates:
        tell(f"Measuring {candidate.name}")
        try:
            rows.append(in_own_process(measure_encoder, config, candidate))
        except ForetasteError as error:
            rows.append({"encoder": candidate.name, "problem": str(error)})
    table = pl.DataFrame(rows, infer_schema_length=None)
    if "cold" in table.columns:
        table = table.sort("cold", descending=True, nulls_last=True, maintain_order=True)
    return ComparedEncoders(table, _metric(config))


def map_encoders(
    config: RunConfig, names: Sequence[str], target: Path, tell: Tell, *, colour: str | None = None
) -> None:
    """Draws the catalogue as text encoders see it, side by side: `map_catalogue`.

    Args:
        config: Of the data; `content` gives fields and most tokens.
        names: Candidates, as `Candidate.parse` reads them.
        target: The picture.
        tell: Takes lines on how the work is going.
        colour: Column whose frequent values are coloured.

    Raises:
        ConfigError: A step of a candidate can't be understood.
        DataError: Too few items have words, or there is no such column.
        InputError: A model can't be found or loaded.
    """
    candidates = [Candidate.parse(name) for name in dict.fromkeys(names)]
    prepared = prepare(config, tell)
    seen_by = {
        candidate.name: _with_steps(
            _encoder(config, model=candidate.model), candidate, prepared.split.train
        )
        for candidate in candidates
    }
    map_catalogue(seen_by, prepared.dataset.items, target, colour=colour)


def measure_encoder(config: RunConfig, candidate: Candidate) -> dict[str, Any]:
    """One row of the table, in this process.

    Raises:
        InputError: The model can't be found or loaded.
        ConfigError: A step asks for more coordinates than there are.
    """
    row: dict[str, Any] = {"encoder": candidate.name}
    with tempfile.TemporaryDirectory() as cache:
        encoder = _encoder(config, model=candidate.model, cache=Path(cache))
        for group, kind in (("warm", WARM), ("cold", COLD)):
            prepared = prepare(_asking(config, kind), _silent)
            if group == "warm":
                row |= _cost(encoder, prepared.dataset)
            model = ContentBased(
                content=_with_steps(encoder, candidate, prepared.split.train), whitening=0
            )
            model.fit(prepared.split.train)
            report = measure(model, prepared.split, config.evaluation)
            row |= _figures(group, report.metric(_metric(config)))
            row["dimension"] = (model.content.encoder or encoder).dimension
    return row | {"peak_memory_mib": peak_memory_mib(), "size_mib": size_mib(candidate.model)}


def _encoder(config: RunConfig, **own: Any) -> TextEncoder:
    settings = (config.content or TextEncoderConfig()).model_copy(update=own)
    return TextEncoder.from_config(settings)


def _cost(encoder: TextEncoder, dataset: Dataset) -> dict[str, float]:
    """What encoding the catalogue takes, when the model is loaded and nothing is cached."""
    encoder.encode_texts(["."])
    started = time.perf_counter()
    encoder.encode(dataset.items)
    seconds = time.perf_counter() - started
    distinct = texts_of(dataset.items, encoder.config.fields).n_unique()
    return {"seconds": seconds, "texts_per_second": distinct / max(seconds, 1e-9)}


def _with_steps(encoder: TextEncoder, candidate: Candidate, train: Dataset) -> Encoder:
    """Steps are fitted on items with training events only: later ones are not known yet."""
    if not candidate.steps:
        return encoder
    touched = train.items.filter(pl.Series(train.item_counts[1:] > 0))
    return SteppedEncoder(encoder, candidate.steps).fit(touched)


def _figures(group: str, found: Estimate) -> dict[str, float]:
    return {group: found.value, f"{group}_low": found.low, f"{group}_high": found.high}


def _asking(config: RunConfig, kind: str) -> RunConfig:
    return RunConfig.parse(config.plain() | {"split": {"kind": kind}})


def _metric(config: RunConfig) -> str:
    return f"NDCG@{max(config.evaluation.ks)}"


def _silent(message: str) -> None:
    """Says nothing: what there is to say is said of each candidate."""
