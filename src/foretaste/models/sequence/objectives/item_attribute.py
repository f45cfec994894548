"""What items are, from their vectors: the associated attributes of S3-Rec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from foretaste.data.categories import category_vectors
from foretaste.errors import DataError
from foretaste.models.sequence.objectives.base import Given, Objective, ObjectiveConfig

if TYPE_CHECKING:
    from foretaste.models.sequence.network import SequenceNetwork

_CATEGORIES = "categories"


class ItemAttributeConfig(ObjectiveConfig):
    """Settings of `ItemAttribute`."""

    kind: Literal["item_attribute"] = "item_attribute"

    def build(self, given: Given) -> ItemAttribute:
        """The objective.

        Raises:
            DataError: The catalogue has no categories.
        """
        items = given.train.items
        if _CATEGORIES not in items.columns or items[_CATEGORIES].null_count() == len(items):
            raise DataError(
                "the items have no categories, which the objective item_attribute foretells.",
                field=_CATEGORIES,
                hint="Give the catalogue such a column, or leave the objective out.",
            )
        return ItemAttribute(category_vectors(items[_CATEGORIES]), given.dimension)


class ItemAttribute(Objective):
    """The vector of an item must say its categories (Zhou et al., CIKM 2020, eq. 4).

    Args:
        attributes: scipy.sparse.csr_array, float32[items + 1, categories], 0 or 1.
        dimension: Of item vectors.
    """

    def __init__(self, attributes: Any, dimension: int) -> None:
        super().__init__()
        self._attributes = attributes
        self.says = nn.Linear(dimension, attributes.shape[1])

    def forward(self, network: SequenceNetwork, codes: Tensor) -> Tensor:
        """Mean binary cross-entropy over the batch's items and all categories."""
        items = codes.unique()
        items = items[items != 0]
        wanted = torch.from_numpy(self._attributes[items.numpy()].toarray())
        said = self.says(network.table(items))
        return nn.functional.binary_cross_entropy_with_logits(said.float(), wanted)
