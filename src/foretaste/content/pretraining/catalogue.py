"""What is learnt from: the words of the items, field by field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.content.item_text import field_texts, item_texts
from foretaste.errors import DataError

#: Fewer items with words than this teach nothing, and leave none to hold out.
_FEWEST = 8


@dataclass(frozen=True)
class Catalogue:
    """Tidied texts of items, by row of the items table.

    Attributes:
        texts: What the encoder reads of every item; empty for an item without words.
        fields: The same as one text a field, those that say something.
    """

    texts: list[str]
    fields: list[list[str]]

    @classmethod
    def of(cls, items: pl.DataFrame, fields: Sequence[str] | None) -> Catalogue:
        """Reads the items table.

        Raises:
            DataError: A field is missing, or hardly an item has words.
        """
        table = field_texts(items, fields)
        said = [[text for text in row if text is not None] for row in table.iter_rows()]
        catalogue = cls(item_texts(items, fields).to_list(), said)
        if len(catalogue.spoken()) < _FEWEST:
            raise DataError(
                f"only {len(catalogue.spoken())} items have words, too few to learn from.",
                hint="Say which columns hold words, as in content.fields: [name, genre].",
            )
        return catalogue

    @property
    def silent(self) -> int:
        """Items without words, which are passed over."""
        return sum(not text for text in self.texts)

    def spoken(self, fields: int = 1) -> NDArray[np.int64]:
        """Rows of the items with so many fields that say something; of equal ones, the first.

        Duplicates would be told apart though nothing tells them apart.
        """
        first: dict[str, int] = {}
        for row, (text, said) in enumerate(zip(self.texts, self.fields, strict=True)):
            if text and len(said) >= fields:
                first.setdefault(text, row)
        return np.array(list(first.values()), np.int64)
