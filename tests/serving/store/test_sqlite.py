from __future__ import annotations

import resource
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from foretaste.errors import ConfigError
from foretaste.serving.store import open_store, sqlite
from foretaste.serving.store.base import Event, StoreUnavailableError
from tests.serving.store.examples import answer, event, log_of
from tests.serving.store.workers import BATCH, events_of, forked, ingest, told


def test_commits_are_made_to_last(tmp_path: Path) -> None:
    engine = sqlite.sqlite_engine(sqlite.URL.create("sqlite", database=str(tmp_path / "shop.db")))
    with engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    engine.dispose()
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": sqlite.SECONDS * 1000,
    }


def test_the_erased_are_in_no_file(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "shop.db"))
    name = "Ada-of-Ockham"
    store.add_events([event(f"e{n}", name) for n in range(50)])
    store.put_users({name: {"age": 30}})
    store.add_answers([answer("r", name)])
    assert name in _bytes_of(tmp_path)
    store.erase_user(name)
    assert name not in _bytes_of(tmp_path)
    store.close()


@pytest.mark.parametrize(
    "dsn", ["sqlite://", "sqlite:///:memory:", "mysql://shop:secret@there/x", "x://secret@[:"]
)
def test_other_databases_are_refused(dsn: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_store(dsn)
    assert caught.value.field == "dsn"
    assert "secret" not in str(caught.value)


def test_a_url_is_as_good_as_a_path(tmp_path: Path) -> None:
    by_url = open_store(f"sqlite:///{tmp_path}/shop.db")
    by_url.add_events([event("a")])
    by_path = open_store(str(tmp_path / "shop.db"))
    assert by_path.last_seq() == 1
    by_url.close()
    by_path.close()


def test_what_can_not_be_opened_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="folder exists"):
        open_store(str(tmp_path / "nowhere" / "shop.db"))
    (tmp_path / "letter").write_text("Dear Sir or Madam, " * 100)
    with pytest.raises(StoreUnavailableError, match="no SQLite database"):
        open_store(str(tmp_path / "letter"))
    assert (tmp_path / "letter").read_text().startswith("Dear Sir")


def test_a_file_that_others_hold_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "SECONDS", 0.2)
    path = str(tmp_path / "shop.db")
    store = open_store(path)
    store.add_events([event("a", "Ada")])
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailableError, match="by others") as caught:
            store.add_events([event("b", "Bob")])
        assert "Bob" not in str(caught.value)
        assert len(log_of(store)) == 1  # Who only reads does not wait.
    assert store.add_events([event("b", "Bob")]) == [2]
    store.close()


def test_acknowledged_events_outlive_a_process_that_is_killed(tmp_path: Path) -> None:
    """Fifty times over one file, at moments from before it is opened to well into the writing."""
    path = str(tmp_path / "shop.db")
    random = Random(7)
    acknowledged: list[str] = []
    for life in range(50):
        reading, writing = forked.Pipe(duplex=False)
        process = forked.Process(target=ingest, args=(path, f"life{life}", 10_000, writing))
        process.start()
        writing.close()
        # From the second on one waits for the first batch, so that most die while they write.
        if life and reading.poll(30):
            time.sleep(random.uniform(0, 0.05))
        else:
            time.sleep(random.uniform(0, 0.2))
        process.kill()
        acknowledged += told(reading)
        process.join()
    assert len(acknowledged) > 50
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    store = open_store(path, tenant="shop")
    kept = [one.event_id for _, one in log_of(store)]
    assert len(kept) == len(set(kept))
    assert events_of(acknowledged) <= set(kept)
    # What was not acknowledged is there as a whole or not at all.
    assert len(kept) % BATCH == 0
    assert set(kept) == events_of(sorted({name.rpartition("-")[0] for name in kept}))
    store.close()


class SmallDisk(NamedTuple):
    path: str
    make_room: Callable[[], None]


@pytest.fixture(params=["a small file system", "a limit of file size"])
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SmallDisk]:
    """Where a store's file has room for a little more than its tables, until room is made."""
    if request.param == "a limit of file size":
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, before[1]))
        restore = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before)  # noqa: E731
        yield SmallDisk(str(tmp_path / "shop.db"), restore)
        restore()
        return
    mounting = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(tmp_path)]
    if shutil.which("mount") is None or subprocess.run(mounting, check=False).returncode:
        pytest.skip("this system does not let a file system be mounted")
    ballast = tmp_path / "ballast"
    ballast.write_bytes(b"\0" * 1_000_000)
    yield SmallDisk(str(tmp_path / "shop.db"), ballast.unlink)
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_full_disk_is_told_of_and_damages_nothing(small_disk: SmallDisk) -> None:
    store = open_store(small_disk.path)
    acknowledged: list[str] = []
    refused: list[str] = []
    for n in range(200):
        events = [Event(f"{n}-{i}", "Ada", "x" * 400, 1) for i in range(10)]
        try:
            store.add_events(events)
            acknowledged += [one.event_id for one in events]
        except StoreUnavailableError as error:
            refused.append(str(error))
        if len(refused) == 5:
            break
    assert len(refused) == 5
    assert all("disk" in said and "Ada" not in said and "xxx" not in said for said in refused)
    assert len(acknowledged) > 10
    assert [kept.event_id for _, kept in log_of(store)] == acknowledged
    small_disk.make_room()
    store.add_events([event("after")])
    assert [kept.event_id for _, kept in log_of(store)] == [*acknowledged, "after"]
    store.close()
    with closing(sqlite3.connect(small_disk.path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    again = open_store(small_disk.path)
    assert len(log_of(again)) == len(acknowledged) + 1
    again.close()


def _bytes_of(folder: Path) -> str:
    return "".join(path.read_bytes().decode("latin-1") for path in sorted(folder.iterdir()))
