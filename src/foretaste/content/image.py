"""The image encoder: the picture of an item as a vector, from a pretrained vision model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from foretaste.content._media import MediaConfig, MediaEncoder

if TYPE_CHECKING:
    from foretaste.content._senses import ImageNetwork


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
    config_class = ImageEncoderConfig
    config: ImageEncoderConfig

    def _load(self, folder: Path) -> ImageNetwork:
        from foretaste.content._senses import ImageNetwork

        return ImageNetwork(folder, self.config.most_megapixels)

    def _decisive(self) -> tuple[object, ...]:
        return ()
