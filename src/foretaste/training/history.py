"""The learning curve: what every epoch did."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Epoch:
    """What one pass over the data did.

    Attributes:
        number: From 1.
        loss: Mean over batches.
        metric: On validation data, larger is better; None without validation.
        seconds: Wall time of training, without validation.
        cpu_seconds: Processor time of training, of all threads: it tells the work even where
            others keep the machine busy.
    """

    number: int
    loss: float
    metric: float | None
    seconds: float
    cpu_seconds: float


@dataclass
class TrainingHistory:
    """Every epoch, and the number of the one whose weights were kept."""

    epochs: list[Epoch] = field(default_factory=list)
    best: int = 0
