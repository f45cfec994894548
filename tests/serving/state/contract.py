"""What every live state does; `test_contract` runs it on each kind."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foretaste.serving.state.base import State
from foretaste.serving.state.limits import PLACES
from foretaste.serving.store.base import Place

Opened = Callable[[str], State]


def place(seq: int) -> Place:
    return Place(seq, f"i{seq}", 1_700_000_000_000 + seq, "click" if seq % 2 else None)


def some(*seqs: int) -> list[Place]:
    return [place(seq) for seq in seqs]


class HistoriesContract:
    def test_what_is_held_comes_back(self, state: State) -> None:
        odd = Place(2**53 - 1, "日本 🧺 \"'\\", -5, "rating")
        state.hold("ü \ud800", [place(1), odd])
        assert state.histories(["ü \ud800", "nobody"]) == [[place(1), odd], None]
        assert state.histories([]) == []

    def test_nothing_held_is_not_the_same_as_not_held(self, state: State) -> None:
        state.hold("u", [])
        assert state.histories(["u", "v"]) == [[], None]
        state.append({"u": some(1)})
        assert state.histories(["u"]) == [some(1)]

    def test_events_are_appended_once_and_in_order(self, state: State) -> None:
        state.hold("u", some(1, 3))
        state.hold("v", some(2))
        state.append({"u": some(5, 4), "v": some(6), "w": some(7)})
        state.append({"u": some(4, 3)})
        assert state.histories(["u", "v", "w"]) == [some(1, 3, 4, 5), some(2, 6), None]

    def test_events_that_came_during_the_reading_stay(self, state: State) -> None:
        """Somebody reads the store, an event comes, and only then is the history held."""
        read = some(1, 2)
        state.append({"u": some(3)})
        assert state.histories(["u"]) == [None]
        state.hold("u", read)
        assert state.histories(["u"]) == [some(1, 2, 3)]
        state.hold("u", read)
        assert state.histories(["u"]) == [some(1, 2, 3)]

    def test_the_latest_are_held(self, state: State) -> None:
        state.hold("u", some(*range(PLACES + 50)))
        assert state.histories(["u"]) == [some(*range(50, PLACES + 50))]
        state.append({"u": some(*range(PLACES + 50, PLACES + 1_300))})
        assert state.histories(["u"]) == [some(*range(1_300, PLACES + 1_300)[-PLACES:])]

    def test_the_forgotten_are_not_brought_back(self, state: State) -> None:
        state.hold("u", some(1))
        state.hold("v", some(2))
        state.forget("u")
        state.hold("u", some(1))  # By somebody who read it before.
        assert state.histories(["u", "v"]) == [None, some(2)]
        state.append({"w": some(3)})
        state.forget("w")
        state.forget("nobody")
        assert state.histories(["w"]) == [None]

    def test_many_at_once(self, state: State) -> None:
        state.hold("u", [])
        together(lambda n: state.append({"u": some(*range(n, 200, 4))}) or [], range(4))
        assert state.histories(["u"]) == [some(*range(200))]

    # What the state does with any order of calls, a small model says beforehand.
    @settings(
        max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
    )
    @given(
        st.lists(
            st.tuples(st.sampled_from(["hold", "append"]), st.lists(st.integers(1, 30))),
            max_size=8,
        )
    )
    def test_a_history_is_all_that_came_once_it_is_held(
        self, state: State, calls: list[tuple[str, list[int]]]
    ) -> None:
        user, seqs, held = str(uuid.uuid4()), set[int](), False
        for call, numbers in calls:
            if call == "hold":
                state.hold(user, some(*sorted(set(numbers))))
                held = True
            else:
                state.append({user: some(*numbers)})
            seqs |= set(numbers)
            assert state.histories([user]) == [some(*sorted(seqs)) if held else None]


class ValuesContract:
    def test_values_come_back_for_a_while(self, state: State) -> None:
        state.put("a", b"\0\xff", 60)
        state.put("b", b"", 60)
        state.put("short", b"x", 0.05)
        assert state.get("a") == b"\0\xff"
        assert state.get("b") == b""
        assert state.get("c") is None
        state.put("a", b"new", 60)
        assert state.get("a") == b"new"
        time.sleep(0.1)
        assert state.get("short") is None

    def test_counts_are_of_a_window(self, state: State) -> None:
        assert [state.count("a", 60) for _ in range(3)] == [1, 2, 3]
        assert state.count("b", 0.05) == 1
        time.sleep(0.1)
        assert state.count("b", 60) == 1

    def test_no_call_is_counted_twice(self, state: State) -> None:
        counts = together(lambda _: [state.count("a", 60) for _ in range(25)], range(4))
        assert sorted(counts) == list(range(1, 101))


class TenantsContract:
    def test_tenants_never_see_each_other(self, opened: Opened) -> None:
        one, two = opened("one"), opened("one:history")
        for state, seq in ((one, 1), (two, 2)):
            state.hold("u", some(seq))
            state.put("k", str(seq).encode(), 60)
            assert state.count("k", 60) == 1
        two.append({"u": some(3)})
        two.forget("u")
        assert one.histories(["u"]) == [some(1)]
        assert one.get("k") == b"1"
        one.check()


def together(work: Callable[[int], list[int]], arguments: Iterable[int]) -> list[int]:
    """Works on all arguments at once; the results put together."""
    results: list[int] = []
    threads = [threading.Thread(target=lambda n=n: results.extend(work(n))) for n in arguments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
