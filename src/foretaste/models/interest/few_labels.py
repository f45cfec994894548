"""Learning where labels are few: sure labels, no labels, and which pairs to ask about next."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.data import Dataset
from foretaste.data.schema import LABEL
from foretaste.errors import InputError
from foretaste.models.interest.division import together
from foretaste.models.interest.model import InterestModel


def pseudo_labelled(
    model: InterestModel, labelled: Dataset, unlabelled: Dataset, *, sure: float = 0.9
) -> Dataset:
    """Labelled events, and those of the others of whose label the model is sure (Lee, 2013).

    Args:
        model: Fitted on the labelled events.
        labelled: Events with labels.
        unlabelled: Events under the same vocabularies, with the columns of labelled ones; their
            labels are not read.
        sure: Least probability of a label that is taken for true, above one half.

    Raises:
        InputError: `sure` is out of range.
    """
    if not 0.5 < sure <= 1:
        raise InputError(f"it must be above 0.5 and at most 1, not {sure:g}.", field="sure")
    said = model.predict(unlabelled.events.drop(LABEL))
    certain = np.maximum(said, 1 - said) >= sure
    taken = unlabelled.take_events(certain)
    guessed = pl.Series(LABEL, (said[certain] > 0.5).astype(np.float32))
    events = taken.events.with_columns(guessed)
    if events.is_empty():
        return labelled
    found = Dataset.from_tables(events, taken.items, taken.users, clock=taken.clock)
    return together(labelled, found)


def with_unlabelled(labelled: Dataset, unlabelled: Dataset) -> Dataset:
    """Labelled events, and the others without a label, for a model with `body.consistency`.

    Of those it learns to answer alike whatever of a pair it reads (Laine & Aila, 2017).

    Args:
        labelled: Events with labels.
        unlabelled: Events under the same vocabularies, with the columns of labelled ones; their
            labels are not read.
    """
    blank = unlabelled.events.with_columns(pl.lit(None, pl.Float32).alias(LABEL))
    others = Dataset.from_tables(blank, unlabelled.items, unlabelled.users, clock=unlabelled.clock)
    return together(labelled, others)


def to_ask_about(
    model: InterestModel, pairs: pl.DataFrame, n: int, *, pool: int = 10, seed: int = 0
) -> NDArray[np.int64]:
    """Rows of the pairs whose labels would tell most: unsure ones, of as many people as can be.

    Uncertainty sampling (Lewis & Gale, 1994): among the `pool * n` pairs nearest to one half, one
    person after the other is asked.

    Args:
        model: Fitted on what is labelled so far.
        pairs: As for `InterestModel.predict`.
        n: How many to choose.
        pool: Candidates a choice.
        seed: Of the order among equals.

    Returns:
        int64[at most n], the most telling first.
    """
    unsure = -np.abs(model.predict(pairs) - 0.5)
    shuffled = np.random.default_rng(seed).permutation(len(pairs))
    candidates = shuffled[np.argsort(-unsure[shuffled], kind="stable")][: pool * n]
    people = pairs["user_id"].gather(candidates)
    times = people.to_frame().select(pl.int_range(pl.len()).over("user_id")).to_series()
    return candidates[np.argsort(times.to_numpy(), kind="stable")][:n].astype(np.int64)
