"""Which words and fields of an item make it read like another: by leaving each out."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from foretaste.content import Encoder, TextEncoder, item_texts, momentary
from foretaste.content.item_text import text_fields
from foretaste.content.unit import unit

_WORD = re.compile(r"\w[\w'’-]*")

#: Words of one item that are tried, the first in its text; each costs a text to encode.
_MOST_WORDS = 64


@dataclass(frozen=True)
class LikenessParts:
    """What carries the likeness of two items' texts.

    Attributes:
        likeness: Cosine of their vectors.
        words: float by word, in the order of the text: how far the cosine falls without it.
        fields: float by field, likewise.
    """

    likeness: float
    words: dict[str, float]
    fields: dict[str, float]


def likeness_parts(encoder: Encoder, item: pl.DataFrame, other: pl.DataFrame) -> LikenessParts:
    """Finds which words and fields of `item` make it read like `other`.

    Every word of the item is left out in turn, wherever it stands and however it is written, and
    then every field; all these texts are encoded in one call.

    Args:
        encoder: Of the items' content.
        item: One row of the items table.
        other: Another row of it.

    Raises:
        DataError: The items have no text.
    """
    fields = _fields(encoder, item)
    texts = {name: item_texts(item, [name])[0] for name in fields}
    found = (word for text in texts.values() for word in _WORD.findall(text))
    words = list({word.casefold(): word for word in found}.values())[:_MOST_WORDS]
    variants = [
        texts,
        *({name: _without(word, text) for name, text in texts.items()} for word in words),
        *(texts | {name: ""} for name in fields),
    ]
    plain = other.with_columns(item_texts(other, [name]).alias(name) for name in fields)
    table = pl.concat([pl.concat([item] * len(variants)), other], how="vertical_relaxed")
    columns = [
        pl.Series(name, [*(variant[name] for variant in variants), plain[name][0]])
        for name in fields
    ]
    vectors = unit(momentary(encoder).encode(table.with_columns(columns)))
    cosines = vectors[:-1] @ vectors[-1]
    falls = (cosines[0] - cosines[1:]).tolist()
    return LikenessParts(
        likeness=float(cosines[0]),
        words=dict(zip(words, falls, strict=False)),
        fields=dict(zip(fields, falls[len(words) :], strict=True)),
    )


def _fields(encoder: Encoder, items: pl.DataFrame) -> tuple[str, ...]:
    chosen = encoder.config.fields if isinstance(encoder, TextEncoder) else None
    return text_fields(items, chosen)


def _without(word: str, text: str) -> str:
    left = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", " ", text, flags=re.IGNORECASE)
    return " ".join(left.split())
