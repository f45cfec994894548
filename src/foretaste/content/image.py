"""The image encoder: the picture of an item as a vector, from a pretrained vision model."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from PIL import Image, ImageOps
from pydantic import Field

from foretaste.content._media import MediaConfig, MediaEncoder, UnreadableError

if TYPE_CHECKING:
    from foretaste.content._senses import ImageNetwork

#: Those whose readers are part of Pillow itself and start no other program.
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")


class ImageEncoderConfig(MediaConfig):
    """Settings of the image encoder.

    Attributes:
        model: The path or hub name of a ViT, CLIP, ResNet or the like, with its preprocessor.
        most_megapixels: Larger pictures are not decoded.
    """

    column: str = "image"
    most_megapixels: float = Field(default=50.0, gt=0)


class ImageEncoder(MediaEncoder):
    """Encodes the pictures that items name; one that can't be used has a zero vector.

    Example:
        encoder = ImageEncoder("google/vit-base-patch16-224", folder=Path("my-shop"))
        vectors = encoder.encode(dataset.items)
    """

    what: ClassVar[str] = "pictures"
    config: ImageEncoderConfig

    def __init__(self, model: str, **settings: Any) -> None:
        """Takes the other settings of `ImageEncoderConfig` by keyword.

        Raises:
            ConfigError: A setting is unknown or does not fit.
        """
        super().__init__(ImageEncoderConfig.parse({"model": model, **settings}))

    def _load(self, folder: Path) -> ImageNetwork:
        from foretaste.content._senses import ImageNetwork

        return ImageNetwork(folder, self.config.most_megapixels)

    def _decisive(self) -> tuple[object, ...]:
        return ()


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
