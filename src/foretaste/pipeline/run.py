"""A run: from a configuration to a trained, measured model in a folder, and back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from foretaste import artifacts
from foretaste.data import CleaningReport, Dataset, Split, Vocabulary, clean, read
from foretaste.errors import ConfigError
from foretaste.evaluation import EvaluationReport, evaluate
from foretaste.memory import peak_memory_mib
from foretaste.models import Recommender
from foretaste.pipeline.config import EvaluationConfig, RunConfig
from foretaste.ranking.item_search import item_search, require_searchable

#: Takes one line on how the work is going.
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Prepared:
    """Data that is read, cleaned and divided.

    Attributes:
        dataset: What is left after cleaning.
        cleaning: What cleaning took away.
        split: Training data and held-out targets.
    """

    dataset: Dataset
    cleaning: CleaningReport
    split: Split


@dataclass(frozen=True)
class Trained:
    """A fitted and measured model.

    Attributes:
        config: What it was made from.
        prepared: The data it was made of.
        model: The fitted model; it remembers the held-out events too.
        report: How it did on the test targets.
        seconds: Wall time of fitting.
        peak_memory_mib: Most memory this process had held when the model was fitted.
    """

    config: RunConfig
    prepared: Prepared
    model: Recommender
    report: EvaluationReport
    seconds: float
    peak_memory_mib: int

    def save(self, folder: Path) -> Path:
        """Writes the run folder, with an index of the items where ranking needs one.

        Raises:
            ArtifactError: There is something there already, or it can't be written.
        """
        return artifacts.save(
            self.model,
            folder,
            dataset=self.prepared.dataset,
            split=self.prepared.split,
            report=self.report,
            config=self.config.plain(),
            cost={"fit_seconds": self.seconds, "peak_memory_mib": self.peak_memory_mib},
            index=item_search(self.model, self.config.index).index,
        )


def prepare(config: RunConfig, tell: Tell) -> Prepared:
    """Reads, cleans and divides the data.

    Raises:
        DataError: The data can't be understood or is too small for the split.
    """
    tell(f"Reading {config.data.path}")
    dataset, cleaning = clean(read(config.data), config.data.cleaning)
    split = dataset.split(config.split.kind, **config.split.options)
    return Prepared(dataset, cleaning, split)


def divided(config: RunConfig, prepared: Prepared, items: Vocabulary) -> Prepared:
    """The same data, divided in the item codes of a model that has learnt on.

    Its new items come after those it knew, where a data set has all of them in order.
    """
    if items == prepared.dataset.item_vocabulary:
        return prepared
    dataset = prepared.dataset.in_codes_of(items)
    split = dataset.split(config.split.kind, **config.split.options)
    return Prepared(dataset, prepared.cleaning, split)


def train(
    config: RunConfig, prepared: Prepared, tell: Tell, *, checkpoints: Path | None = None
) -> Trained:
    """Fits the configured model to prepared data and measures it.

    Args:
        config: Settings of the run.
        prepared: What `prepare` gave for them.
        tell: Takes lines on how the work is going.
        checkpoints: Folder in which a training that is stopped leaves its state, to go on from.

    Raises:
        ConfigError: `ranking.index` asks for an index, and the model has no vectors.
        MissingExtraError: It asks for an inverted one, and FAISS is not installed.
    """
    model = config.build_model()
    require_searchable(model, config.index)
    tell(f"Training {model.name}")
    started = time.perf_counter()
    _fit(model, config.model.start, prepared.split, tell, checkpoints)
    seconds = time.perf_counter() - started
    memory = peak_memory_mib()
    tell(f"Measuring {model.name}")
    report = measure(model, prepared.split, config.evaluation)
    model.remember(prepared.dataset)
    return Trained(config, prepared, model, report, seconds, memory)


def _fit(
    model: Recommender, start: Path | None, split: Split, tell: Tell, checkpoints: Path | None
) -> None:
    """Fits a model, from nothing or from the model of another run, be it of another shop.

    Raises:
        ConfigError: One of the models is no sequence model.
        ArtifactError: The run is damaged or not there.
        InputError: The models do not fit each other.
    """
    if start is None:
        model.fit(split.train, split.validation, checkpoints=checkpoints)
        return
    # A network library, which other models do without.
    from foretaste.models import SequenceRecommender
    from foretaste.models.sequence import is_another_shop, transferred

    other = artifacts.load(start)
    if not (isinstance(model, SequenceRecommender) and isinstance(other, SequenceRecommender)):
        raise ConfigError(
            f"only a sequence model starts from another, not '{model.name}' from '{other.name}'.",
            field="model.start",
        )
    if is_another_shop(other, split.train):
        tell(f"{start} knows other items than these: going on in another shop")
        other = transferred(other, split.train)
    model.fit(split.train, split.validation, checkpoints=checkpoints, start_from=other)


def measure(model: Recommender, split: Split, config: EvaluationConfig) -> EvaluationReport:
    """Evaluates on the test targets, as configured."""
    return evaluate(model, split, ks=config.ks, resamples=config.resamples, seed=config.seed)
