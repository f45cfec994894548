from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from foretaste import artifacts
from foretaste.errors import ConfigError, DataError, InputError
from foretaste.pipeline import RunConfig, evaluate_again, prepare, refresh, train
from tests.small_data import EVENTS, USERS, write_small_data

DAY = 86_400
NEW_ITEM = 500
NEW_USER = 900


def config(data: Path, model: str = "itemknn", kind: str = "leave-one-out") -> RunConfig:
    # A half-life that is chosen stays as it is where a run goes on; a fresh one chooses anew.
    settings = {"name": model} | ({"half_life": 1} if model == "itemknn" else {})
    return RunConfig.parse(
        {"data": {"path": str(data)}, "split": {"kind": kind}, "model": settings}
    )


def first_run(folder: Path, **settings: str) -> tuple[RunConfig, artifacts.Run]:
    """A run on data that has grown since: ten people act again, one is new, and so is an item."""
    data = write_small_data(folder / "my-data")
    wanted = config(data, **settings)
    path = train(wanted, prepare(wanted, str), str).save(folder / "runs" / "first")
    events = pl.read_csv(data / "events.csv")
    later = int(events["timestamp"].max()) + DAY
    people = [*range(1, 11), *[NEW_USER] * 4]
    items = [NEW_ITEM, *range(101, 110), 101, 103, NEW_ITEM, 105]
    news = pl.DataFrame(
        {
            "user_id": people,
            "item_id": items,
            "timestamp": [later + n for n in range(len(people))],
        }
    )
    pl.concat([events, news]).write_csv(data / "events.csv")
    return wanted, artifacts.open_run(path)


def test_a_run_goes_on_to_what_a_fresh_one_would_be(tmp_path: Path) -> None:
    wanted, start = first_run(tmp_path)
    prepared = prepare(wanted, str)
    found = refresh(wanted, start, prepared, str)
    fresh = train(wanted, prepared, str)
    # Two events a person are held out: the ten have one more to learn from, the newcomer two.
    assert found.events == 10 + 2
    assert found.items == 1
    assert found.forgetting is not None
    assert found.forgetting.differences[0].users == USERS - 10
    model, other = found.trained.model, fresh.model
    assert model.item_vocabulary.ids.to_list()[-1] == NEW_ITEM
    assert model.history_of(1) == other.history_of(1)
    assert len(model.history_of(1)) == EVENTS + 1
    items = other.item_vocabulary.ids.to_list()
    history = [[101, 103, NEW_ITEM], [102, 108]]
    np.testing.assert_allclose(model.score(history, items), other.score(history, items), rtol=1e-5)
    assert found.trained.report.metric("NDCG@10").value == pytest.approx(
        fresh.report.metric("NDCG@10").value
    )


def test_a_run_that_has_learnt_on_is_measured_again_and_learns_on_again(tmp_path: Path) -> None:
    wanted, start = first_run(tmp_path)
    found = refresh(wanted, start, prepare(wanted, str), str)
    path = found.trained.save(tmp_path / "runs" / "second")
    again = evaluate_again(path, str)
    assert again.to_dict()["groups"] == found.trained.report.to_dict()["groups"]
    with pytest.raises(DataError, match="nothing that"):
        refresh(wanted, artifacts.open_run(path), prepare(wanted, str), str)


def test_only_the_same_model_goes_on(tmp_path: Path) -> None:
    wanted, start = first_run(tmp_path)
    fewer = wanted.plain() | {"model": {"name": "itemknn", "neighbours": 3}}
    for other in (config(wanted.data.path, "popularity"), RunConfig.parse(fewer)):
        with pytest.raises(ConfigError, match="other settings"):
            refresh(other, start, prepare(wanted, str), str)


def test_a_model_that_cannot_learn_on_says_what_to_do(tmp_path: Path) -> None:
    data = write_small_data(tmp_path / "my-data")
    wanted = config(data)
    graph = RunConfig.parse(
        wanted.plain() | {"model": {"name": "lightgcn"}, "training": {"epochs": 1}}
    )
    path = train(graph, prepare(graph, str), str).save(tmp_path / "runs" / "first")
    events = pl.read_csv(data / "events.csv")
    more = events.head(1).with_columns(pl.col("timestamp") + 100 * DAY)
    pl.concat([events, more]).write_csv(data / "events.csv")
    with pytest.raises(InputError, match="Fit it again"):
        refresh(graph, artifacts.open_run(path), prepare(graph, str), str)


def test_what_was_learnt_is_no_test(tmp_path: Path) -> None:
    wanted, _ = first_run(tmp_path)
    grown = prepare(wanted, str)
    start = artifacts.open_run(train(wanted, grown, str).save(tmp_path / "runs" / "late"))
    events = pl.read_csv(wanted.data.path / "events.csv")
    early = events.filter(pl.col("timestamp") < events["timestamp"].quantile(0.5))
    early.write_csv(wanted.data.path / "events.csv")
    with pytest.raises(DataError, match="now holds out"):
        refresh(wanted, start, prepare(wanted, str), str)
