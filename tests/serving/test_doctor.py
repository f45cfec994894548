from __future__ import annotations

import time
from pathlib import Path

import pytest

from foretaste.errors import ForetasteError
from foretaste.serving import Service
from foretaste.serving.doctor import Finding, examine
from foretaste.serving.store.base import Answer, Event


def levels(service: Service) -> dict[str, Finding]:
    return {finding.about: finding for finding in examine(service.store, service.state)}


def test_all_is_well(service: Service) -> None:
    service.store.add_events([Event("a", "2", "101", 1)])
    found = levels(service)
    assert {finding.level for finding in found.values()} == {"ok"}
    assert "'knn' is live" in found["model"].says
    assert "1 events came since" in found["model"].says


def test_items_that_the_model_lacks_are_told_until_they_are_posted(service: Service) -> None:
    service.store.add_events([Event(f"e{n}", "2", "900", n) for n in range(3)])
    service.store.add_events([Event("f", "2", "101", 9)])
    assert levels(service)["items"].level == "problem"
    assert "75% of the latest 4 events" in levels(service)["items"].says
    service.store.put_items({"900": {"title": "Desk fan"}})
    assert levels(service)["items"].level == "ok"


def test_an_old_model_is_told_to_learn_on(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.store.add_events([Event("a", "2", "101", 1)])
    later = time.time() + 8 * 86_400
    monkeypatch.setattr(time, "time", lambda: later)
    found = levels(service)["model"]
    assert (found.level, "foretaste refit" in found.remedy) == ("warning", True)


def test_a_run_that_is_gone(service: Service, tmp_path: Path) -> None:
    record = service.store.models()[0]
    service.store.add_model(
        type(record)("lost", str(tmp_path / "lost"), None, "candidate", 0, {}, 1)
    )
    service.store.set_live("lost")
    found = levels(service)["model"]
    assert found.level == "problem"
    assert "rollback" in found.remedy


def test_empty_lists_are_told(service: Service) -> None:
    now = round(time.time() * 1000)
    service.store.add_answers([Answer("r", "2", "knn", None, (), (), now)])
    assert "1 of 1 lists of the last day were empty" in levels(service)["answers"].says


def test_nothing_is_live_and_nothing_answers(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.store.set_model_status("knn", "retired")
    assert levels(service)["model"].says == "no model is live."

    def gone() -> None:
        raise ForetasteError("it is gone.")

    monkeypatch.setattr(service.store, "check", gone)
    [finding] = [f for f in examine(service.store, service.state) if f.about == "store"]
    assert (finding.level, finding.says) == ("problem", "it is gone.")
