"""How well a model ranks validation targets, which settings and early stopping are chosen by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from foretaste.data import Targets
from foretaste.metrics import hit_positions, ndcg
from foretaste.models.answering import Answering

_AT = 10
#: Most validation targets by which a setting is chosen, and the seed they are drawn by.
_MOST, _SEED = 4_000, 0

Option = TypeVar("Option")


def ndcg_on(model: Answering, targets: Targets) -> float:
    """Mean NDCG@10 of a model that can answer, over the full catalogue."""
    ranked = model.rank(targets.histories, _AT).items
    hits = hit_positions(ranked, targets.items.row_of_value, targets.items.values)
    return float(ndcg(hits, targets.items.lengths).mean())


def best_of(
    options: Sequence[Option],
    model: Answering,
    use: Callable[[Option], None],
    targets: Targets | None,
) -> Option:
    """Of several ways to answer the one that ranks validation targets best; it is in use then.

    Args:
        options: The first is taken where there is nothing to choose by, and of equals.
        model: Fitted.
        use: Makes the model answer so.
        targets: A part of them, drawn at random, is ranked where there are many.
    """
    best = options[0]
    if targets is not None and len(targets) and len(options) > 1:
        drawn = targets.draw(_MOST, _SEED)

        def quality(option: Option) -> float:
            use(option)
            return ndcg_on(model, drawn)

        best = max(options, key=quality)
    use(best)
    return best
