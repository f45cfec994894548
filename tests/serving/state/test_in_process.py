from __future__ import annotations

from foretaste.serving.state.in_process import InProcessState
from foretaste.serving.state.limits import FORGETTING_SECONDS
from tests.serving.state.contract import some


def test_whoever_was_not_asked_for_longest_goes_first() -> None:
    state = InProcessState(people=2)
    state.hold("a", some(1))
    state.hold("b", some(2))
    state.histories(["a"])
    state.hold("c", some(3))
    assert state.histories(["a", "b", "c"]) == [some(1), None, some(3)]


def test_what_is_appended_for_many_takes_no_more_room() -> None:
    state = InProcessState(people=2)
    state.hold("a", some(1))
    state.append({f"u{n}": some(n) for n in range(5)})
    state.hold("u0", [])
    assert state.histories(["a", "u0"]) == [None, []]


def test_what_a_caller_does_to_a_history_stays_with_the_caller() -> None:
    state = InProcessState()
    state.hold("a", some(1))
    held = state.histories(["a"])[0]
    assert held is not None
    held.clear()
    assert state.histories(["a"]) == [some(1)]


def test_the_forgotten_are_held_again_after_a_while() -> None:
    now = 0.0
    state = InProcessState(clock=lambda: now)
    state.forget("a")
    now = FORGETTING_SECONDS - 0.1
    state.hold("a", some(1))
    assert state.histories(["a"]) == [None]
    now = FORGETTING_SECONDS + 0.1
    state.hold("a", some(2))
    assert state.histories(["a"]) == [some(2)]


def test_counts_take_no_more_room_than_they_may() -> None:
    state = InProcessState(values=2)
    assert [state.count(key, 60) for key in ("a", "a", "b", "c", "a")] == [1, 2, 1, 1, 1]
