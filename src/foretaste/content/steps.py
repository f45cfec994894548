"""What can be done to vectors after the encoder, in small steps one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Self, cast, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.content._fitted import Array, FittedEncoder, filled
from foretaste.content.base import Encoder
from foretaste.content.unit import unit
from foretaste.errors import ConfigError

Vectors = NDArray[np.float32]
Kind = Literal["normalise", "centre", "pca", "whiten", "random", "truncate"]

#: Steps that make no sense without a length.
_NEED_LENGTH: Final = ("pca", "random", "truncate")
_NEED_NONE: Final = ("normalise", "centre")

#: A variance below this is that of rounding.
_TINY: Final = 1e-12


@dataclass(frozen=True)
class Step:
    """One step, as it is written: ``pca:64``, ``whiten``, ``normalise``.

    Attributes:
        kind: "normalise" to unit length; "centre" at the mean; "pca", the leading principal
            components; "whiten", these scaled to equal variance (Su et al., "Whitening sentence
            representations", 2021); "random", a Gaussian projection (Johnson & Lindenstrauss,
            1984); "truncate", the first coordinates, for models trained so that these come first
            (Kusupati et al., "Matryoshka representation learning", 2022).
        dimension: Length of the vectors that come out; None keeps it.
    """

    kind: Kind
    dimension: int | None = None

    @classmethod
    def parse(cls, text: str) -> Step:
        """The step that ``kind`` or ``kind:dimension`` stands for.

        Raises:
            ConfigError: There is no such step, or its dimension is missing or not a number.
        """
        kind, _, length = text.strip().partition(":")
        if kind not in get_args(Kind):
            known = ", ".join(get_args(Kind))
            raise ConfigError(f"there is no step '{kind}'.", field="steps", hint=f"Known: {known}.")
        if (not length and kind in _NEED_LENGTH) or (length and kind in _NEED_NONE):
            needs = "needs a length, as in pca:64" if kind in _NEED_LENGTH else "has no length"
            raise ConfigError(f"the step '{kind}' {needs}.", field="steps")
        if length and not (length.isdecimal() and int(length) > 0):
            raise ConfigError(f"'{length}' is no length of a vector.", field="steps")
        return cls(cast(Kind, kind), int(length) if length else None)

    def __str__(self) -> str:
        return self.kind if self.dimension is None else f"{self.kind}:{self.dimension}"


@dataclass(frozen=True)
class Affine:
    """A fitted step that is a linear map after a shift.

    Attributes:
        mean: float32[d_in], taken away first.
        matrix: float32[d_in, d_out].
    """

    mean: Vectors
    matrix: Vectors

    def apply(self, vectors: Vectors) -> Vectors:
        """float32[n, d_in] to float32[n, d_out]; zero rows, which say nothing, stay zero."""
        return np.where(
            filled(vectors)[:, None], (vectors - self.mean) @ self.matrix, np.float32(0)
        )


def fit_step(step: Step, vectors: Vectors, seed: int = 0) -> Affine | None:
    """The linear map of a step, fitted on float32[n, d]; None for scaling to unit length.

    Zero rows are left out.

    Raises:
        ConfigError: The step asks for more coordinates than there are, or than there are vectors.
    """
    width = vectors.shape[1]
    length = step.dimension or width
    said = vectors[filled(vectors)]
    if length > width and step.kind != "random":
        raise ConfigError(f"the vectors have only {width} coordinates.", field=f"steps.{step}")
    match step.kind:
        case "normalise":
            return None
        case "centre":
            mean = said.mean(axis=0) if len(said) else np.zeros(width, np.float32)
            return Affine(mean, np.eye(width, dtype=np.float32))
        case "truncate":
            return Affine(np.zeros(width, np.float32), np.eye(width, length, dtype=np.float32))
        case "random":
            drawn = np.random.default_rng(seed).normal(size=(width, length)) / np.sqrt(length)
            return Affine(np.zeros(width, np.float32), drawn.astype(np.float32))
        case _:
            return principal(said, length, whitening=1.0 if step.kind == "whiten" else 0.0)


class Steps:
    """Steps that are fitted and applied one after the other.

    Args:
        steps: Such as ``["centre", "pca:64", "normalise"]``.
        seed: Of random projections.

    Raises:
        ConfigError: A step can't be understood.
    """

    def __init__(self, steps: Sequence[str], *, seed: int = 0) -> None:
        self.steps = tuple(Step.parse(step) for step in steps)
        self.seed = seed
        self._maps: list[Affine | None] = []

    def fit(self, vectors: Vectors) -> Self:
        """Fits every step on what comes out of those before it.

        Raises:
            ConfigError: As in `fit_step`.
        """
        self._maps = []
        for step in self.steps:
            fitted = fit_step(step, vectors, self.seed)
            self._maps.append(fitted)
            vectors = unit(vectors) if fitted is None else fitted.apply(vectors)
        return self

    def apply(self, vectors: Vectors) -> Vectors:
        """float32[n, d_in] to float32[n, d_out]; zero rows stay zero."""
        for fitted in self._maps:
            vectors = unit(vectors) if fitted is None else fitted.apply(vectors)
        return vectors

    def tensors(self, prefix: str = "") -> dict[str, Array]:
        """What was fitted."""
        named = ((f"{prefix}{place}", fitted) for place, fitted in enumerate(self._maps) if fitted)
        return {
            f"{name}.{part}": getattr(fitted, part)
            for name, fitted in named
            for part in ("mean", "matrix")
        }

    def restore(self, tensors: Mapping[str, Array], prefix: str = "") -> Self:
        """Takes back what `tensors` gave."""
        names = [f"{prefix}{place}" for place in range(len(self.steps))]
        self._maps = [
            Affine(tensors[f"{name}.mean"], tensors[f"{name}.matrix"])
            if f"{name}.mean" in tensors
            else None
            for name in names
        ]
        return self


class SteppedEncoder(FittedEncoder):
    """An encoder whose vectors go through steps.

    Args:
        encoder: Gives the vectors.
        steps: As in `Steps`.
        seed: Of random projections.

    Raises:
        ConfigError: A step can't be understood.

    Example:
        encoder = SteppedEncoder(TextEncoder(), ["pca:64", "normalise"]).fit(dataset.items)
    """

    def __init__(self, encoder: Encoder, steps: Sequence[str], *, seed: int = 0) -> None:
        super().__init__()
        self._encoder = encoder
        self._steps = Steps(steps, seed=seed)

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        lengths = [step.dimension for step in self._steps.steps if step.dimension]
        return lengths[-1] if lengths else self._encoder.dimension

    def fit(self, items: pl.DataFrame) -> Self:
        """Fits the steps on the vectors of these items.

        Raises:
            ConfigError: A step asks for more coordinates than there are.
        """
        self._take(self._steps.fit(self._encoder.encode(items)).tensors())
        return self

    def encode(self, items: pl.DataFrame) -> Vectors:
        """Vectors of a table of items, float32[rows, dimension]; zero where nothing is known.

        Raises:
            NotFittedError: `fit` or `load` was not called.
        """
        self._fitted()
        return self._steps.apply(self._encoder.encode(items))

    def _settings(self) -> tuple[object, ...]:
        return self._encoder.fingerprint, self._steps.steps, self._steps.seed

    def _use(self, tensors: Mapping[str, Array]) -> None:
        self._steps.restore(tensors)


def principal(said: Vectors, length: int, *, whitening: float) -> Affine:
    """The leading principal components, brought toward equal variance.

    Args:
        said: float32[n, d], no zero rows.
        length: Coordinates that come out; those beyond the rank are zero.
        whitening: Power of the variance that is taken away: 0 keeps it, at 1 all are alike (Su et
            al., 2021).

    Raises:
        ConfigError: There are fewer than two vectors.
    """
    from sklearn.decomposition import PCA

    rank = min(length, len(said))
    if rank < 2:
        raise ConfigError(
            f"principal components need more vectors than the {len(said)} there are.",
            field="steps",
        )
    pca = PCA(n_components=rank, svd_solver="covariance_eigh").fit(said)
    # Of few vectors the variances are hardly known: they are taken for more alike than they seem.
    variance = pca.explained_variance_ + rank / len(said) * np.median(pca.explained_variance_)
    matrix = np.zeros((said.shape[1], length), np.float32)
    matrix[:, :rank] = np.asarray(pca.components_).T / np.maximum(variance, _TINY) ** (
        whitening / 2
    )
    return Affine(pca.mean_.astype(np.float32), matrix)
