"""Similarity of sparse rows, weighted as documents are in text search."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from implicit.nearest_neighbours import bm25_weight, tfidf_weight
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from foretaste.models._sparse import SparseMatrix

#: BM25's saturation and share of length, as customary in text search (Robertson & Zaragoza, 2009);
#: those by which `implicit`'s function goes unless told hardly saturate, and rank far worse.
_SATURATION, _LENGTH = 1.2, 0.75

Weighting = Literal["cosine", "jaccard", "bm25", "tfidf"]


def weigh(documents: SparseMatrix, weighting: Weighting, shrinkage: float) -> SparseMatrix:
    """Rows whose products are similarities.

    Args:
        documents: One row a document, one column a term.
        weighting: "cosine" scales rows to length 1, "tfidf" first weighs terms by their rarity,
            "bm25" weighs and saturates; "jaccard" is no product (see `jaccard`).
        shrinkage: Added to the squared lengths that rows are scaled by.

    Returns:
        float64 of the same shape, in rows.
    """
    if weighting == "bm25":
        return csr_matrix(bm25_weight(documents, _SATURATION, _LENGTH))  # pyright: ignore
    rows: SparseMatrix = csr_matrix(tfidf_weight(documents) if weighting == "tfidf" else documents)
    squares = np.bincount(row_of_value(rows), rows.data**2, minlength=rows.shape[0])
    scale = 1 / np.sqrt(np.maximum(squares + shrinkage, np.finfo(np.float32).tiny))
    return csr_matrix(
        (rows.data * scale[row_of_value(rows)], rows.indices, rows.indptr), rows.shape
    )


def jaccard(queries: SparseMatrix, documents: SparseMatrix, shrinkage: float) -> SparseMatrix:
    """The weight two rows share over the weight of either (Jaccard, 1901), sparse [q, d].

    Args:
        queries: Weights in rows.
        documents: In rows; every value counts 1.
        shrinkage: Added to the weight of either.
    """
    ones = np.ones_like(documents.data)
    sets = csr_matrix((ones, documents.indices, documents.indptr), documents.shape)
    shared = (queries @ sets.T).tocsr()
    weight = np.asarray(queries.sum(axis=1)).ravel()[row_of_value(shared)]
    sizes = np.diff(sets.indptr)[shared.indices]
    shared.data = shared.data / (weight + sizes - shared.data + shrinkage)
    return shared


def keep_best(similarity: SparseMatrix, k: int) -> SparseMatrix:
    """The k largest values of every row; of equal ones, those that come first."""
    rows = row_of_value(similarity)
    order = np.lexsort((similarity.indices, -similarity.data, rows))
    places = np.arange(len(order)) - similarity.indptr[rows]
    kept = order[places < k]
    return csr_matrix(
        (similarity.data[kept], (rows[kept], similarity.indices[kept])), similarity.shape
    )


def without_self(similarity: SparseMatrix) -> SparseMatrix:
    """The same, float32, with nothing on the diagonal and columns in order."""
    similarity.data[row_of_value(similarity) == similarity.indices] = 0
    similarity.eliminate_zeros()
    similarity.sort_indices()
    return similarity.astype(np.float32)


def evidence_first(
    scores: NDArray[np.float32], item_counts: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Scores of which those that are not positive give way to popularity, from -1 to 0."""
    by_popularity = item_counts / (item_counts.max() + 1) - 1
    return np.where(scores > 0, scores, by_popularity.astype(np.float32))


def row_of_value(matrix: SparseMatrix) -> NDArray[Any]:
    """int[values], the row of every stored value of a matrix in rows."""
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
