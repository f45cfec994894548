from __future__ import annotations

import numpy as np
import polars as pl

from foretaste.data.relations import with_relations
from foretaste.ranking import Catalogue
from foretaste.ranking.rules import Rules
from tests.ranking.worlds import DATA, MODEL

TRIPLES = pl.DataFrame(
    [("i01", "scent", "rose"), ("i02", "scent", "rose"), ("i02", "scent", "musk")],
    schema=["head", "relation", "tail"],
    orient="row",
)


def test_relations_can_be_asked_for_in_rules() -> None:
    catalogue = Catalogue.of(MODEL, with_relations(DATA.items, TRIPLES))

    def allowed(text: str) -> list[int]:
        verdict = Rules([text], catalogue).bind({}).verdict
        return np.flatnonzero(verdict.allowed[1:]).tolist()

    assert allowed('INCLUDE item WHERE scent = "rose"') == [1, 2]
    assert allowed('INCLUDE item WHERE scent = "musk"') == [2]
    assert 2 not in allowed('EXCLUDE item WHERE scent = "musk"')
