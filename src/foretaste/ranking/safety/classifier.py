"""A classifier of harmful items, trained on labels that the user gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit

from foretaste.content import Encoder
from foretaste.errors import ArtifactError, DataError, InputError
from foretaste.ranking.keeping import load_tensors, save_tensors

_WEIGHTS, _BIAS, _FINGERPRINT = "weights", "bias", "encoder"
_LEAST_EACH = 2


@dataclass(frozen=True)
class HarmClassifier:
    """Logistic regression on the vectors of an encoder.

    Attributes:
        weights: float64[d].
        bias: Of the log-odds.
        encoder: Fingerprint of the encoder whose vectors it reads.
    """

    weights: NDArray[np.float64]
    bias: float
    encoder: str

    @classmethod
    def fit(
        cls,
        items: pl.DataFrame,
        harmful: Sequence[bool] | pl.Series,
        encoder: Encoder,
        *,
        regularisation: float = 1.0,
    ) -> Self:
        """Learns from labelled items; the two classes weigh alike, however rare the one is.

        Args:
            items: A table the encoder can read.
            harmful: One label a row, none missing.
            encoder: Of the items' content.
            regularisation: Strength of the L2 penalty; larger trusts the labels less.

        Raises:
            DataError: A label is missing, or there are fewer than two of either kind.
        """
        from sklearn.linear_model import LogisticRegression

        labels = pl.Series("harmful", harmful).cast(pl.Boolean)
        if len(labels) != len(items) or labels.null_count():
            raise DataError("there must be one label for each item.", field="harmful")
        positive = int(labels.sum())
        if min(positive, len(labels) - positive) < _LEAST_EACH:
            raise DataError(
                f"of {len(labels)} labelled items {positive} are harmful; at least {_LEAST_EACH} "
                "harmful ones and as many others are needed.",
                field="harmful",
            )
        found = LogisticRegression(C=1 / regularisation, class_weight="balanced", max_iter=1000)
        found.fit(encoder.encode(items), labels.to_numpy())
        weights, bias = (np.asarray(part, np.float64) for part in (found.coef_, found.intercept_))
        return cls(weights.ravel(), float(bias.item()), encoder.fingerprint)

    def probabilities(self, vectors: NDArray[np.float32], *, encoder: str) -> NDArray[np.float64]:
        """How likely items are harmful, float64[n].

        Args:
            vectors: float32[n, d], of their content.
            encoder: Fingerprint of the encoder they come from.

        Raises:
            InputError: The vectors are of another encoder, or not finite.
        """
        if encoder != self.encoder or vectors.shape[1:] != self.weights.shape:
            raise InputError(
                "the vectors are not of the encoder that the classifier was trained with.",
                field="classifier",
                hint="Train the classifier again with this encoder.",
            )
        if not np.isfinite(vectors).all():
            raise InputError("a vector holds NaN or infinity.", field="vectors")
        return np.asarray(expit(vectors @ self.weights + self.bias), np.float64)

    def save(self, path: str | Path) -> Path:
        """Writes it as safetensors, in one step.

        Raises:
            ArtifactError: It can't be written.
        """
        tensors = {_WEIGHTS: self.weights, _BIAS: np.array([self.bias])}
        return save_tensors(path, tensors, {_FINGERPRINT: self.encoder})

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Reads what `save` wrote.

        Raises:
            ArtifactError: There is no such file, it is damaged, or holds something else.
        """
        tensors, facts = load_tensors(path)
        try:
            return cls(tensors[_WEIGHTS], float(tensors[_BIAS][0]), facts[_FINGERPRINT])
        except LookupError as error:
            raise ArtifactError(f"this is no classifier: no {error}.", file=path) from None
