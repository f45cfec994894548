from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest

from foretaste.errors import InputError
from foretaste.serving import access
from foretaste.serving.access import Gatekeeper, RefusedError, TooManyError, make_key
from foretaste.serving.state import open_state
from foretaste.serving.store import open_store
from foretaste.serving.store.base import Store, StoreUnavailableError


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store.db"))


def keeper(store: Store, limit: int | None = None) -> Gatekeeper:
    return Gatekeeper(store, open_state(None, tenant="default"), limit)


def test_open_until_there_is_a_key(store: Store) -> None:
    assert keeper(store).admit(None, "admin") is None
    make_key(store, "me", "read")
    with pytest.raises(RefusedError) as refused:
        keeper(store).admit(None, "read")
    assert refused.value.status == 401


def test_nothing_of_the_secret_is_kept(store: Store, tmp_path: Path) -> None:
    _, secret = make_key(store, "me", "read")
    store.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert secret.rpartition("_")[2].encode() not in kept
    assert secret.encode() not in kept


def test_an_expired_key_is_refused(store: Store) -> None:
    key, secret = make_key(store, "me", "read", days=0.2 / 86_400)
    assert keeper(store).admit(secret, "read") == key
    time.sleep(0.25)
    with pytest.raises(RefusedError, match="expired"):
        keeper(store).admit(secret, "read")


def test_another_secret_for_a_good_id_is_refused_also_when_the_key_is_trusted(store: Store) -> None:
    key, secret = make_key(store, "me", "read")
    gate = keeper(store)
    gate.admit(secret, "read")
    for wrong in (f"ft_{key.key_id}_x", f"ft_{key.key_id}_", secret + "x", f"xx{secret[2:]}"):
        with pytest.raises(RefusedError):
            gate.admit(wrong, "read")


def test_calls_are_counted_by_key(store: Store) -> None:
    (_, mine), (_, yours) = (make_key(store, name, "read") for name in ("me", "you"))
    gate = keeper(store, limit=3)
    admitted = 0
    with suppress(TooManyError):
        for _ in range(7):  # More than three in one of two seconds at least.
            gate.admit(mine, "read")
            admitted += 1
    assert 3 <= admitted <= 6
    gate.admit(yours, "read")


def test_who_was_let_in_stays_in_while_the_store_is_away(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "_TRUSTED_SECONDS", 0.0)
    opened = keeper(store)
    assert opened.admit(None, "read") is None
    key, secret = make_key(store, "me", "read")
    known = keeper(store)
    known.admit(secret, "read")
    stranger = keeper(store)

    def gone(*arguments: object) -> None:
        raise StoreUnavailableError("it is gone.")

    monkeypatch.setattr(store, "key", gone)
    monkeypatch.setattr(store, "keys", gone)
    assert opened.admit(None, "read") is None
    assert known.admit(secret, "read") == key
    for given in (None, secret):
        with pytest.raises(StoreUnavailableError):
            stranger.admit(given, "read")


@pytest.mark.parametrize(("name", "days"), [("", None), (" ", 1), ("me", 0), ("me", -1)])
def test_a_key_needs_a_name_and_some_time(store: Store, name: str, days: float | None) -> None:
    with pytest.raises(InputError):
        make_key(store, name, "read", days=days)
