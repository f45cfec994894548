"""How alike items are by who acted on them."""

from __future__ import annotations

from implicit.nearest_neighbours import ItemItemRecommender
from scipy.sparse import vstack

from foretaste.models._similarity import Weighting, jaccard, keep_best, weigh, without_self
from foretaste.models._sparse import SparseMatrix

#: Similarities held at once, before all but the nearest are dropped.
_BLOCK = 2**24


def item_similarity(
    people: SparseMatrix, *, neighbours: int, shrinkage: float, weighting: Weighting = "cosine"
) -> SparseMatrix:
    """Every item's most similar items, by the people who acted on them.

    The cosine between the sets of people (Sarwar et al., 2001; Deshpande & Karypis, 2004) is
    shrunk where there is little to go by: ``n_ij / sqrt((n_i + s) * (n_j + s))``, with ``n`` the
    numbers of people and ``s`` the shrinkage. Shrinking each factor, and not their product as is
    usual, lets the native code of `implicit` do the work: ten times as fast on MovieLens-1M, and no
    less accurate. Other weightings are those of `implicit`, and Jaccard's
    ``n_ij / (n_i + n_j - n_ij + s)``.

    Args:
        people: float32[people, items + 1], who acted on what.
        neighbours: Most similar items kept for every item.
        shrinkage: Doubt about items that few people acted on: as if each had this many more
            people, who share none of their items.
        weighting: How similarity is measured.

    Returns:
        A SciPy CSR matrix, float32[items + 1, items + 1]; no item is its own neighbour.
    """
    items = people.T.tocsr()
    # One more than asked for: every item is its own nearest neighbour.
    kept = neighbours + 1
    if weighting == "jaccard":
        step = max(1, _BLOCK // items.shape[0])
        blocks = [items[start : start + step] for start in range(0, items.shape[0], step)]
        best = [keep_best(jaccard(block, items, shrinkage), kept) for block in blocks]
        return without_self(vstack(best, format="csr"))
    finder = ItemItemRecommender(K=kept)
    finder.fit(weigh(items, weighting, shrinkage).T.tocsr(), show_progress=False)
    return without_self(finder.similarity)
