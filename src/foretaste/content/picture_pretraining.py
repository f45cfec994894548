"""A small vision model learnt from the pictures themselves, without labels or other weights."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import structlog
import torch
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import affine_grid, cross_entropy, grid_sample, normalize

from foretaste.config import Config
from foretaste.content._media import UnreadableError
from foretaste.content._pretrained import quiet
from foretaste.content._recorded import open_picture
from foretaste.errors import DataError, InputError
from foretaste.training import TrainingConfig, TrainingHistory, seeded, train_network

_log = structlog.get_logger(__name__)

#: Fewer pictures teach nothing that is worth keeping.
_LEAST: Final = 32
#: Pictures that are held out to say when to stop.
_HELD_OUT: Final = 0.1
#: How pixels from 0 to 1 are scaled, here and by the preprocessor that is written: to -1 to 1.
_MEAN = _DEVIATION = (0.5, 0.5, 0.5)


class PicturePretrainingConfig(Config):
    """Settings of `pretrain_pictures`.

    Attributes:
        side: Pictures are read in so many pixels square.
        widths: Channels of the stages of the residual network; each halves the side.
        projected: Length of the vectors that the loss compares, which are not kept.
        temperature: Of the softmax over cosines.
        least_crop: A view shows at least this share of each side.
        most_megapixels: Larger pictures are left out.
        seed: Of everything random.
        training: Of the network; `batch_tokens` are pictures.
    """

    side: int = Field(default=64, ge=16)
    widths: tuple[int, ...] = Field(default=(32, 64, 128, 256), min_length=1)
    projected: int = Field(default=64, ge=2)
    temperature: float = Field(default=0.2, gt=0)
    least_crop: float = Field(default=0.5, gt=0, le=1)
    most_megapixels: float = Field(default=50.0, gt=0)
    seed: int = 0
    training: TrainingConfig = TrainingConfig(
        epochs=40, patience=5, batch_tokens=128, learning_rate=1e-3, warmup_steps=50, average=0.99
    )


def pretrain_pictures(
    files: Sequence[Path], target: Path, config: PicturePretrainingConfig | None = None
) -> TrainingHistory:
    """Trains a small residual network on pictures and writes it as `ImageEncoder` reads it.

    Two views of a picture, cropped, mirrored and recoloured at random, should have vectors that
    are closer to each other than to those of the other pictures in the batch (SimCLR, Chen et
    al., 2020).

    Args:
        files: Pictures; those that can't be used are left out and counted in the log.
        target: The folder to be written.
        config: Settings.

    Returns:
        The learning curve; its metric is the loss on pictures held out, with its sign changed.

    Raises:
        InputError: The folder is there already.
        DataError: Fewer than 32 of the pictures can be used.
    """
    config = config or PicturePretrainingConfig()
    if target.exists():
        raise InputError("the folder exists already.", file=target, hint="Name a new one.")
    pixels = _read(files, config)
    with seeded(config.seed):
        order = torch.randperm(len(pixels))
        network = _Projected(_residual_network(config), config)
    held_out = max(16, round(_HELD_OUT * len(pixels)))
    tested, taught = pixels[order[:held_out]], pixels[order[held_out:]]

    def batches(epoch: int) -> Iterator[Tensor]:
        shuffled = np.random.default_rng((config.seed, epoch)).permutation(len(taught))
        for start in range(0, len(taught), config.training.batch_tokens):
            rows = torch.from_numpy(shuffled[start : start + config.training.batch_tokens])
            # A picture alone in a batch has nothing to be told apart from.
            if len(rows) > 1:
                yield taught[rows]

    history = train_network(
        network,
        batches=batches,
        loss=lambda batch: contrastive_loss(
            network(views(batch, config.least_crop)),
            network(views(batch, config.least_crop)),
            config.temperature,
        ),
        validate=lambda: -_held_out_loss(network, tested, config),
        config=config.training,
        seed=config.seed,
    )
    _write(network.backbone, config, target)
    return history


def views(pixels: Tensor, least_crop: float) -> Tensor:
    """Another view of each picture, float[n, 3, side, side] in -1 to 1, by torch's randomness.

    A crop of any place and shape, mirrored half of the time; contrast, brightness and colour
    changed; grey one time in five.
    """
    count = len(pixels)
    scale = torch.empty(count, 2).uniform_(least_crop, 1)
    shift = (1 - scale) * torch.empty(count, 2).uniform_(-1, 1)
    mirror = torch.where(torch.rand(count) < 0.5, -1.0, 1.0)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1], theta[:, :, 2] = scale[:, 0] * mirror, scale[:, 1], shift
    grid = affine_grid(theta, list(pixels.shape), align_corners=False)
    seen = grid_sample(pixels, grid, padding_mode="reflection", align_corners=False)
    grey = seen.mean(1, keepdim=True)
    colour = torch.empty(count, 1, 1, 1).uniform_(0.4, 1.6)
    colour[torch.rand(count) < 0.2] = 0
    contrast = torch.empty(count, 1, 1, 1).uniform_(0.6, 1.4)
    brightness = torch.empty(count, 1, 1, 1).uniform_(-0.4, 0.4)
    return (contrast * (grey + colour * (seen - grey)) + brightness).clamp(-1, 1)


def contrastive_loss(one: Tensor, other: Tensor, temperature: float) -> Tensor:
    """NT-Xent of SimCLR: each of 2n unit vectors should find its partner among the 2n - 1 others.

    Args:
        one: float[n, d], unit vectors of views.
        other: float[n, d], of other views of the same pictures.
        temperature: Of the softmax.

    Returns:
        The mean loss, a scalar.
    """
    vectors = torch.cat([one, other])
    logits = (vectors @ vectors.T / temperature).fill_diagonal_(-torch.inf)
    partners = torch.arange(len(vectors)).roll(len(one))
    return cross_entropy(logits, partners)


class _Projected(nn.Module):
    """The backbone and the projection that only the loss sees."""

    def __init__(self, backbone: Any, config: PicturePretrainingConfig) -> None:
        super().__init__()
        self.backbone = backbone
        width = config.widths[-1]
        self.head = nn.Sequential(
            nn.Linear(width, width), nn.ReLU(), nn.Linear(width, config.projected)
        )

    def forward(self, pixels: Tensor) -> Tensor:
        """Unit vectors float[n, projected]."""
        pooled = self.backbone(pixel_values=pixels).pooler_output
        return normalize(self.head(pooled.flatten(1)).float(), dim=1)


def _residual_network(config: PicturePretrainingConfig) -> Any:
    from transformers import ResNetConfig, ResNetModel

    return ResNetModel(
        ResNetConfig(
            embedding_size=config.widths[0],
            hidden_sizes=list(config.widths),
            depths=[1] * len(config.widths),
            layer_type="basic",
        )
    )


def _held_out_loss(network: nn.Module, pixels: Tensor, config: PicturePretrainingConfig) -> float:
    """The loss on pictures that are not learnt from; of the same views at every call."""
    with seeded(config.seed), torch.inference_mode():
        one, other = (network(views(pixels, config.least_crop)) for _ in range(2))
        return float(contrastive_loss(one, other, config.temperature))


def _read(files: Sequence[Path], config: PicturePretrainingConfig) -> Tensor:
    """float32[n, 3, side, side], from -1 to 1."""
    pictures: list[NDArray[np.uint8]] = []
    for file in files:
        try:
            picture = open_picture(file.read_bytes(), config.most_megapixels)
        except (UnreadableError, OSError):
            continue
        size = (config.side, config.side)
        pictures.append(np.asarray(picture.resize(size, Image.Resampling.BILINEAR)))
    if len(pictures) < len(files):
        left_out = len(files) - len(pictures)
        _log.warning("pictures that can't be used are left out", files=left_out, of=len(files))
    if len(pictures) < _LEAST:
        raise DataError(
            f"{len(pictures)} pictures can be used, of {len(files)}; {_LEAST} are the least."
        )
    scaled = np.stack(pictures).astype(np.float32) / 127.5 - 1
    return torch.from_numpy(scaled).permute(0, 3, 1, 2).contiguous()


def _write(backbone: Any, config: PicturePretrainingConfig, target: Path) -> None:
    from transformers import ViTImageProcessorPil

    size = {"height": config.side, "width": config.side}
    processor = ViTImageProcessorPil(
        size=size,
        resample=Image.Resampling.BILINEAR,
        image_mean=list(_MEAN),
        image_std=list(_DEVIATION),
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        with quiet():
            backbone.save_pretrained(str(draft))
            processor.save_pretrained(str(draft))
        draft.chmod(0o755)
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
