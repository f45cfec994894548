"""Recommendations in real time, over HTTP: `foretaste serve`.

The HTTP interface needs the extra `serve`; names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foretaste.serving.client import AsyncClient, Client, ServiceError
    from foretaste.serving.config import ServingConfig, load_serving_config
    from foretaste.serving.running import serve
    from foretaste.serving.service import Service

__all__ = [
    "AsyncClient",
    "Client",
    "Service",
    "ServiceError",
    "ServingConfig",
    "load_serving_config",
    "serve",
]

_HOME_OF = {
    "AsyncClient": "client",
    "Client": "client",
    "Service": "service",
    "ServiceError": "client",
    "ServingConfig": "config",
    "load_serving_config": "config",
    "serve": "running",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    try:
        return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("foretaste"):
            raise
        from foretaste.errors import MissingExtraError

        raise MissingExtraError(error.name, "serve") from None


def __dir__() -> list[str]:
    return sorted(__all__)
