"""The gate: what may be shown, to whom; the last thing every list goes through."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field, model_validator

from foretaste.config import Config
from foretaste.content import Encoder, item_texts
from foretaste.errors import ConfigError
from foretaste.ranking.candidates import CandidateLists
from foretaste.ranking.catalogue import Catalogue
from foretaste.ranking.safety.classifier import HarmClassifier
from foretaste.ranking.safety.review import ReviewQueue
from foretaste.ranking.safety.terms import blocked_term
from foretaste.ranking.stage import UNKNOWN_AGE, Outcome, Request, Verdict, drop

_SECTION = "ranking.safety"

#: Why somebody is not shown an item that others are.
TOO_YOUNG = "rated for older people"


class AgeConfig(Config):
    """From what age items may be shown.

    Attributes:
        column: Of the items: the least age as a number, or a rating that `ratings` turns into one.
        ratings: The least age for each rating, such as ``{G: 0, PG-13: 13, R: 17}``.
        unrated: The least age for an item without a rating, or with one that is not listed.
        assumed: The age of people whose age is not known.
    """

    column: str
    ratings: dict[str, int] = Field(default_factory=dict)
    unrated: int = Field(default=18, ge=0)
    assumed: int = Field(default=0, ge=0)


class HarmConfig(Config):
    """How a classifier of harmful items is used.

    Attributes:
        classifier: The file that `HarmClassifier.save` wrote; by default the one that was trained
            for the run, with `foretaste safety train`.
        block: Items at least so likely to be harmful are blocked.
        review: Items at least so likely, and less than `block`, wait for a person to decide.
        queue: The file in which they wait (see `ReviewQueue`); by default that of the run, where
            the classifier is.
        show_unreviewed: Show them while they wait.
    """

    classifier: Path | None = None
    block: float = Field(default=0.9, gt=0, le=1)
    review: float = Field(default=0.5, gt=0, le=1)
    queue: Path | None = None
    show_unreviewed: bool = False

    @model_validator(mode="after")
    def _thresholds_fit(self) -> Self:
        if self.review > self.block:
            raise ValueError("'review' must not be above 'block'")
        return self


class SafetyConfig(Config):
    """What is never shown.

    Attributes:
        blocked_items: Ids; one that the catalogue lacks is passed over, it may come yet.
        blocked_terms: Words and phrases; an item whose text holds one is blocked.
        text_fields: Columns searched for them; by default all the usual ones with words.
        age: From what age items may be shown.
        harm: A classifier of harmful items.
    """

    blocked_items: tuple[str | int, ...] = ()
    blocked_terms: tuple[str, ...] = ()
    text_fields: tuple[str, ...] | None = None
    age: AgeConfig | None = None
    harm: HarmConfig | None = None


class SafetyGate:
    """The stage that lets nothing through that is blocked, whatever came before it.

    What it says of an item is found once, from the catalogue; only ages are looked at for each
    person.

    Args:
        config: What is never shown.
        catalogue: The items.
        encoder: Of their content, for the classifier.

    Raises:
        ConfigError: A column is missing or of the wrong type, or there is no encoder for the
            classifier.
        ArtifactError: The classifier can't be read.
        InputError: It was trained with another encoder.
        DataError: The review queue can't be understood, or the items have no text to search.
    """

    name = "safety"

    def __init__(
        self, config: SafetyConfig, catalogue: Catalogue, encoder: Encoder | None = None
    ) -> None:
        self._config = config
        self._catalogue = catalogue
        verdict = Verdict.all_clear(catalogue.size)
        if config.blocked_items:
            codes = catalogue.vocabulary.encode(list(config.blocked_items))
            verdict = verdict.also(self._mask(codes), "a blocked item")
        if config.blocked_terms:
            verdict = self._without_terms(verdict)
        if config.harm is not None:
            verdict = self._without_harm(verdict, config.harm, encoder)
        #: Which items may be shown at all.
        self.verdict = verdict
        #: int64[items + 1], the age from which each may be shown.
        self.least_age = np.zeros(catalogue.size, np.int64)
        if config.age is not None:
            self.least_age[1:] = _least_ages(catalogue, config.age)

    def __call__(self, lists: CandidateLists, request: Request) -> Outcome:
        """Drops what is blocked, and what somebody is too young for."""
        items = lists.items.values
        reasons = self.verdict.reasons[items]
        age = self.known_ages(request.ages)[lists.rows]
        too_young = (reasons == 0) & (self.least_age[items] > age)
        labels = [*self.verdict.labels, TOO_YOUNG]
        return drop(lists, np.where(too_young, len(labels), reasons), labels)

    def known_ages(self, ages: NDArray[np.int64]) -> NDArray[np.int64]:
        """Ages with the assumed one in place of those not known."""
        assumed = 0 if self._config.age is None else self._config.age.assumed
        return np.where(ages == UNKNOWN_AGE, assumed, ages)

    def allowed(self, age: int = UNKNOWN_AGE) -> NDArray[np.bool_]:
        """bool[items + 1], what somebody of an age may be shown."""
        return self.verdict.allowed & (self.least_age <= self.known_ages(np.array(age)))

    def _mask(self, codes: NDArray[np.int32]) -> NDArray[np.bool_]:
        mask = np.zeros(self._catalogue.size, bool)
        mask[codes] = True
        mask[0] = False
        return mask

    def _without_terms(self, verdict: Verdict) -> Verdict:
        texts = item_texts(self._catalogue.items, self._config.text_fields)
        found = blocked_term(texts, self._config.blocked_terms)
        for term in found.drop_nulls().unique(maintain_order=True):
            holds = (found == term).fill_null(False).to_numpy()
            verdict = verdict.also(np.concatenate([[False], holds]), f"the blocked term '{term}'")
        return verdict

    def _without_harm(
        self, verdict: Verdict, config: HarmConfig, encoder: Encoder | None
    ) -> Verdict:
        if encoder is None:
            raise ConfigError(
                "the classifier needs the encoder it was trained with.",
                field=f"{_SECTION}.harm",
                hint="Give the run a section 'content', or the pipeline an encoder.",
            )
        if config.classifier is None:
            raise ConfigError(
                "there is no classifier of harmful items yet.",
                field=f"{_SECTION}.harm.classifier",
                hint="Train one with 'foretaste safety train RUN --labels FILE'.",
            )
        classifier = HarmClassifier.load(config.classifier)
        vectors = encoder.encode(self._catalogue.items)
        likely = classifier.probabilities(vectors, encoder=encoder.fingerprint)
        doubtful = (likely >= config.review) & (likely < config.block)
        decisions = self._review(config, doubtful, likely)
        blocked = (likely >= config.block) | (decisions == "block").fill_null(False).to_numpy()
        allowed = (decisions == "allow").fill_null(False).to_numpy()
        verdict = verdict.also(np.concatenate([[False], blocked & ~allowed]), "harmful content")
        if config.show_unreviewed:
            return verdict
        waiting = doubtful & decisions.is_null().to_numpy()
        return verdict.also(np.concatenate([[False], waiting]), "content that waits for review")

    def _review(
        self, config: HarmConfig, doubtful: NDArray[np.bool_], likely: NDArray[np.float64]
    ) -> pl.Series:
        """Puts doubtful items in the queue; gives the decisions, one an item."""
        ids = self._catalogue.vocabulary.ids
        if config.queue is None:
            return pl.Series([None] * len(ids), dtype=pl.String)
        queue = ReviewQueue(config.queue)
        rows = np.flatnonzero(doubtful)
        queue.add(ids.gather(rows), pl.Series(likely[rows]))
        wanted = ids.cast(pl.String).alias("item_id").to_frame()
        return wanted.join(queue.read(), on="item_id", how="left", maintain_order="left")[
            "decision"
        ]


def _least_ages(catalogue: Catalogue, config: AgeConfig) -> NDArray[np.int64]:
    values = catalogue.column(config.column, f"{_SECTION}.age.column")
    if values.dtype == pl.String:
        ages = values.replace_strict(config.ratings, default=None, return_dtype=pl.Int64)
    elif values.dtype.is_numeric():
        ages = values.cast(pl.Float64).ceil().cast(pl.Int64)
    else:
        raise ConfigError(
            f"the column '{config.column}' holds {values.dtype}, not ages or ratings.",
            field=f"{_SECTION}.age.column",
        )
    return ages.fill_null(config.unrated).to_numpy()
