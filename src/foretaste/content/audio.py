"""The audio encoder: the sound of an item as a vector, from a pretrained audio model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from foretaste.content._media import MediaConfig, MediaEncoder

if TYPE_CHECKING:
    from foretaste.content._senses import AudioNetwork


class AudioEncoderConfig(MediaConfig):
    """Settings of the audio encoder.

    Attributes:
        model: The path or hub name of a Wav2Vec2, CLAP, AST or the like, with its preprocessor.
        most_seconds: So much of a recording is heard, from its start.
    """

    column: str = "audio"
    most_seconds: float = Field(default=30.0, gt=0)


class AudioEncoder(MediaEncoder):
    """Encodes the recordings that items name; one that can't be used has a zero vector.

    WAV, FLAC, Ogg and MP3 are read, through soundfile (`pip install 'foretaste[audio]'`).

    Example:
        encoder = AudioEncoder("laion/clap-htsat-unfused", folder=Path("my-shop"))
        vectors = encoder.encode(dataset.items)
    """

    what: ClassVar[str] = "recordings"
    config_class = AudioEncoderConfig
    config: AudioEncoderConfig

    def _load(self, folder: Path) -> AudioNetwork:
        from foretaste.content._senses import AudioNetwork

        return AudioNetwork(folder, self.config.most_seconds)

    def _decisive(self) -> tuple[object, ...]:
        return (self.config.most_seconds,)
