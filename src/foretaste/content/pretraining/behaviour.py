"""What is learnt from what people take one after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from foretaste.content.pretraining.catalogue import Catalogue
from foretaste.content.pretraining.config import PretrainingConfig
from foretaste.content.pretraining.objectives import Batch, Objective
from foretaste.content.pretraining.reader import Reader, Tokens
from foretaste.data import Dataset, Ragged
from foretaste.errors import DataError


class Behaviour(Objective):
    """Brings what people take next close to what they took before (two towers).

    The item tower reads an item's words. The user tower makes a vector of those of the items so
    far. Every action of every person of the batch is foreseen among all items of the batch, whose
    logits are lowered by the logarithm of their popularity (Yi et al., "Sampling-bias-corrected
    neural modeling", 2019): popular items are negatives so often that they would be driven away.
    An item's words are read once a batch, however often it occurs.

    Args:
        tower: Maps float[rows, width, d] to states of the same shape that see no later position.
    """

    def __init__(
        self,
        reader: Reader,
        config: PretrainingConfig,
        catalogue: Catalogue,
        train: Dataset,
        tower: nn.Module,
    ) -> None:
        super().__init__(reader, config)
        self.tower = tower
        self._texts = catalogue.texts
        self._histories = _readable(train.histories(), catalogue).last(config.history)
        self.rows = np.flatnonzero(self._histories.lengths >= 2)
        if len(self.rows) < 2:
            raise DataError(
                "hardly anybody has two events on items with words: there is nothing to tune on.",
                hint="Give more events, or choose another pretraining.objective.",
            )
        shares = np.maximum(train.item_counts, 1) / len(train)
        self.register_buffer("log_shares", torch.from_numpy(np.log(shares)).float(), False)

    log_shares: Tensor

    def batch(self, rows: Sequence[int]) -> Batch:
        """Tokens of the batch's items, their codes, and histories as places among them, from 1."""
        histories = self._histories.take(np.asarray(rows))
        items, places = np.unique(histories.values, return_inverse=True)
        placed = Ragged(places.astype(np.int32) + 1, histories.offsets)
        return {
            "tokens": self.reader.tokens([self._texts[item - 1] for item in items]),
            "items": torch.from_numpy(items).long(),
            "histories": torch.from_numpy(placed.padded()).long(),
        }

    def forward(self, tokens: Tokens, items: Tensor, histories: Tensor) -> Tensor:
        """Mean cross-entropy of every next item among the batch's."""
        vectors = functional.normalize(self.reader(tokens), dim=1)
        table = functional.pad(vectors, (0, 0, 1, 0))
        states = functional.normalize(self.tower(table[histories[:, :-1]]), dim=2)
        rows, columns = histories[:, 1:].nonzero(as_tuple=True)
        targets = histories[rows, columns + 1]
        logits = states[rows, columns] @ table.T / self.settings.temperature
        logits = logits - functional.pad(self.log_shares[items], (1, 0))
        # What the person took at another time is no negative, nor is padding.
        theirs = torch.zeros(len(histories), len(table), device=table.device)
        others = theirs.scatter(1, histories, 1.0)[rows].scatter(1, targets[:, None], 0.0).bool()
        others[:, 0] = True
        return functional.cross_entropy(logits.masked_fill(others, -torch.inf), targets)


class RecentMean(nn.Module):
    """The mean of the vectors so far, the latest weighted most, as `content` makes its profiles.

    Args:
        half_life: Actions after which one counts half; None lets all count alike.
    """

    def __init__(self, half_life: float | None = 1.0) -> None:
        super().__init__()
        self._decay = 1.0 if half_life is None else 0.5 ** (1 / half_life)

    def forward(self, vectors: Tensor) -> Tensor:
        """float[rows, width, d] to the same."""
        places = torch.arange(vectors.shape[1], device=vectors.device)
        ages = places[:, None] - places
        weights = torch.where(ages >= 0, self._decay ** ages.clamp_min(0).float(), 0.0)
        return weights @ vectors


def _readable(histories: Ragged, catalogue: Catalogue) -> Ragged:
    """Histories without the items that have no words."""
    spoken = np.array([False, *(bool(text) for text in catalogue.texts)])[histories.values]
    rows = histories.row_of_value[spoken].astype(np.int32)
    return Ragged.from_groups(histories.values[spoken], rows, len(histories))
