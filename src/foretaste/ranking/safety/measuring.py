"""How well a classifier of harmful items tells them, on labels that it was not taught."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.content import Encoder
from foretaste.errors import DataError
from foretaste.ranking.safety.classifier import HarmClassifier

_LEAST_EACH = 3


@dataclass(frozen=True)
class HarmReport:
    """What a classifier does with held-out labels.

    Attributes:
        labels: All labels that were given.
        harmful: Those of them that say harmful.
        held_out: Labels that it was measured on.
        held_out_harmful: Those of them that say harmful.
        threshold: From which probability on an item counts as harmful.
        precision: Share of the items at or above the threshold that are harmful; None where there
            are no such items.
        recall: Share of the harmful ones that are at or above it.
        auc: How often a harmful item is likelier to be harmful than another.
    """

    labels: int
    harmful: int
    held_out: int
    held_out_harmful: int
    threshold: float
    precision: float | None
    recall: float
    auc: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)

    def __str__(self) -> str:
        precision = "none reached" if self.precision is None else f"precision {self.precision:.3f}"
        return (
            f"{self.labels:,} labels, {self.harmful:,} of them harmful. On {self.held_out:,} "
            f"held-out labels ({self.held_out_harmful:,} harmful): AUC {self.auc:.3f}; "
            f"at {self.threshold:g}: {precision}, recall {self.recall:.3f}."
        )


def measure_harm(
    items: pl.DataFrame,
    harmful: pl.Series,
    encoder: Encoder,
    *,
    threshold: float,
    share: float = 0.2,
    seed: int = 0,
) -> HarmReport:
    """Measures a classifier that learns from a part of the labels on the rest of them.

    Args:
        items: A table the encoder can read.
        harmful: bool, one label a row.
        encoder: Of the items' content.
        threshold: From which probability on an item counts as harmful.
        share: Of the labels of either kind that are held out; at least one.
        seed: Of the draw.

    Raises:
        DataError: There are fewer than three labels of either kind.
    """
    from sklearn.metrics import roc_auc_score

    labels = harmful.to_numpy()
    out = _held_out(labels, share, seed)
    learnt = np.flatnonzero(~out)
    classifier = HarmClassifier.fit(items[learnt], harmful[learnt], encoder)
    vectors = encoder.encode(items.filter(out))
    likely = classifier.probabilities(vectors, encoder=encoder.fingerprint)
    truth, called = labels[out], likely >= threshold
    return HarmReport(
        labels=len(labels),
        harmful=int(labels.sum()),
        held_out=len(truth),
        held_out_harmful=int(truth.sum()),
        threshold=threshold,
        precision=float(truth[called].mean()) if called.any() else None,
        recall=float(called[truth].mean()),
        auc=float(roc_auc_score(truth, likely)),
    )


def _held_out(labels: NDArray[np.bool_], share: float, seed: int) -> NDArray[np.bool_]:
    """bool[labels]: the same share of either kind, drawn at random."""
    rng = np.random.default_rng(seed)
    out = np.zeros(len(labels), bool)
    for kind, name in ((True, "harmful"), (False, "harmless")):
        rows = rng.permutation(np.flatnonzero(labels == kind))
        if len(rows) < _LEAST_EACH:
            raise DataError(
                f"of {len(labels)} labels {len(rows)} say {name}; at least {_LEAST_EACH} of either "
                "kind are needed, to learn from and to measure on.",
                field="label",
            )
        out[rows[: max(1, round(share * len(rows)))]] = True
    return out
