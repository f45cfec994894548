"""Which texts hold a blocked term: whole words, or anywhere in scripts without spaces."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from foretaste.errors import ConfigError

#: Scripts that are written without spaces between words: a term counts wherever it stands.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
#: What a word of the other scripts is made of.
_WORD = rf"[\p{{L}}\p{{M}}\p{{N}}_--[{_UNSPACED}]]"
_NO_WORD = rf"[^\p{{L}}\p{{M}}\p{{N}}_]|[{_UNSPACED}]"


def blocked_term(texts: pl.Series, terms: Sequence[str]) -> pl.Series:
    """The first blocked term that each text holds.

    Texts and terms are compared after Unicode normalisation (NFKC), in small letters and without
    invisible characters, so that full-width letters or a soft hyphen hide nothing. A term of
    several words is found whatever blanks stand between them. "ass" is not found in "glass", but
    a term in Chinese, Japanese, Thai, Lao, Khmer or Burmese is found inside a run of letters too.

    Args:
        texts: Strings; null holds nothing.
        terms: Words or phrases.

    Returns:
        Strings, one a text: the term, normalised, or null.

    Raises:
        ConfigError: A term is blank.
    """
    plain = normalised(texts)
    wanted = normalised(pl.Series(list(terms), dtype=pl.String)).unique(maintain_order=True)
    for term in wanted:
        if not term:
            raise ConfigError("a blocked term is blank.", field="ranking.safety.blocked_terms")
    found = pl.Series([None] * len(plain), dtype=pl.String)
    for pattern in _patterns(wanted):
        found = found.fill_null(plain.str.extract(pattern, 1)) if len(plain) else found
    return found.alias("term")


def normalised(texts: pl.Series) -> pl.Series:
    """Texts in the one form in which they are compared."""
    folded = texts.str.normalize("NFKC").str.to_lowercase().str.normalize("NFKC")
    # What has two small letters, or none of its own, of the same capital.
    folded = folded.str.replace_all("ß", "ss", literal=True).str.replace_all("ς", "σ", literal=True)
    visible = folded.str.replace_all(r"\p{Cf}", "")
    return visible.str.replace_all(r"[\s\p{Z}]+", " ").str.strip_chars(" ")


def _patterns(terms: pl.Series) -> list[str]:
    """At most four: a term needs a boundary on a side where it has a letter of a spaced script."""
    if terms.is_empty():
        return []
    table = pl.DataFrame(
        {
            "before": terms.str.contains(f"^{_WORD}"),
            "after": terms.str.contains(f"{_WORD}$"),
            "term": pl.Series([pl.escape_regex(term) for term in terms], dtype=pl.String),
            # Of two terms that begin alike the longer one is tried first.
            "length": terms.str.len_chars(),
        }
    ).sort("length", descending=True, maintain_order=True)
    return [
        f"{f'(?:^|{_NO_WORD})' if before else ''}"
        f"({'|'.join(group['term'])})"
        f"{f'(?:$|{_NO_WORD})' if after else ''}"
        for (before, after), group in table.group_by("before", "after", maintain_order=True)
    ]
