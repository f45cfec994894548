"""A catalogue that changes while people are answered."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import foretaste as ft
from foretaste import artifacts
from foretaste.pipeline import serving_ranker
from foretaste.ranking import pipeline
from foretaste.ranking.index import IndexConfig
from foretaste.ranking.item_search import item_search
from foretaste.serving import Service, shelf
from foretaste.serving.answers import Ask, Given
from foretaste.serving.engine import Engine
from tests.serving.conftest import ServiceMaker

SECONDS = 120


@pytest.fixture
def engine(service: Service) -> Engine:
    return service.models.live


def listed(engine: Engine) -> set[str]:
    """All that somebody can be shown who has acted on item 102."""
    ask = Ask(recommendation_id="r", user_id=None, history=("102",), k=100)
    [given] = engine.recommend([ask])
    assert isinstance(given, Given)
    return {item.item_id for item in given.items}


def test_people_are_answered_while_a_change_is_made_ready(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    making, go = threading.Event(), threading.Event()

    def slowly(*given: Any, **named: Any) -> Any:
        making.set()
        assert go.wait(SECONDS)
        return serving_ranker(*given, **named)

    monkeypatch.setattr(shelf, "serving_ranker", slowly)
    with ThreadPoolExecutor(2) as threads:
        updating = threads.submit(engine.update, {"101": None, "900": {"title": "Desk fan"}})
        try:
            assert making.wait(SECONDS)
            meanwhile = threads.submit(listed, engine).result(SECONDS)
            assert not updating.done()
        finally:
            go.set()
        updating.result(SECONDS)
    assert meanwhile & {"101", "900"} == {"101"}
    assert listed(engine) & {"101", "900"} == {"900"}


def test_changes_that_come_together_are_all_taken_in_and_each_at_once(engine: Engine) -> None:
    gone, new = [str(n) for n in range(103, 111)], [str(n) for n in range(900, 908)]
    done = threading.Event()

    def torn() -> list[set[str]]:
        """Lists in which only half of a change is."""
        found = []
        while not done.is_set():
            items = listed(engine)
            if any(
                (old in items) == (fresh in items) for old, fresh in zip(gone, new, strict=True)
            ):
                found.append(items)
        return found

    def change(old: str, fresh: str) -> None:
        engine.update({old: None, fresh: {"title": f"Garden rug {fresh}"}})
        items = listed(engine)
        assert fresh in items
        assert old not in items

    with ThreadPoolExecutor(4) as threads:
        asking = threads.submit(torn)
        try:
            list(threads.map(change, gone, new))
        finally:
            done.set()
        assert asking.result(SECONDS) == []
    assert listed(engine) >= set(new)
    assert not listed(engine) & set(gone)
    engine.update({"103": {"title": "Garden lamp"}})
    assert "103" in listed(engine)


def test_what_was_ready_before_a_change_is_ready_after_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert engine.similar("102", 3)
    engine.update({"900": {"title": "Desk fan"}})

    def late(*given: Any, **named: Any) -> None:
        raise AssertionError("somebody has to wait for it")

    monkeypatch.setattr(pipeline, "SimilarItems", late)
    assert engine.similar("102", 3)


def test_an_index_takes_in_what_is_new(
    make_service: ServiceMaker, reading_run: Path, small_data: ft.Dataset, tmp_path: Path
) -> None:
    model = artifacts.load(reading_run)
    index = item_search(model, IndexConfig(kind="exact")).index
    run = artifacts.save(model, tmp_path / "indexed", dataset=small_data, index=index)
    engine = make_service(run).models.live
    engine.update({"900": {"title": "Desk lamp"}})
    engine.update({"901": {"title": "Desk rug"}})
    assert listed(engine) >= {"900", "901"}
    grown = engine.ranker.pipeline.search.index
    assert grown is not None
    assert (grown.config.kind, len(grown)) == ("exact", 42)
