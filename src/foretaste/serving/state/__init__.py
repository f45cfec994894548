"""What a service holds for a while; in its own memory or in Redis."""

from __future__ import annotations

from foretaste.serving.state.opening import open_state

__all__ = ["open_state"]
