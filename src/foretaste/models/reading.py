"""Models that read content, and with what."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from foretaste.config import Config
from foretaste.content import ContentReference, Encoder
from foretaste.models.base import Recommender


@runtime_checkable
class ReadsContent(Protocol):
    """A model that has a place for an encoder."""

    content: ContentReference


def encoder_of(model: Recommender) -> Encoder | None:
    """The encoder a model reads items with; None for a model that reads no content."""
    return model.content.encoder if isinstance(model, ReadsContent) else None


class ContentRecommender(Recommender):
    """A recommender with a place for an encoder of items, which its configuration names.

    Args:
        config: Settings, or give them by keyword; `config.content` describes the encoder.
        content: An encoder in place of that one.
        **settings: Fields of the configuration.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        content: Encoder | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(config, **settings)
        described: Any = self.config
        self.content = ContentReference(described.content, content)
        self.config = described.model_copy(update={"content": self.content.settings})

    def _contents(self) -> list[ContentReference]:
        return [self.content]
