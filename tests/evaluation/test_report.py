"""Reports read well, and come back from JSON as they were."""

from __future__ import annotations

import json

import pytest

from foretaste.errors import InputError
from foretaste.evaluation import EvaluationReport, evaluate
from tests.evaluation.small import TableModel, shop

SPLIT = shop().split("item-cold")
REPORT = evaluate(TableModel().fit(SPLIT.train), SPLIT, ks=(5, 10), resamples=100)


def test_headline_is_one_line_with_interval_and_split() -> None:
    estimate = REPORT.metric("NDCG@5")
    expected = f"table  NDCG@5 {estimate}  split {SPLIT.fingerprint[:12]}"
    assert REPORT.headline == expected
    assert str(REPORT).startswith(expected + "\n")


def test_table_has_a_row_a_figure_and_a_column_a_group() -> None:
    lines = str(REPORT).splitlines()
    assert lines[3].split() == ["all", "cold", "cold_only"]
    rows = {line.split()[0]: line for line in lines[4:]}
    assert rows["users"].split()[1] == str(REPORT.users)
    assert rows["items"].split()[1] == "35"
    for group in ("all", "cold", "cold_only"):
        assert str(REPORT.metric("MAP@10", group)) in rows["MAP@10"]
    assert rows["Novelty@10"].endswith("-")
    starts = {line.index(str(REPORT.metric(name))) for name, line in rows.items() if "@" in name}
    assert len(starts) == 1


def test_json_and_back() -> None:
    values = json.loads(json.dumps(REPORT.to_dict(), allow_nan=False))
    assert "per_user" not in values
    back = EvaluationReport.from_dict(values, REPORT.per_user)
    assert str(back) == str(REPORT)
    assert back.to_dict() == REPORT.to_dict()
    assert back.groups == REPORT.groups
    assert (back.ks, back.exposure_curve) == (REPORT.ks, REPORT.exposure_curve)


@pytest.mark.parametrize(
    ("name", "group", "hint"),
    [
        ("NDCG@50", "all", "Did you mean 'NDCG@5'?"),
        ("zzz", "all", "It has: NDCG@5"),
        ("NDCG@5", "colt", "Did you mean 'cold'?"),
    ],
)
def test_an_unknown_figure_gets_the_nearest_right_name(name: str, group: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        REPORT.metric(name, group)
    assert hint in str(caught.value)
