from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foretaste.serving.store import log, open_store
from foretaste.serving.store.base import Event, Store
from foretaste.serving.store.database import Database
from tests.serving.store.conftest import Opened
from tests.serving.store.examples import event, log_of, model
from tests.serving.store.workers import events_of, forked, ingest, told

THREADS, BATCHES = 4, 12


@settings(
    max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.lists(st.lists(st.tuples(st.integers(0, 9), st.sampled_from("uvw")), max_size=6), max_size=6)
)
def test_whatever_is_sent_each_id_is_kept_once_as_it_came_first(
    opened: Opened, calls: list[list[tuple[int, str]]]
) -> None:
    store = opened.anew()
    expected: dict[str, Event] = {}
    last = 0
    for call in calls:
        events = [event(f"e{n}", user) for n, user in call]
        numbers = store.add_events(events)
        for one, number in zip(events, numbers, strict=True):
            assert (number is None) == (one.event_id in expected)
            expected.setdefault(one.event_id, one)
            if number is not None:
                assert number > last
                last = number
    assert [kept for _, kept in log_of(store)] == list(expected.values())
    assert store.last_seq() == last
    for user in "uvw":
        seqs = [seq for seq, kept in log_of(store) if kept.user_id == user]
        assert [place.seq for place in store.latest_of(user, 3)] == seqs[-3:]


def test_a_reader_that_follows_the_log_misses_nothing(opened: Opened) -> None:
    """Some write, all of them some of the same events; one reads on from where it was."""
    store = opened("shop")
    done = threading.Event()
    seen: list[tuple[int, Event]] = []

    def follow() -> None:
        ended = False
        while not ended:
            ended = done.is_set()  # Once more after the last was written.
            seen.extend(log_of(store, after=seen[-1][0] if seen else 0, block=7))

    def write(thread: int) -> list[int]:
        numbers: list[int | None] = []
        for n in range(BATCHES):
            numbers += store.add_events([event(f"{thread}-{n}-{i}") for i in range(3)])
            numbers += store.add_events([event(f"all-{n}")])
        return [number for number in numbers if number is not None]

    with ThreadPoolExecutor(THREADS + 1) as threads:
        following = threads.submit(follow)
        written = [threads.submit(write, thread) for thread in range(THREADS)]
        numbers = sorted(number for one in written for number in one.result())
        done.set()
        following.result()
    assert len(numbers) == THREADS * BATCHES * 3 + BATCHES
    assert [seq for seq, _ in seen] == numbers
    assert len({kept.event_id for _, kept in seen}) == len(numbers)


def test_a_later_number_is_never_seen_before_an_earlier_one(opened: Opened) -> None:
    """The one who took the first numbers is slow to commit."""
    store = opened("shop")
    database = Database(opened.dsn)
    with ThreadPoolExecutor(1) as threads:
        with database.writes() as connection:
            first = log.add(connection, opened.tenant("shop"), [event("slow")])
            quick = threads.submit(store.add_events, [event("quick")])
            time.sleep(0.3)
            assert not quick.done()
            assert log_of(store) == []
        assert quick.result()[0] > first[0]  # type: ignore[operator]
    assert [kept.event_id for _, kept in log_of(store)] == ["slow", "quick"]
    database.close()


def test_only_one_model_is_live_whoever_says_so(opened: Opened) -> None:
    stores = [opened("shop") for _ in range(4)]
    for n in range(4):
        stores[0].add_model(model(f"v{n}"))
    with ThreadPoolExecutor(4) as threads:
        for _ in threads.map(lambda n: stores[n % 4].set_live(f"v{n % 4}"), range(16)):
            pass
    statuses = sorted(record.status for record in stores[0].models())
    assert statuses == ["live", "retired", "retired", "retired"]


def test_people_put_by_many_at_once(opened: Opened) -> None:
    """In PostgreSQL those who lock rows in different orders break each other off."""
    stores = [opened("shop") for _ in range(4)]
    names = [f"u{n}" for n in range(50)]

    def put(store: Store, order: int) -> None:
        for n in range(3):
            store.put_users({name: {"n": n} for name in names[::order]})

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(put, stores, [1, -1, 1, -1]))
    assert [stores[0].user(name) for name in names] == [{"n": 2}] * 50


def test_many_processes_write_one_file(tmp_path: Path) -> None:
    path = str(tmp_path / "shop.db")
    pipes = [forked.Pipe(duplex=False) for _ in range(3)]
    for n, (_, writing) in enumerate(pipes):
        forked.Process(target=ingest, args=(path, f"p{n}", 15, writing)).start()
        writing.close()
    store = open_store(path, tenant="shop")
    seen: list[tuple[int, Event]] = []
    until = time.monotonic() + 60
    while len(seen) < 3 * 15 * 5 and time.monotonic() < until:
        seen += log_of(store, after=seen[-1][0] if seen else 0)
    batches = [batch for reading, _ in pipes for batch in told(reading)]
    assert len(batches) == 45
    assert {kept.event_id for _, kept in seen} == events_of(batches)
    assert [seq for seq, _ in seen] == [seq for seq, _ in log_of(store)]
    store.close()
