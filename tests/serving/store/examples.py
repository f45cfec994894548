"""Small rows for tests."""

from __future__ import annotations

from foretaste.serving.store.base import Answer, Event, Key, ModelRecord, Store


def event(event_id: str, user_id: str = "u", item_id: str = "i") -> Event:
    return Event(event_id, user_id, item_id, timestamp=1_700_000_000_000)


def answer(recommendation_id: str, user_id: str | None = "u", at: int = 1) -> Answer:
    return Answer(recommendation_id, user_id, "v1", "greens:b", ("i", "j"), (0.75, 0.1), at)


def model(version: str, **other: object) -> ModelRecord:
    told = {"path": f"runs/{version}", "parent": None, "status": "candidate", "events_until": 7}
    return ModelRecord(version, **(told | {"metrics": {"ndcg": 0.1}, "created": 5} | other))  # type: ignore[arg-type]


def key(key_id: str) -> Key:
    return Key(key_id, "the till", "ingest", "ab" * 32, created=5)


def log_of(store: Store, after: int = 0, block: int = 1_000) -> list[tuple[int, Event]]:
    return [pair for block in store.events_after(after, block=block) for pair in block]
