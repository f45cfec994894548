"""What drives a model as a whole: which fields of the text, and which categories."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from foretaste.content import TextEncoder
from foretaste.content.item_text import text_fields
from foretaste.data import Ragged, Targets
from foretaste.data.schema import ITEM_ID
from foretaste.errors import DataError, InputError
from foretaste.metrics import hit_positions, ndcg
from foretaste.models import Recommender
from foretaste.models.reading import encoder_of
from foretaste.ranking.explanation.case import Case
from foretaste.ranking.explanation.contributions import Explainer
from foretaste.ranking.explanation.naming import explain_score

_CATEGORIES = "categories"


def field_drivers(
    model: Recommender, items: pl.DataFrame, targets: Targets, *, k: int = 10, seed: int = 0
) -> pl.DataFrame:
    """How much NDCG is lost when a field's text is shuffled among the items.

    Permutation importance (Breiman, 2001) of a fitted model, which is not fitted again: every
    item gets a twin that the model knows by its text alone, as it does an item nobody has
    touched; histories and targets are the twins', and the twins are ranked among themselves.

    Args:
        model: A fitted model that reads content; it stays as it is.
        items: The catalogue: a row for every item the model knows.
        targets: Held-out targets, of validation.
        k: Length of the lists.
        seed: Of the shuffling.

    Returns:
        Columns `field`, `ndcg` (with this field shuffled) and `drop` (from that with every field
        in its place), largest drop first.

    Raises:
        InputError: The model reads no content.
        DataError: The catalogue lacks items of the model, or has no text.
    """
    encoder = encoder_of(model)
    if encoder is None:
        raise InputError(f"the model {model.name} reads no content.", field="model")
    own = encoder.config.fields if isinstance(encoder, TextEncoder) else None
    fields = text_fields(items, own)
    catalogue = _in_code_order(items, model)
    intact = _ndcg_of_twins(model, catalogue, targets, k)
    rng = np.random.default_rng(seed)
    shuffled: list[float] = []
    for name in fields:
        moved = catalogue[name].gather(rng.permutation(len(catalogue)))
        shuffled.append(_ndcg_of_twins(model, catalogue.with_columns(moved), targets, k))
    table = pl.DataFrame({"field": fields, "ndcg": shuffled})
    return table.with_columns(drop=intact - pl.col("ndcg")).sort("drop", descending=True)


def category_drivers(
    cases: Sequence[Case], items: pl.DataFrame, explainer: Explainer = explain_score
) -> pl.DataFrame:
    """Which categories of history items carry scores, against how common they are in histories.

    Args:
        cases: Scores to be explained, all of one model.
        items: The catalogue, with the column `categories`: a list, or one string.
        explainer: What each item of the history adds.

    Returns:
        Columns `category`, `evidence` (its share of all that history items add), `history` (its
        share of the history items) and `lift` (their quotient), largest evidence first. An item
        of several categories counts for each.

    Raises:
        DataError: The catalogue has no categories.
    """
    if _CATEGORIES not in items.columns:
        raise DataError("the catalogue has no such column.", field=_CATEGORIES)
    tables = [
        pl.DataFrame(
            {
                ITEM_ID: case.model.item_vocabulary.decode(case.parts),
                "added": np.maximum(explainer(case), 0),
            }
        )
        for case in cases
        if case.says_something
    ]
    if not tables:
        raise InputError("in no case does the history say anything.", field="cases")
    parts = pl.concat(tables)
    listed = items.select(pl.col(ITEM_ID).cast(parts[ITEM_ID].dtype), _CATEGORIES)
    if listed[_CATEGORIES].dtype == pl.List:
        listed = listed.explode(_CATEGORIES)
    return (
        parts.join(listed.drop_nulls(), on=ITEM_ID)
        .group_by(pl.col(_CATEGORIES).cast(pl.String).alias("category"))
        .agg(evidence=pl.col("added").sum(), history=pl.len().cast(pl.Float64))
        .with_columns(pl.col("evidence", "history") / pl.col("evidence", "history").sum())
        .with_columns(lift=pl.col("evidence") / pl.col("history"))
        .sort("evidence", "category", descending=[True, False])
    )


def _in_code_order(items: pl.DataFrame, model: Recommender) -> pl.DataFrame:
    ids = model.item_vocabulary.ids.alias(ITEM_ID)
    known = items.with_columns(pl.col(ITEM_ID).cast(ids.dtype))
    catalogue = ids.to_frame().join(known, on=ITEM_ID, how="inner", maintain_order="left")
    if len(catalogue) != len(ids):
        raise DataError(
            f"the catalogue has {len(catalogue)} of the model's {len(ids)} items.", field=ITEM_ID
        )
    return catalogue


def _ndcg_of_twins(model: Recommender, catalogue: pl.DataFrame, targets: Targets, k: int) -> float:
    """Mean NDCG@k when every item is replaced by one that has only this catalogue's text."""
    copy = model.copied()
    ids = model.item_vocabulary.ids
    twins = _new_ids(ids).alias(ITEM_ID)
    copy.add_items(catalogue.with_columns(twins))
    moved, wanted = (_shifted(rows, len(ids)) for rows in (targets.histories, targets.items))
    candidates = np.arange(1, len(ids) + 1, dtype=np.int32) + np.int32(len(ids))
    ranked = copy.rank(moved, k, candidates=candidates).items
    hits = hit_positions(ranked, wanted.row_of_value, wanted.values)
    return float(ndcg(hits, wanted.lengths).mean())


def _new_ids(ids: pl.Series) -> pl.Series:
    if ids.dtype == pl.String:
        # Longer than any there is, so none of them.
        filler = "'" * (int(ids.str.len_chars().to_numpy().max()) + 1)
        return ids + filler
    highest, lowest = int(ids.to_numpy().max()), int(ids.to_numpy().min())
    return ids - lowest + highest + 1


def _shifted(rows: Ragged, by: int) -> Ragged:
    return Ragged((rows.values + by).astype(np.int32), rows.offsets)
