"""Item vectors: what an item says, frozen, plus a bounded correction learnt from behaviour."""

from __future__ import annotations

import torch
from torch import Tensor, nn

#: An item nobody touched borrows from so many that read like it, weighted by the softmax of
#: their likeness times the sharpness; both from the validation part of item-cold Beauty.
_LENDERS = 5
_SHARPNESS = 10.0
#: A million items would else be compared with hundreds of thousands each.
MOST_LENDERS = 2**15
_BLOCK = 1024


class ItemTable(nn.Module):
    """One vector for every item code: ``base + clip(correction)``.

    The base comes from the item's words and is the same for an item nobody has touched; the
    correction starts at zero and never grows longer than `bound`, so that behaviour can refine
    what the words say but not forget it. Without a base the correction is all there is, starts
    small and random, and has no bound.

    Args:
        items: Number of items; code 0 is padding, whose vector is zero.
        dimension: Length of the vectors.
        base: float32[items + 1, dimension], or None.
        bound: Longest correction.
        sparse: Give gradients of the rows that were read, and not of the whole table.
    """

    undecayed = True
    base: Tensor | None

    def __init__(
        self, items: int, dimension: int, base: Tensor | None, bound: float, *, sparse: bool = False
    ) -> None:
        super().__init__()
        self.row_sparse = sparse
        start = torch.zeros(items + 1, dimension)
        if base is None:
            start.normal_(std=dimension**-0.5)
            start[0] = 0
        self.register_buffer("base", base, persistent=base is not None)
        self.correction = nn.Parameter(start)
        self.bound = bound

    def forward(self, codes: Tensor) -> Tensor:
        """Vectors of `codes`, float[..., dimension]."""
        return self._combined(
            None if self.base is None else self.base[codes],
            nn.functional.embedding(codes, self.correction, padding_idx=0, sparse=self.row_sparse),
        )

    def all(self) -> Tensor:
        """The whole table, float[items + 1, dimension]."""
        return self._combined(self.base, self.correction)

    def completed(self, counts: Tensor, borrowed: Tensor | None = None) -> Tensor:
        """The whole table, in which items nobody touched borrow a correction, see `borrowed`.

        Args:
            counts: int64[items + 1], training events of each item.
            borrowed: float32[n, dimension], what those n items had when this was asked before.

        Raises:
            RuntimeError: That is not one row an item nobody touched.
        """
        table = self.all().clone()
        untouched = (counts == 0).nonzero().squeeze(1)
        rows = self.borrowed(untouched, counts) if borrowed is None else borrowed
        if rows.shape != (len(untouched), table.shape[1]):
            raise RuntimeError(f"{list(rows.shape)} does not fit {len(untouched)} untouched items.")
        table[untouched] = rows
        return table

    def borrowed(self, codes: Tensor, counts: Tensor) -> Tensor:
        """Vectors of items nobody touched, float32[n, dimension], with a borrowed correction.

        They take the mean correction of the touched items that read most like them (the nearest
        neighbour mapping of Gantner et al., "Learning attribute-to-feature mappings", 2010), at
        the length those have: it says what the words leave out, and without it an item that
        behaviour has lifted always comes before one that it has not. In a large catalogue the
        most touched items lend, whose corrections are known best. What has no words borrows
        nothing.

        Args:
            codes: int64[n].
            counts: int64[m], training events by item code; codes from m on have none.
        """
        vectors = self(codes).clone()
        lenders = counts.argsort(descending=True, stable=True)[:MOST_LENDERS]
        lenders = lenders[counts[lenders] > 0].sort().values
        if self.base is None or not len(lenders):
            return vectors
        corrections = self(lenders) - self.base[lenders]
        words = self.base[lenders].T
        worded = self.base[codes].any(dim=1).nonzero().squeeze(1)
        for rows in worded.split(_BLOCK):
            base = self.base[codes[rows]]
            likeness, nearest = (base @ words).topk(min(_LENDERS, len(lenders)))
            shares = torch.softmax(_SHARPNESS * likeness, dim=1)[:, :, None]
            lent = corrections[nearest]
            mean = (shares * lent).sum(1)
            length = (shares * lent.norm(dim=2, keepdim=True)).sum(1)
            vectors[rows] = base + length * nn.functional.normalize(mean, dim=1)
        return vectors

    def extend(self, base: Tensor | None, items: int) -> None:
        """Adds items without a correction; `base`, float[items, dimension], are their words."""
        if self.base is not None and base is not None:
            self.base = torch.cat([self.base, base])
        added = self.correction.new_zeros(items, self.correction.shape[1])
        self.correction = nn.Parameter(torch.cat([self.correction.detach(), added]))

    def _combined(self, base: Tensor | None, correction: Tensor) -> Tensor:
        if base is None:
            return correction
        length = correction.norm(dim=-1, keepdim=True)
        return base + correction * (self.bound / length.clamp_min(self.bound))
