"""Why answers are stale, not personal, or missing: questions a service asks itself."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from foretaste.artifacts import open_run
from foretaste.errors import ForetasteError
from foretaste.serving.drift import DRIFT, HISTORIES, ITEMS, MARK, SCORES, indices_of
from foretaste.serving.state.base import State
from foretaste.serving.store.base import ModelRecord, Store

_DAY = 86_400_000
_STALE_DAYS = 7
_UNKNOWN_SHARE = 0.5
_LOOKED_AT = 1000
_DRIFTS = {
    HISTORIES: "histories of other lengths than it learnt from",
    ITEMS: "events on items that it has learnt nothing of",
    SCORES: "scores unlike those of its first lists",
}


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is, and what to do.

    Attributes:
        about: What was looked at.
        level: "ok", "warning" or "problem".
        says: How it is, in a sentence.
        remedy: What to do; empty where all is well.
    """

    about: str
    level: Literal["ok", "warning", "problem"]
    says: str
    remedy: str = ""


def examine(store: Store, state: State) -> list[Finding]:
    """Looks at a service's store, state, live model and latest answers."""
    findings = [_reached("store", store.check), _reached("state", state.check)]
    if findings[0].level == "problem":
        return findings
    live = next((record for record in store.models() if record.status == "live"), None)
    if live is None:
        remedy = "Register one: foretaste serve RUN, or foretaste models add RUN."
        return [*findings, Finding("model", "problem", "no model is live.", remedy)]
    return [*findings, *_of_the_model(store, live), _of_the_drift(live), _of_the_answers(store)]


def _reached(part: str, check: object) -> Finding:
    try:
        check()  # type: ignore[operator]
    except ForetasteError as error:
        return Finding(part, "problem", error.message, error.hint or "Start it, or mend its URL.")
    return Finding(part, "ok", "it answers.")


def _of_the_model(store: Store, live: ModelRecord) -> list[Finding]:
    try:
        model = open_run(Path(live.path)).model
    except ForetasteError as error:
        remedy = "Put the run back, or: foretaste models rollback."
        return [Finding("model", "problem", str(error), remedy)]
    days = (time.time() * 1000 - live.created) / _DAY
    waiting = store.last_seq() - live.events_until
    said = f"'{live.version}' is live, {days:.1f} days old; {waiting:,} events came since."
    old = days > _STALE_DAYS and waiting > 0
    found = [
        Finding("model", "warning", said, "Let it learn on: foretaste refit.")
        if old
        else Finding("model", "ok", said)
    ]
    people, unknown, total = _strangers(store, live, model)
    if total:
        share = unknown / total
        said = f"{share:.0%} of the latest {total:,} events are on items that the model lacks."
        remedy = "Post these items to /v1/items, or check that ids are written alike everywhere."
        level = "problem" if share > _UNKNOWN_SHARE else "warning" if unknown else "ok"
        found.append(Finding("items", level, said, remedy if unknown else ""))
        said = f"{people:,} of the people of these events are new to the model."
        found.append(Finding("people", "ok", said))
    return found


def _strangers(store: Store, live: ModelRecord, model: object) -> tuple[int, int, int]:
    from foretaste.data import PADDING
    from foretaste.models import Recommender

    assert isinstance(model, Recommender)  # noqa: S101 - what a run's model is
    latest = max(store.last_seq() - _LOOKED_AT, 0)
    events = [event for block in store.events_after(latest) for _, event in block]
    if not events:
        return 0, 0, 0
    _, changes = store.items_after(0)
    posted = {item for item, fields in changes.items() if fields is not None}
    codes = model.item_vocabulary.encode([event.item_id for event in events])
    unknown = sum(
        code == PADDING and event.item_id not in posted
        for code, event in zip(codes, events, strict=True)
    )
    users = sorted({event.user_id for event in events})
    new = int((model.user_vocabulary.encode(users) == PADDING).sum())
    return new, int(unknown), len(events)


def _of_the_drift(live: ModelRecord) -> Finding:
    indices = indices_of(live.metrics.get(DRIFT, {}))
    if not indices:
        return Finding("drift", "ok", "too little was seen yet to tell whether anything drifts.")
    marked = {what: index for what, index in indices.items() if index > MARK}
    if not marked:
        said = f"nothing drifts: no stability index is above {max(indices.values()):.2f}."
        return Finding("drift", "ok", said)
    told = ", ".join(f"{_DRIFTS[what]} ({index:.2f})" for what, index in marked.items())
    said = f"'{live.version}' meets what it did not learn: {told}; {MARK} is the mark."
    remedy = "Let it learn on: foretaste refit. Before, see that ids are written as they were."
    return Finding("drift", "warning", said, remedy)


def _of_the_answers(store: Store) -> Finding:
    since = round(time.time() * 1000) - _DAY
    answers = [answer for block in store.answers_since(since) for answer in block]
    if not answers:
        return Finding("answers", "ok", "no list was given in the last day.")
    versions = Counter(answer.model_version for answer in answers)
    empty = sum(not answer.items for answer in answers)
    said = ", ".join(f"{count:,} by {version}" for version, count in versions.most_common())
    if empty:
        remedy = 'See what filters them: POST /v1/recommendations with "trace": true.'
        said = f"{empty:,} of {len(answers):,} lists of the last day were empty ({said})."
        return Finding("answers", "warning", said, remedy)
    return Finding("answers", "ok", f"{len(answers):,} lists in the last day: {said}.")
