"""A map of the catalogue in two dimensions: what an encoder takes to be alike lies together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from foretaste.content import Encoder
from foretaste.content.unit import unit
from foretaste.errors import DataError

#: t-SNE's neighbours are found in so many principal components (van der Maaten & Hinton, 2008).
_COMPONENTS = 50
_PERPLEXITY = 30
_SIDE = 5.0
_DPI = 120
_COLOURS = 10


def map_catalogue(
    encoders: Mapping[str, Encoder],
    items: pl.DataFrame,
    path: str | Path,
    *,
    colour: str | None = None,
    most: int = 2000,
    seed: int = 0,
) -> Path:
    """Draws the catalogue as each encoder sees it, side by side, by t-SNE.

    The same items, in the same colours, so that what came together or apart is seen; places on
    one map say nothing of places on another.

    Args:
        encoders: By title, such as ``{"before": TextEncoder(), "after": TextEncoder(folder)}``.
        items: The items table.
        path: Where to write; the ending gives the format (.png, .svg, .pdf).
        colour: Column whose ten most frequent values are coloured; of lists, the last value.
        most: Items that are shown; more are drawn at random.
        seed: Of the draw and of t-SNE.

    Raises:
        DataError: Fewer than ten items have a vector of every encoder, or there is no such column.
    """
    if len(items) > most:
        chosen = np.random.default_rng(seed).choice(len(items), most, replace=False)
        items = items[np.sort(chosen)]
    vectors = {title: unit(encoder.encode(items)) for title, encoder in encoders.items()}
    said = np.all([found.any(axis=1) for found in vectors.values()], axis=0)
    if said.sum() < 10:
        raise DataError(f"only {said.sum()} items have a vector of every encoder.")
    groups = _groups(items, colour).filter(pl.Series(said))
    figure = Figure((_SIDE * len(vectors) + 2, _SIDE), layout="constrained")
    for place, (title, found) in enumerate(vectors.items(), 1):
        axes = figure.add_subplot(1, len(vectors), place)
        places = _in_two_dimensions(found[said], seed)
        for number, name in enumerate(groups.unique(maintain_order=True).sort(nulls_last=True)):
            rows = (groups == name).fill_null(value=False) if name else groups.is_null()
            shown = {"color": f"C{number}", "label": name} if name else {"color": "lightgrey"}
            axes.scatter(*places[rows.to_numpy()].T, s=4, zorder=2 if name else 1, **shown)
        axes.set(title=title, xticks=[], yticks=[])
        if colour is not None and place == len(vectors):
            axes.legend(bbox_to_anchor=(1, 1), loc="upper left", markerscale=3)
    figure.savefig(path, dpi=_DPI)
    return Path(path)


def _groups(items: pl.DataFrame, colour: str | None) -> pl.Series:
    """The value of each item, null for those beyond the most frequent."""
    if colour is None:
        return pl.Series([None] * len(items), dtype=pl.String)
    if colour not in items.columns:
        raise DataError(
            f"the items have no such column (found: {', '.join(items.columns)}).", field=colour
        )
    values = items[colour]
    while isinstance(values.dtype, pl.List):
        values = values.list.last()
    values = values.cast(pl.String)
    frequent = values.drop_nulls().value_counts(sort=True)[values.name][:_COLOURS]
    return values.replace_strict(frequent, frequent, default=None)


def _in_two_dimensions(vectors: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """float32[n, 2]."""
    length = min(_COMPONENTS, *vectors.shape)
    shorter = PCA(length, svd_solver="covariance_eigh").fit_transform(vectors)
    perplexity = min(_PERPLEXITY, (len(vectors) - 1) / 3)
    return TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(shorter)
