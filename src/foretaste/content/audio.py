"""The audio encoder: the sound of an item as a vector, from a pretrained audio model."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from foretaste.content._media import MediaConfig, MediaEncoder, UnreadableError
from foretaste.errors import MissingExtraError

if TYPE_CHECKING:
    from foretaste.content._senses import AudioNetwork

#: What a WAV header says of its length when its writer did not know it.
_UNKNOWN_LENGTH: Final = 0xFFFFFFFF


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
    config: AudioEncoderConfig

    def __init__(self, model: str, **settings: Any) -> None:
        """Takes the other settings of `AudioEncoderConfig` by keyword.

        Raises:
            ConfigError: A setting is unknown or does not fit.
        """
        super().__init__(AudioEncoderConfig.parse({"model": model, **settings}))

    def _load(self, folder: Path) -> AudioNetwork:
        from foretaste.content._senses import AudioNetwork

        return AudioNetwork(folder, self.config.most_seconds)

    def _decisive(self) -> tuple[object, ...]:
        return (self.config.most_seconds,)


def open_recording(content: bytes, rate: int, most_seconds: float) -> NDArray[np.float32]:
    """One channel of sound from the bytes of a file, float32[samples] at `rate` a second.

    Only the part that is wanted is decoded.

    Raises:
        UnreadableError: It is of no known format, holds no sound, or is damaged.
        MissingExtraError: The package soundfile is not installed.
    """
    from scipy.signal import resample_poly

    try:
        import soundfile
    except ImportError:
        raise MissingExtraError("soundfile", "audio") from None
    if _is_cut_short(content):
        raise UnreadableError("damaged or cut short")
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            own = file.samplerate
            sound = file.read(int(most_seconds * own), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError:
        raise UnreadableError("no recording of a known format, or damaged") from None
    if not len(sound):
        raise UnreadableError("without any sound")
    if not np.isfinite(sound).all():
        raise UnreadableError("damaged or cut short")
    ratio = Fraction(rate, own)
    heard = resample_poly(sound.mean(axis=1), ratio.numerator, ratio.denominator)
    return np.asarray(heard, np.float32)


def _is_cut_short(content: bytes) -> bool:
    """Whether a WAV file is shorter than its header says: its reader would not mind."""
    said = int.from_bytes(content[4:8], "little")
    return content[:4] == b"RIFF" and said != _UNKNOWN_LENGTH and said + 8 > len(content)
