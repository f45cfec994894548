"""What items say of themselves, as vectors."""

from foretaste.content.audio import AudioEncoder, AudioEncoderConfig
from foretaste.content.base import Encoder
from foretaste.content.image import ImageEncoder, ImageEncoderConfig
from foretaste.content.item_text import item_texts
from foretaste.content.reference import ContentReference
from foretaste.content.steps import SteppedEncoder, Steps
from foretaste.content.text import TextEncoder, TextEncoderConfig, momentary
from foretaste.content.trainable import trainable_transformer

__all__ = [
    "AudioEncoder",
    "AudioEncoderConfig",
    "ContentReference",
    "Encoder",
    "ImageEncoder",
    "ImageEncoderConfig",
    "SteppedEncoder",
    "Steps",
    "TextEncoder",
    "TextEncoderConfig",
    "item_texts",
    "momentary",
    "trainable_transformer",
]
