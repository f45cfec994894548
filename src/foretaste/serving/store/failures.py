"""What a database's errors mean to whoever runs the service, without secrets or anybody's data."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy import exc

from foretaste.errors import ForetasteError, InputError
from foretaste.serving.store.base import StoreUnavailableError

# By SQLSTATE, or the beginning of one, and by SQLite's names of errors: what is the matter, and
# what to do. The longest beginning that fits counts.
_MEANINGS: dict[str, tuple[str, str]] = {
    "08": ("can't be reached", "See that it runs and that all of the DSN is right."),
    "25006": ("takes no writes", "Point the service at the primary, not at a replica."),
    "28": ("refuses the user or the password", "Mend them in the DSN."),
    "3D000": ("does not exist", "Make it with CREATE DATABASE, or mend its name in the DSN."),
    "42501": ("does not allow this user to do that", "Grant the user rights on the tables."),
    "42P01": ("lacks a table", "Restart the service, which makes its tables, or restore them."),
    "40": ("was too busy with others", "Try again."),
    "53": ("is out of room, memory or connections", "Make room, or allow more connections."),
    "53100": ("has a full disk", "Make room where the database lives."),
    "55P03": ("was too busy with others", "Try again."),
    "57": ("is shutting down or starting", "Try again when it is up."),
    "57014": ("took too long", "Try again; see what else keeps the database busy."),
    "SQLITE_BUSY": ("is being written by others for too long", "Try again."),
    "SQLITE_CANTOPEN": ("can't be opened", "See that the folder exists and may be written."),
    "SQLITE_CORRUPT": ("is damaged", "Put the last backup in its place."),
    "SQLITE_FULL": ("has a full disk", "Make room where the file is."),
    "SQLITE_IOERR": ("can't be read or written", "See that its disk has room and is sound."),
    "SQLITE_LOCKED": ("is being written by others for too long", "Try again."),
    "SQLITE_NOTADB": ("is no SQLite database", "Mend the path, or move the file out of the way."),
    "SQLITE_READONLY": ("takes no writes", "Give the service the right to write file and folder."),
}


@contextmanager
def told(where: str) -> Generator[None]:
    """Turns the database's errors into this package's.

    Args:
        where: The database, as people may see it.

    Raises:
        StoreUnavailableError: It can't be reached or written.
        InputError: A value is of a kind that it can't hold.
    """
    try:
        yield
    except (exc.StatementError, exc.TimeoutError, UnicodeEncodeError, OverflowError) as error:
        # Nothing of the error itself is repeated: it may hold the DSN or somebody's row.
        raise _explained(error, where) from None


def _explained(error: Exception, where: str) -> ForetasteError:
    if isinstance(error, exc.TimeoutError):
        return _unavailable(where, "is busy with too many calls at once", "Try again.")
    if isinstance(error, exc.StatementError) and isinstance(error.orig, ForetasteError):
        return error.orig  # What one of our own types said of a value.
    if isinstance(error, exc.DataError) or not isinstance(error, exc.DBAPIError):
        return InputError(
            "something in this call is no text or too large a number.",
            hint="Send text in UTF-8, and numbers of 64 bits.",
        )
    code = _code(error)
    for length in range(len(code), 1, -1):
        if code[:length] in _MEANINGS:
            return _unavailable(where, *_MEANINGS[code[:length]])
    if not code or error.connection_invalidated:
        return _unavailable(where, *_MEANINGS["08"])
    return _unavailable(where, f"failed with {code}", "Look the code up in the database's manual.")


def _code(error: exc.DBAPIError) -> str:
    for name in ("sqlstate", "sqlite_errorname"):
        code = getattr(error.orig, name, None)
        if code:
            return str(code)
    return ""


def _unavailable(where: str, matter: str, hint: str) -> StoreUnavailableError:
    return StoreUnavailableError(f"the database {where} {matter}.", hint=hint)
