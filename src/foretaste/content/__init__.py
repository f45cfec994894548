"""What items say of themselves, as vectors."""

from foretaste.content._weights import find_model
from foretaste.content.base import Encoder
from foretaste.content.item_text import item_texts
from foretaste.content.reference import ContentReference
from foretaste.content.text import TextEncoder, TextEncoderConfig, momentary

__all__ = [
    "ContentReference",
    "Encoder",
    "TextEncoder",
    "TextEncoderConfig",
    "find_model",
    "item_texts",
    "momentary",
]
