"""Who may call: keys with roles, hashed at rest, shown once."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from typing import Final

from foretaste.errors import ForetasteError, InputError
from foretaste.serving.state.base import State, StateUnavailableError
from foretaste.serving.store.base import Key, Role, Store, StoreUnavailableError

_PREFIX: Final = "ft"
#: For so long a key that was found good is not looked up again; so late may another process learn
#: that it was revoked.
_TRUSTED_SECONDS: Final = 5.0
_DAY: Final = 86_400_000
_ALLOWS: Final[dict[Role, frozenset[Role]]] = {
    "admin": frozenset({"admin", "read", "ingest"}),
    "read": frozenset({"read"}),
    "ingest": frozenset({"ingest"}),
}


class RefusedError(ForetasteError):
    """The caller may not do this; `status` is 401 without a good key, 403 with one."""

    def __init__(self, message: str, status: int) -> None:
        self.status = status
        super().__init__(message)


class TooManyError(ForetasteError):
    """A key has called more often than it may; again after `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__("too many requests with this key.")


def make_key(store: Store, name: str, role: Role, *, days: float | None = None) -> tuple[Key, str]:
    """Makes a key.

    Args:
        store: Keeps its hash.
        name: Who uses it.
        role: What it allows.
        days: After which it expires; None never.

    Returns:
        What is kept, and the key itself, which nobody can tell again.

    Raises:
        InputError: There is no name, or days are not above 0.
    """
    if not name.strip():
        raise InputError("a key needs a name, to know it by later.", field="name")
    if days is not None and not days > 0:
        raise InputError("a key must be good for some time.", field="days")
    now = round(time.time() * 1000)
    key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    expires = None if days is None else now + round(days * _DAY)
    key = Key(key_id, name.strip(), role, _hash(secret), now, expires)
    store.add_key(key)
    return key, f"{_PREFIX}_{key_id}_{secret}"


class Gatekeeper:
    """Says which key a caller has, and whether it allows what they want.

    Without any key in the store, the service is open: to be allowed only where nobody else can
    call.

    Args:
        store: Knows the keys.
        state: Counts calls.
        requests_a_second: Of one key; None does not count.
    """

    def __init__(self, store: Store, state: State, requests_a_second: int | None) -> None:
        self._store = store
        self._state = state
        self._limit = requests_a_second
        self._trusted: dict[str, tuple[float, Key]] = {}
        self._open: tuple[float, bool] = (0.0, False)
        self._lock = threading.Lock()

    def admit(self, given: str | None, role: Role) -> Key | None:
        """The key of a caller; None where the service is open.

        Raises:
            RefusedError: There is no good key, or it does not allow this.
            TooManyError: It was used too often.
            StoreUnavailableError: A key was never looked up, and can't be now.
        """
        if given is None and self.open:
            return None
        key = self._good(given)
        if role not in _ALLOWS[key.role]:
            raise RefusedError(f"this key has the role '{key.role}', not '{role}'.", 403)
        self._count(key)
        return key

    def is_ready(self, given: str | None) -> bool:
        """Whether `admit` can say so without asking store or state, which could make it wait."""
        now = time.monotonic()
        if given is None:
            return now < self._open[0] and self._open[1]
        key_id = given.partition("_")[2].partition("_")[0]
        until, _ = self._trusted.get(key_id, (0.0, None))
        return self._limit is None and now < until

    @property
    def open(self) -> bool:
        """Whether there is no key at all."""
        until, known = self._open
        if time.monotonic() < until:
            return known
        try:
            known = not self._store.keys()
        except StoreUnavailableError:
            if not until:
                raise
            # While the store is away, what it said last holds.
        self._open = (time.monotonic() + _TRUSTED_SECONDS, known)
        return known

    def forget(self) -> None:
        """Looks keys up anew from now on."""
        with self._lock:
            self._trusted.clear()
            self._open = (0.0, False)

    def _good(self, given: str | None) -> Key:
        refused = RefusedError("a good key is needed: 'Authorization: Bearer ft_...'.", 401)
        prefix, _, rest = (given or "").partition("_")
        key_id, _, secret = rest.partition("_")
        if prefix != _PREFIX or not key_id or not secret:
            raise refused
        now = time.monotonic()
        until, key = self._trusted.get(key_id, (0.0, None))
        if key is None or now >= until:
            try:
                key = self._store.key(key_id)
            except StoreUnavailableError:
                if key is None:
                    raise
            if key is not None:
                with self._lock:
                    self._trusted[key_id] = (now + _TRUSTED_SECONDS, key)
        if key is None or not hmac.compare_digest(key.secret_hash, _hash(secret)):
            raise refused
        if key.revoked or (key.expires is not None and time.time() * 1000 >= key.expires):
            raise RefusedError("this key has expired or was revoked.", 401)
        return key

    def _count(self, key: Key) -> None:
        if self._limit is None:
            return
        try:
            calls = self._state.count(f"calls:{key.key_id}", 1.0)
        except StateUnavailableError:
            return  # Better some calls too many than none.
        if calls > self._limit:
            raise TooManyError(1.0)


def _hash(secret: str) -> str:
    # Random and long, so that no slow hash is needed against guessing.
    return hashlib.sha256(secret.encode()).hexdigest()
