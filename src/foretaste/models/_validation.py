"""How well a model ranks validation targets, which settings and early stopping are chosen by."""

from __future__ import annotations

from foretaste.data import Targets
from foretaste.metrics import hit_positions, ndcg
from foretaste.models.answering import Answering

_AT = 10


def ndcg_on(model: Answering, targets: Targets) -> float:
    """Mean NDCG@10 of a model that can answer, over the full catalogue."""
    ranked = model.rank(targets.histories, _AT).items
    hits = hit_positions(ranked, targets.items.row_of_value, targets.items.values)
    return float(ndcg(hits, targets.items.lengths).mean())
