"""What a service does beside answering, while something it needs is away."""

from __future__ import annotations

from typing import Any

import pytest
import structlog

from foretaste.serving import Service, service
from foretaste.serving.answers import Ask, Given
from foretaste.serving.store.base import StoreUnavailableError
from tests.serving.conftest import ServiceMaker, eventually


def away(*_given: Any) -> Any:
    raise StoreUnavailableError("the store is away.")


def failures(made: Service, part: str) -> float:
    said = made.measures.registry.get_sample_value("foretaste_errors_total", {"part": part})
    return said or 0.0


def test_lists_to_keep_are_bounded_while_the_store_is_away(
    make_service: ServiceMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_ANSWERS_WAITING", 3)
    made = make_service()
    keep = made.store.add_answers
    monkeypatch.setattr(made.store, "add_answers", away)
    for number in range(5):
        ask = Ask(recommendation_id=f"list-{number}", user_id="2", k=1)
        made.remember(ask, Given(ask.recommendation_id, "knn", ()), None)
    assert failures(made, "answer_not_kept") >= 2
    kept: list[str] = []

    def keeping(answers: Any) -> None:
        kept.extend(answer.recommendation_id for answer in answers)
        keep(answers)

    monkeypatch.setattr(made.store, "add_answers", keeping)
    assert eventually(lambda: len(kept) == 3)


def test_what_goes_on_failing_is_logged_once(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    with structlog.testing.capture_logs() as lines:
        monkeypatch.setattr(service.models, "refresh", away)
        before = failures(service, "watch")
        assert eventually(lambda: failures(service, "watch") >= before + 2)
    assert [line["event"] for line in lines].count("background.failed") == 1
