"""Models that change places while people are answered."""

from __future__ import annotations

import gc
import threading
import weakref
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import foretaste as ft
from foretaste import artifacts
from foretaste.errors import ArtifactError, InputError
from foretaste.serving import Service
from foretaste.serving.answers import Ask, Given
from foretaste.serving.api import create_app
from foretaste.serving.live_models import register
from tests.serving.conftest import ServiceMaker, eventually


@pytest.fixture
def other_run(small_data: ft.Dataset, tmp_path: Path) -> Path:
    return artifacts.save(ft.EASE().fit(small_data), tmp_path / "ease", dataset=small_data)


def client_of(service: Service) -> TestClient:
    return TestClient(create_app(service), raise_server_exceptions=False)


def test_twenty_changes_under_load_fail_no_request(service: Service, other_run: Path) -> None:
    register(service.store, other_run, parent="knn")
    http = client_of(service)
    stop = threading.Event()
    seen: list[tuple[int, str]] = []

    def ask() -> None:
        while not stop.is_set():
            answer = http.post("/v1/recommendations", json={"user_id": "2", "k": 3})
            body = answer.json()
            seen.append((answer.status_code, body.get("model_version", "")))
            assert len(body["items"]) == 3
            assert body["degraded"] == ""

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    for change in range(20):
        version = ("ease", "knn")[change % 2]
        answer = http.post(f"/v1/admin/models/{version}/promote")
        assert answer.status_code == 200, answer.text
    stop.set()
    for asker in askers:
        asker.join()
    assert {status for status, _ in seen} == {200}
    assert {version for _, version in seen} == {"knn", "ease"}


def test_a_replaced_model_goes_without_the_garbage_collector(
    service: Service, other_run: Path
) -> None:
    """The collector is told to spare what was there when the service began."""
    engine = service.models.live
    given = engine.recommend([Ask(recommendation_id="r", user_id="2", k=3)])
    assert isinstance(given[0], Given)
    replaced = [weakref.ref(part) for part in (engine, engine.model, engine.ranker)]
    register(service.store, other_run, parent="knn")
    service.store.set_live("ease")
    gc.disable()
    try:
        service.models.refresh()
        assert service.models.live.version == "ease"
        del engine
        assert eventually(lambda: all(part() is None for part in replaced))
    finally:
        gc.enable()


def test_rollback_goes_back_to_where_the_live_one_came_from(
    service: Service, other_run: Path
) -> None:
    register(service.store, other_run, parent="knn")
    http = client_of(service)
    http.post("/v1/admin/models/ease/promote")
    listed = http.post("/v1/admin/models/rollback").json()
    assert {model["version"]: model["status"] for model in listed} == {
        "knn": "live",
        "ease": "retired",
    }
    assert service.models.live.version == "knn"


def test_a_damaged_run_does_not_go_live(service: Service, other_run: Path) -> None:
    register(service.store, other_run, parent="knn")
    next((other_run / "model").glob("*.safetensors")).write_bytes(b"broken")
    http = client_of(service)
    answer = http.post("/v1/admin/models/ease/promote")
    assert answer.status_code == 422
    assert "this file has 6 bytes" in answer.json()["error"]["message"]
    assert service.models.live.version == "knn"
    assert http.post("/v1/recommendations", json={"user_id": "2"}).status_code == 200
    live = [m["version"] for m in http.get("/v1/admin/models").json() if m["status"] == "live"]
    assert live == ["knn"]


def test_there_is_no_such_model(service: Service) -> None:
    assert client_of(service).post("/v1/admin/models/none/promote").status_code == 404
    assert client_of(service).post("/v1/admin/models/rollback").status_code == 404


def test_people_in_an_experiment_get_their_arms_model(
    make_service: ServiceMaker, other_run: Path
) -> None:
    arms = [{"name": "old"}, {"name": "new", "model": "ease"}]
    service = make_service(experiment={"name": "trial", "variants": arms})
    register(service.store, other_run)
    service.models.refresh()
    http = client_of(service)
    found = {}
    for person in range(30):
        answer = http.post("/v1/recommendations", json={"user_id": f"p{person}"}).json()
        found[answer["experiment"]] = answer["model_version"]
    assert found == {"trial:old": "knn", "trial:new": "ease"}
    assert eventually(
        lambda: sum(arm["people"] for arm in http.get("/v1/admin/experiment").json()["arms"]) == 30
    )


def test_a_service_needs_a_model(make_service: ServiceMaker) -> None:
    with pytest.raises(InputError, match="no live model"):
        make_service(None)


def test_a_run_that_is_none(make_service: ServiceMaker, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError):
        make_service(tmp_path / "nothing")


def test_a_model_that_fails_is_stood_in_for_by_what_is_popular(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **settings: object) -> None:
        raise RuntimeError("the model is broken")

    monkeypatch.setattr(service.models.live.ranker.pipeline, "rank", broken)
    answer = client_of(service).post("/v1/recommendations", json={"user_id": "2", "k": 4})
    assert answer.status_code == 200
    body = answer.json()
    assert body["degraded"] == "model"
    assert len(body["items"]) == 4
    counts = service.models.live.model.item_counts
    assert body["items"][0]["score"] == counts.max()
