from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.errors import ConfigError
from foretaste.ranking.safety.terms import blocked_term

TERMS = ["ass", "viagra", "赌博", "gun powder", "Straße", "หวย", "c++"]


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("a glass of wine", None),
        ("kick ASS now", "ass"),
        ("the-ass", "ass"),
        ("ass", "ass"),
        ("ass_et", None),
        ("brass assets", None),
        ("ＶＩＡＧＲＡ", "viagra"),
        ("via\u00adgra and v\u200bi\u200bagra", "viagra"),
        ("买viagra吧", "viagra"),
        ("这是一个赌博网站", "赌博"),
        ("gun\u2003  powder", "gun powder"),
        ("gunpowder", None),
        ("STRASSE 7", "strasse"),
        ("สวัสดีหวยครับ", "หวย"),
        ("learn c++, fast", "c++"),
        ("", None),
        (None, None),
    ],
)
def test_terms_are_found_as_words_and_anywhere_in_scripts_without_spaces(
    text: str | None, term: str | None
) -> None:
    assert blocked_term(pl.Series([text], dtype=pl.String), TERMS).to_list() == [term]


@given(st.text(), st.text(), st.sampled_from(TERMS))
def test_a_term_between_blanks_is_found_in_any_text(before: str, after: str, term: str) -> None:
    assert blocked_term(pl.Series([f"{before} {term.upper()} {after}"]), TERMS)[0] is not None


@given(st.lists(st.text(min_size=1).filter(lambda term: term.strip("\u200b").strip()), max_size=4))
def test_any_term_finds_itself(terms: list[str]) -> None:
    try:
        found = blocked_term(pl.Series(terms, dtype=pl.String), terms)
    except ConfigError:
        return  # of characters that are all invisible
    assert found.null_count() == 0


def test_no_terms_and_no_texts() -> None:
    assert blocked_term(pl.Series(["a"]), []).to_list() == [None]
    assert blocked_term(pl.Series([], dtype=pl.String), ["a"]).is_empty()
    with pytest.raises(ConfigError):
        blocked_term(pl.Series(["a"]), ["b", " \u200b"])
