"""`POST /v1/predict` with real interest models."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from foretaste.serving.api import create_app
from tests.models.interest import worlds
from tests.serving.conftest import ServiceMaker


@pytest.fixture
def http(make_service: ServiceMaker) -> TestClient:
    parts = worlds.parts()
    model = worlds.model("trees", body={"trees": 40}).fit(parts.train, parts.validation)
    return TestClient(create_app(make_service(interest=model)), raise_server_exceptions=False)


def test_pairs_that_go_together_are_likelier(http: TestClient) -> None:
    pairs = [
        {"user_id": 2, "item_id": item, "context": {"device": "phone"}} for item in (4, 5, "new")
    ]
    answer = http.post("/v1/predict", json={"pairs": pairs})
    assert answer.status_code == 200, answer.text
    [alike, unlike, unknown] = answer.json()["probabilities"]["probability"]
    assert 0 < unlike < alike < 1
    assert 0 < unknown < 1


def test_context_of_any_kind_is_no_failure(http: TestClient) -> None:
    pairs = [
        {"user_id": 2, "item_id": 4, "context": {"device": device, "other": device}}
        for device in ("phone", 3, True, None)
    ]
    answer = http.post("/v1/predict", json={"pairs": pairs})
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["probabilities"]["probability"]) == 4


def test_an_id_is_no_context(http: TestClient) -> None:
    pair = {"user_id": 2, "item_id": 4, "context": {"item_id": "5"}}
    assert http.post("/v1/predict", json={"pairs": [pair]}).status_code == 422
