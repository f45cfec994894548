"""Pictures and recordings out of the bytes of files that nobody vouches for."""

from __future__ import annotations

import io
import warnings
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from foretaste.content._media import UnreadableError
from foretaste.errors import MissingExtraError

#: Those whose readers are part of Pillow itself and start no other program.
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")

#: What a WAV header says of its length when its writer did not know it.
_UNKNOWN_LENGTH: Final = 0xFFFFFFFF


def open_picture(content: bytes, most_megapixels: float) -> Image.Image:
    """A picture in RGB, upright, from the bytes of its file.

    Raises:
        UnreadableError: It is of no known format, has too many pixels, or is damaged.
    """
    try:
        with warnings.catch_warnings():
            # Its own limit is lower or higher than ours; ours is held before anything is decoded.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content), formats=_FORMATS)
        if picture.width * picture.height > most_megapixels * 1e6:
            raise UnreadableError(f"more than {most_megapixels:g} megapixels")
        picture.load()
        return ImageOps.exif_transpose(picture).convert("RGB")
    except Image.UnidentifiedImageError:
        raise UnreadableError("no picture of a known format") from None
    except Image.DecompressionBombError:
        raise UnreadableError(f"more than {most_megapixels:g} megapixels") from None
    except (OSError, ValueError, SyntaxError, EOFError, IndexError):
        raise UnreadableError("damaged or cut short") from None


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
