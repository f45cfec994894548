"""How a row of the items table becomes one text."""

from __future__ import annotations

import html
from collections.abc import Sequence

import polars as pl

from foretaste.data.schema import TEXT_COLUMNS
from foretaste.errors import DataError

#: Markup that shops leave in descriptions. Only real tag names, so that "I <3 you" stays whole.
_TAGS = (
    r"(?i)</?(?:a|b|br|div|em|font|h[1-6]|hr|i|img|li|ol|p|span|strong|table|tbody|td|th|tr|u|ul)"
    r"(?:[\s/][^<>]*)?>"
)
_BLANKS = r"[\s\p{Cc}\p{Zs}\u{200b}\u{feff}]+"


def text_fields(items: pl.DataFrame, fields: Sequence[str] | None = None) -> tuple[str, ...]:
    """The columns that are read to an encoder, in order.

    Args:
        items: The items table.
        fields: Columns by name; None takes those of title, brand, categories and description
            that are there.

    Raises:
        DataError: A named column is missing, or there is none of the usual ones.
    """
    known = set(items.columns)
    if fields is None:
        chosen = tuple(name for name in TEXT_COLUMNS if name in known)
        if not chosen:
            raise DataError(
                f"the items have no text: none of {', '.join(TEXT_COLUMNS)} is among the columns "
                f"({', '.join(items.columns)}).",
                field="fields",
                hint="Say which columns hold words, as in fields: [name, genre].",
            )
        return chosen
    for name in fields:
        if name not in known:
            raise DataError(
                f"the items have no such column (found: {', '.join(items.columns)}).", field=name
            )
    return tuple(fields)


def item_texts(items: pl.DataFrame, fields: Sequence[str] | None = None) -> pl.Series:
    """One text an item: its fields one after the other, as sentences.

    ``title "Neon Polish", brand null, categories ["Beauty", "Nails"]`` becomes
    ``Neon Polish. Beauty, Nails``. Markup and HTML entities are removed, runs of blanks and
    control characters become one space.

    Args:
        items: The items table; a field may hold strings, numbers, or lists of them.
        fields: As in `text_fields`.

    Returns:
        Strings, one a row, named "text"; empty for an item without any text.

    Raises:
        DataError: As in `text_fields`.
    """
    filled = field_texts(items, fields)
    sentences = filled.select(
        pl.concat_str(pl.all(), separator=". ", ignore_nulls=True)
    ).to_series()
    # A field that ends as a sentence does needs no second full stop.
    return sentences.str.replace_all(r"([.!?])\. ", "$1 ").fill_null("").alias("text")


def field_texts(items: pl.DataFrame, fields: Sequence[str] | None = None) -> pl.DataFrame:
    """The words of each field of each item, tidied, one column a field; null where it says nothing.

    Raises:
        DataError: As in `text_fields`.
    """
    return pl.DataFrame(
        {
            name: tidy(_as_strings(items[name])).replace("", None)
            for name in text_fields(items, fields)
        }
    )


def tidy(texts: pl.Series) -> pl.Series:
    """Removes markup and entities, joins lines, trims; null becomes the empty string."""
    plain = texts.fill_null("")
    # Few texts hold an entity, so only those pay for a Python call.
    escaped = plain.str.contains("&", literal=True)
    if escaped.any():
        rows = escaped.arg_true()
        unescaped = [html.unescape(text) for text in plain.gather(rows)]
        plain = plain.scatter(rows, unescaped)
    return plain.str.replace_all(_TAGS, " ").str.replace_all(_BLANKS, " ").str.strip_chars(" ")


def _as_strings(values: pl.Series) -> pl.Series:
    """A column of any type as strings; lists become "a, b", each member once."""
    while isinstance(values.dtype, pl.List) and isinstance(values.dtype.inner, pl.List):
        values = values.list.eval(pl.element().explode())
    if isinstance(values.dtype, pl.List):
        members = values.cast(pl.List(pl.String)).list.eval(pl.element().drop_nulls())
        return members.list.unique(maintain_order=True).list.join(", ")
    return values.cast(pl.String)
