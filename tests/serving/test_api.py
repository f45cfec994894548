"""The HTTP interface, from request to answer, over a real model and store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from foretaste.serving import Service
from foretaste.serving.access import make_key
from foretaste.serving.api import create_app
from tests.serving.conftest import ServiceMaker, eventually, parity

DESK = [str(item) for item in range(102, 112, 2)]
GARDEN = [str(item) for item in range(101, 111, 2)]


def client_of(service: Service, key: str | None = None) -> TestClient:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return TestClient(create_app(service), headers=headers, raise_server_exceptions=False)


def recommended(http: TestClient, **body: Any) -> list[str]:
    answer = http.post("/v1/recommendations", json=body)
    assert answer.status_code == 200, answer.text
    return [item["item_id"] for item in answer.json()["items"]]


def clicks(user: str, items: list[str]) -> dict[str, Any]:
    events = [{"user_id": user, "item_id": item, "event_type": "click"} for item in items]
    return {"events": events}


def test_an_answer_says_what_it_is(http: TestClient) -> None:
    answer = http.post("/v1/recommendations", json={"user_id": "2", "k": 5, "trace": True}).json()
    assert answer["model_version"] == "knn"
    assert answer["experiment"] is None
    assert len(answer["recommendation_id"]) == 32
    assert [item["rank"] for item in answer["items"]] == [1, 2, 3, 4, 5]
    assert all(item["score"] and item["source"] and item["reason"] for item in answer["items"])
    assert [stage["stage"] for stage in answer["trace"]][:2] == ["candidates", "rank"]


def test_a_number_is_the_id_it_is_written_as(http: TestClient) -> None:
    assert recommended(http, user_id=2) == recommended(http, user_id="2")


def test_what_somebody_new_does_changes_their_next_answer(http: TestClient) -> None:
    before = http.post("/v1/recommendations", json={"user_id": "new"}).json()
    assert {item["source"] for item in before["items"]} == {"popularity"}
    http.post("/v1/events", json=clicks("new", DESK[:3]))
    after = recommended(http, user_id="new")
    assert parity(after) == {0}
    assert not set(after) & set(DESK[:3])


def test_what_somebody_known_does_changes_their_next_answer(http: TestClient) -> None:
    before = recommended(http, user_id="2", k=5)
    http.post("/v1/events", json=clicks("2", before[:2]))
    assert not set(recommended(http, user_id="2", k=5)) & set(before[:2])


def test_a_session_of_somebody_unknown(http: TestClient) -> None:
    assert parity(recommended(http, history=GARDEN[:3])) == {1}
    assert parity(recommended(http, history=DESK[:3])) == {0}


def test_events_count_once(http: TestClient, service: Service) -> None:
    event = {"user_id": "a", "item_id": "101", "event_id": "e1"}
    answers = [http.post("/v1/events", json={"events": [event, event]}).json() for _ in range(2)]
    assert [(a["accepted"], a["duplicates"]) for a in answers] == [(1, 1), (0, 2)]
    assert len(service.histories.of(["a"])[0]) == 1


def test_a_wrong_row_is_named_and_keeps_no_other_out(http: TestClient) -> None:
    rows = [
        {"user_id": "a", "item_id": "101"},
        {"user_id": "a"},
        {"user_id": "a", "item_id": "103", "timestamp": -1},
        {"user_id": "a", "item_id": "103", "colour": "red"},
        {"user_id": "a\u0000b", "item_id": "103"},
    ]
    answer = http.post("/v1/events", json={"events": rows})
    assert answer.status_code == 200
    assert answer.json()["accepted"] == 1
    errors = [(error["row"], error["field"]) for error in answer.json()["errors"]]
    assert errors == [(1, "item_id"), (2, "timestamp"), (3, "colour"), (4, "user_id")]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"user_id": "2", "k": 0}, "k"),
        ({"user_id": "2", "k": 10**9}, "k"),
        ({"user_id": "2", "kk": 3}, "kk"),
        ({"user_id": "2", "parameters": {"max": 3}}, "max"),
        ({"user_id": {"$ne": None}}, "user_id"),
    ],
)
def test_a_wrong_request_is_told_where(http: TestClient, body: Any, field: str) -> None:
    answer = http.post("/v1/recommendations", json=body)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["field"] == field
    assert error["request_id"] == answer.headers["x-request-id"]


def test_pages_do_not_repeat(http: TestClient) -> None:
    first = http.post("/v1/recommendations", json={"user_id": "2", "k": 4}).json()
    body = {"recommendation_id": first["recommendation_id"], "page": 2, "k": 4}
    second = http.post("/v1/recommendations/page", json=body).json()
    assert [item["rank"] for item in second["items"]] == [5, 6, 7, 8]
    ids = [item["item_id"] for item in first["items"] + second["items"]]
    assert len(set(ids)) == 8
    assert http.post("/v1/recommendations/page", json=body | {"page": 0}).status_code == 422


def test_given_items_are_ranked(http: TestClient) -> None:
    items = ["110", "111", "unknown"]
    for history, first in ((DESK[:3], "110"), (GARDEN[:3], "111")):
        answer = http.post("/v1/rank", json={"history": history, "items": items}).json()
        assert answer["items"][0]["item_id"] == first
        assert len(answer["items"]) == 2
    assert http.post("/v1/rank", json={"items": ["unknown"]}).status_code == 404


def test_similar_items(http: TestClient) -> None:
    answer = http.get("/v1/similar/102?k=5").json()
    assert parity([item["item_id"] for item in answer["items"]]) == {0}
    assert http.get("/v1/similar/none").status_code == 404


def test_search_and_suggestions(http: TestClient) -> None:
    found = http.post("/v1/search", json={"query": "garden lamp", "k": 3}).json()
    assert parity([item["item_id"] for item in found["items"]]) == {1}
    suggested = http.get("/v1/suggest", params={"typed": "desk la"}).json()["suggestions"]
    assert suggested
    assert all(one["text"].startswith("Desk lamp") for one in suggested)


def test_reasons_name_what_carried_the_item(http: TestClient) -> None:
    answer = http.post("/v1/explain", json={"history": DESK[:3], "item_id": "120"}).json()
    assert answer["drop"] > 0
    named = [piece["title"] for piece in answer["evidence"] if piece["named"]]
    assert named
    assert all(title in answer["reason"] for title in named)
    body = {"history": DESK[:3], "k": 2, "reasons": True}
    items = http.post("/v1/recommendations", json=body).json()["items"]
    assert all("Desk" in item["reason"] for item in items)


def test_a_new_item_is_recommended_for_what_it_says(
    make_service: ServiceMaker, reading_run: Path
) -> None:
    http = client_of(make_service(reading_run))
    new = {"id": "desk-900", "fields": {"title": "Desk lamp, brass"}}
    # Ids are numbers here.
    assert http.post("/v1/items", json={"items": [new]}).status_code == 422
    new["id"] = "900"
    assert http.post("/v1/items", json={"items": [new]}).json() == {"accepted": 1}
    assert eventually(lambda: "900" in recommended(http, history=["106", "116"], k=10))
    assert http.get("/v1/items/900").json()["fields"] == {"title": "Desk lamp, brass"}
    found = http.post("/v1/search", json={"query": "brass", "k": 1}).json()["items"]
    assert [item["item_id"] for item in found] == ["900"]
    assert http.delete("/v1/items/900").status_code == 200
    assert eventually(lambda: "900" not in recommended(http, history=["106", "116"], k=41))
    assert http.get("/v1/items/900").status_code == 404
    assert http.delete("/v1/items/900").status_code == 404


def test_a_field_of_the_wrong_type_is_named(http: TestClient) -> None:
    answer = http.post("/v1/items", json={"items": [{"id": "900", "fields": {"title": 3}}]})
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == "0.fields.title"


def test_somebody_erased_is_a_stranger(http: TestClient, service: Service) -> None:
    http.post("/v1/users", json={"users": [{"id": "2", "fields": {"age": 30}}]})
    http.post("/v1/events", json=clicks("2", DESK[:2]))
    assert http.get("/v1/users/2").json()["fields"] == {"age": 30}
    receipt = http.delete("/v1/users/2").json()
    assert receipt["deleted"]["events"] == 2
    assert http.get("/v1/users/2").status_code == 404
    answer = http.post("/v1/recommendations", json={"user_id": "2"}).json()
    assert {item["source"] for item in answer["items"]} == {"popularity"}
    acts = http.get("/v1/admin/audit").json()
    assert (acts[0]["act"], acts[0]["subject"]) == ("users.erase", receipt["receipt"])
    # Coming back, they start anew: what the model was taught of them stays forgotten.
    http.post("/v1/events", json=clicks("2", ["101"]))
    assert service.models.live.history_of(_ask_of("2")) == [101]


def _ask_of(user: str) -> Any:
    from foretaste.serving.answers import Ask

    return Ask(recommendation_id="r", user_id=user)


def test_roles(make_service: ServiceMaker) -> None:
    service = make_service()
    keys = {role: make_key(service.store, role, role)[1] for role in ("ingest", "read", "admin")}
    service.gatekeeper.forget()
    calls = {
        "ingest": ("POST", "/v1/events", clicks("a", ["101"])),
        "read": ("POST", "/v1/recommendations", {"user_id": "a"}),
        "admin": ("GET", "/v1/admin/keys", None),
    }
    for role, key in keys.items():
        http = client_of(service, key)
        for needed, (method, path, body) in calls.items():
            allowed = role in (needed, "admin")
            status = http.request(method, path, json=body).status_code
            assert status == (200 if allowed else 403), (role, needed)
    for wrong in (None, "ft_nobody_secret", keys["admin"][:-1] + "x", "x"):
        for method, path, body in calls.values():
            assert client_of(service, wrong).request(method, path, json=body).status_code == 401


def test_keys_are_shown_once_and_can_be_revoked(http: TestClient, service: Service) -> None:
    made = http.post("/v1/admin/keys", json={"name": "shop", "role": "admin", "days": 1}).json()
    assert http.get("/v1/admin/keys").status_code == 401
    mine = client_of(service, made["key"])
    listed = mine.get("/v1/admin/keys")
    assert made["key"].rpartition("_")[2] not in listed.text
    assert [key["name"] for key in listed.json()] == ["shop"]
    assert mine.delete(f"/v1/admin/keys/{made['key_id']}").status_code == 200
    assert mine.get("/v1/admin/keys").status_code == 401


def test_a_key_of_another_tenant_is_no_key(make_service: ServiceMaker) -> None:
    ours, theirs = make_service(tenant="ours"), make_service(tenant="theirs")
    key = make_key(ours.store, "me", "admin")[1]
    make_key(theirs.store, "you", "admin")
    for service in (ours, theirs):
        service.gatekeeper.forget()
    assert client_of(ours, key).get("/v1/admin/keys").status_code == 200
    assert client_of(theirs, key).get("/v1/admin/keys").status_code == 401
    client_of(ours, key).post("/v1/events", json=clicks("2", DESK))
    assert theirs.histories.of(["2"]) == [[]]


def test_too_large_and_too_many(make_service: ServiceMaker) -> None:
    limits = {"body_bytes": 2000, "events": 3, "items": 5, "requests_a_second": 2}
    service = make_service(limits=limits)
    http = client_of(service)
    big = {"events": [{"user_id": "x" * 3000, "item_id": "1"}]}
    assert http.post("/v1/events", json=big).status_code == 413
    chunks = (b"x" * 500 for _ in range(10))
    assert http.post("/v1/events", content=chunks).status_code == 413
    assert http.post("/v1/events", json=clicks("a", DESK[:4])).status_code == 422
    assert http.post("/v1/recommendations", json={"user_id": "a", "k": 6}).status_code == 422
    key = make_key(service.store, "eager", "read")[1]
    service.gatekeeper.forget()
    eager = client_of(service, key)
    answers = [eager.post("/v1/recommendations", json={"user_id": "a"}) for _ in range(9)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert refused[0].headers["retry-after"] == "1"


def test_every_answer_has_an_id_and_safe_headers(http: TestClient) -> None:
    answer = http.get("/health/live", headers={"x-request-id": "mine-1"})
    assert answer.headers["x-request-id"] == "mine-1"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in answer.headers
    forged = http.get("/health/live", headers={"x-request-id": "a b\tc"})
    assert forged.headers["x-request-id"] != "a b\tc"


def test_health_and_metrics(http: TestClient) -> None:
    assert http.get("/health/ready").json() == {
        "status": "ok",
        "model_version": "knn",
        "problems": [],
    }
    recommended(http, user_id="2")
    text = http.get("/metrics").text
    assert 'foretaste_requests_total{route="/recommendations",status="200"} 1.0' in text
    assert 'foretaste_stage_seconds_count{stage="rank"} 1.0' in text
    assert 'foretaste_answers_total{degraded="no",source="itemknn"} 1.0' in text


def test_a_gorse_client_works_unchanged(make_service: ServiceMaker) -> None:
    service = make_service(gorse=True)
    key = make_key(service.store, "gorse", "admin")[1]
    service.gatekeeper.forget()
    http = client_of(service)
    http.headers["X-API-Key"] = key
    base = "/compat/gorse/api"
    rows = [
        {
            "FeedbackType": "click",
            "UserId": "g",
            "ItemId": item,
            "Timestamp": "2026-01-02T03:04:05Z",
            "Value": 1,
        }
        for item in DESK[:3]
    ]
    assert http.post(f"{base}/feedback", json=rows).json() == {"RowAffected": 3}
    assert http.put(f"{base}/feedback", json=rows).json() == {"RowAffected": 0}
    ids = http.get(f"{base}/recommend/g?n=5").json()
    assert len(ids) == 5
    assert parity(ids) == {0}
    session = http.post(f"{base}/session/recommend?n=3", json=rows).json()
    assert parity([row["Id"] for row in session]) == {0}
    near = http.get(f"{base}/item/102/neighbors?n=3").json()
    assert parity([row["Id"] for row in near]) == {0}
    assert len(http.get(f"{base}/popular?n=4").json()) == 4
    item = {"ItemId": "950", "Comment": "Desk rug", "IsHidden": False, "Labels": {"a": 1}}
    assert http.post(f"{base}/item", json=item).json() == {"RowAffected": 1}
    assert eventually(lambda: http.get(f"{base}/item/950").status_code == 200)
    assert http.get(f"{base}/item/950").json()["Comment"] == "Desk rug"
    http.headers["X-API-Key"] = "wrong"
    assert http.get(f"{base}/recommend/g").status_code == 401
