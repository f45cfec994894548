"""Integrated Gradients over the vectors of the history's items, for models that are networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from foretaste.errors import MissingExtraError
from foretaste.ranking.explanation.case import Case
from foretaste.ranking.explanation.contributions import Contributions

if TYPE_CHECKING:
    from torch import Tensor

_STEPS = 32


@runtime_checkable
class Differentiable(Protocol):
    """A model that scores from vectors of the history's items, through which gradients flow."""

    def input_vectors(self, codes: NDArray[np.int32]) -> Tensor:
        """float[n, dimension], the vectors as which items of these codes are read."""
        ...

    def score_vectors(self, vectors: Tensor, item: int) -> Tensor:
        """float[rows], scores of an item code after float[rows, actions, dimension]."""
        ...


def integrated_gradients(case: Case) -> Contributions:
    """What each part adds to the score over that of a history of average items.

    Sundararajan, Taly & Yan (2017), through `captum`; they add up to the difference. The average
    item is the baseline because a network that normalises its input jumps near zero vectors.

    Returns:
        float64[parts].

    Raises:
        TypeError: The model is not `Differentiable`.
        MissingExtraError: `captum` is not installed.
    """
    if not isinstance(case.model, Differentiable):
        raise TypeError(f"{type(case.model).__name__} gives no gradients")
    try:
        from captum.attr import IntegratedGradients
    except ImportError:
        raise MissingExtraError("captum", "explain") from None
    if not len(case.history):
        return np.zeros(0)
    every = np.arange(1, case.model.item_vocabulary.size, dtype=np.int32)
    average = case.model.input_vectors(every).mean(dim=0)
    vectors = case.model.input_vectors(case.history)[None]
    attributed = IntegratedGradients(case.model.score_vectors).attribute(
        vectors,
        baselines=average.expand_as(vectors),
        additional_forward_args=(case.item,),
        n_steps=_STEPS,
    )
    return case.by_part(attributed.detach().sum(dim=2)[0].numpy())
