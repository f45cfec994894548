"""HTTP in front of a service."""

from foretaste.serving.api.app import create_app

__all__ = ["create_app"]
