"""A model that learns on, and is judged before it goes live."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import foretaste as ft
from foretaste import artifacts
from foretaste.artifacts import open_run
from foretaste.artifacts.later import carry_over
from foretaste.errors import InputError
from foretaste.ranking.index import IndexConfig
from foretaste.ranking.item_search import item_search
from foretaste.serving import Service
from foretaste.serving.answers import Ask
from foretaste.serving.live_models import previous_of, register
from foretaste.serving.refit import Verdict, refit
from foretaste.serving.store.base import Event, Store
from tests.serving.conftest import ServiceMaker

ITEMS = {"garden": list(range(101, 141, 2)), "desk": list(range(102, 141, 2))}


def visits(people: int) -> list[Event]:
    """New people who each like one half."""
    rng = np.random.default_rng(0)
    events = []
    for person in range(people):
        items = rng.choice(ITEMS[("garden", "desk")[person % 2]], 8, replace=False)
        events += [
            Event(f"e{person}-{n}", str(1000 + person), str(item), 10**12 + 1000 * n + person)
            for n, item in enumerate(items)
        ]
    return events


def learn(store: Store, folder: Path, **settings: object) -> tuple[Verdict | None, list[str]]:
    told: list[str] = []
    given = {"holdout": 0.25, "least_events": 100} | settings
    found = refit(store, "default", folder, tell=told.append, **given)  # type: ignore[arg-type]
    return found, told


def test_a_model_that_is_not_worse_goes_live(service: Service, tmp_path: Path) -> None:
    events = visits(60)
    service.store.add_events(events)
    verdict, _ = learn(service.store, tmp_path / "runs")
    assert verdict is not None
    assert verdict.judged.better
    assert verdict.judged.people == 60
    assert verdict.judged.low <= verdict.judged.new - verdict.judged.old <= verdict.judged.high
    assert service.models.refresh()
    assert service.models.live.version == verdict.version
    record = service.store.models()[-1]
    assert (record.parent, record.status) == ("knn", "live")
    assert record.events_until == service.store.last_seq()
    # What it has learnt from is in its own memory, and not counted twice.
    ask = Ask(recommendation_id="r", user_id="1000")
    history = service.models.live.history_of(ask)
    assert history == [int(event.item_id) for event in events if event.user_id == "1000"]
    assert previous_of(service.store).version == "knn"


def test_what_came_into_the_run_comes_into_the_next_one(
    make_service: ServiceMaker, knn_run: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(knn_run, tmp_path / "earlier"))
    later = [Path("exploration.safetensors"), Path("safety/review.jsonl")]
    (run / "safety").mkdir()
    for name in later:
        (run / name).write_bytes(name.name.encode())
    service = make_service(run)
    service.store.add_events(visits(60))
    verdict, _ = learn(service.store, tmp_path / "runs")
    assert verdict is not None
    for name in later:
        path = tmp_path / "runs" / verdict.version / name
        assert path.read_bytes() == name.name.encode()
    assert open_run(tmp_path / "runs" / verdict.version).model
    # What another policy has learnt would be refused.
    other = artifacts.save(
        open_run(knn_run).model,
        tmp_path / "other",
        config={"data": {"path": "x"}, "ranking": {"exploration": {"policy": "thompson"}}},
    )
    carry_over(open_run(run), other)
    assert [(other / name).exists() for name in later] == [False, True]


def test_a_run_with_an_index_gets_one_of_the_new_vectors(
    make_service: ServiceMaker, small_data: ft.Dataset, tmp_path: Path
) -> None:
    model = ft.ALS(factors=8).fit(small_data)
    index = item_search(model, IndexConfig(kind="exact")).index
    service = make_service(artifacts.save(model, tmp_path / "als", dataset=small_data, index=index))
    service.store.add_events(visits(60))
    verdict, _ = learn(service.store, tmp_path / "runs")
    assert verdict is not None
    made = open_run(tmp_path / "runs" / verdict.version).index
    assert made is not None
    assert index is not None
    assert made.config == index.config
    assert made.fingerprint != index.fingerprint


def test_too_few_events_do_nothing(service: Service, tmp_path: Path) -> None:
    service.store.add_events(visits(5))
    verdict, told = learn(service.store, tmp_path / "runs")
    assert verdict is None
    assert told == ["40 events since knn learnt"]
    assert [record.version for record in service.store.models()] == ["knn"]


def test_a_model_that_is_worse_is_refused(service: Service, tmp_path: Path) -> None:
    # Robots pair garden things with desk things; then people come who are as ever.
    rng = np.random.default_rng(0)
    noise = [
        Event(f"n{n}", str(5000 + n // 2), str(rng.integers(50, 70) * 2 + n % 2 + 1), 10**11 + n)
        for n in range(40_000)
    ]
    service.store.add_events(noise)
    service.store.add_events(visits(200))
    verdict, _ = learn(service.store, tmp_path / "runs", holdout=400 / 41_600)
    assert verdict is not None
    assert not verdict.judged.better
    assert verdict.judged.high < 0
    statuses = {record.version: record.status for record in service.store.models()}
    assert statuses == {"knn": "live", verdict.version: "refused"}
    service.models.refresh()
    assert service.models.live.version == "knn"


def test_somebody_erased_is_in_no_later_model(service: Service, tmp_path: Path) -> None:
    service.store.add_events(visits(60))
    service.store.erase_user("2")
    service.store.erase_user("1004")
    verdict, _ = learn(service.store, tmp_path / "runs")
    assert verdict is not None
    model = open_run(tmp_path / "runs" / verdict.version).model
    known = {str(user) for user in model.user_vocabulary.ids}
    assert not {"2", "1004"} & known
    assert {"4", "1006"} <= known


def test_ids_of_another_kind_are_passed_over_and_told(service: Service, tmp_path: Path) -> None:
    service.store.add_events(visits(60))
    service.store.add_events(
        [Event("a", "anna", "101", 10**12), Event("b", "3", "nothing", 10**12)]
    )
    verdict, told = learn(service.store, tmp_path / "runs")
    assert verdict is not None
    assert "Passed over 2 events of unknown items or other ids" in told


def test_new_items_are_learnt(service: Service, tmp_path: Path) -> None:
    service.store.put_items({"900": {"title": "Desk fan"}})
    events = visits(60)
    events += [Event(f"f{n}", str(1000 + n), "900", 10**12 + 500) for n in range(1, 60, 2)]
    service.store.add_events(events)
    verdict, _ = learn(service.store, tmp_path / "runs")
    assert verdict is not None
    run = open_run(tmp_path / "runs" / verdict.version)
    best = run.model.recommend(histories=[["102", "104", "106"]], k=18)
    assert 900 in best["item_id"].to_list()
    assert run.items.filter(run.items["item_id"] == 900)["title"].to_list() == ["Desk fan"]


def test_nothing_is_live(make_service: ServiceMaker, tmp_path: Path, knn_run: Path) -> None:
    service = make_service()
    service.store.set_model_status("knn", "retired")
    with pytest.raises(InputError, match="no live model"):
        learn(service.store, tmp_path)
    with pytest.raises(InputError):
        register(service.store, knn_run)
