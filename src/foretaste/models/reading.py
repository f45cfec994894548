"""Which models read content, and with what."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from foretaste.content import ContentReference, Encoder
from foretaste.models.base import Recommender


@runtime_checkable
class ReadsContent(Protocol):
    """A model that has a place for an encoder."""

    content: ContentReference


def encoder_of(model: Recommender) -> Encoder | None:
    """The encoder a model reads items with; None for a model that reads no content."""
    return model.content.encoder if isinstance(model, ReadsContent) else None
