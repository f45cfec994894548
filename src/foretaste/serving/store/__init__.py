"""What a service keeps for good; SQLite or PostgreSQL.

Names are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from foretaste.errors import MissingExtraError

if TYPE_CHECKING:
    from foretaste.serving.store.sql import open_store

__all__ = ["open_store"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    try:
        from foretaste.serving.store import sql
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "sqlalchemy", "serve") from None
    return getattr(sql, name)
