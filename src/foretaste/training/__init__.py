"""The training loop and what goes into it; knows tensors, not models."""

from foretaste.training.config import TrainingConfig
from foretaste.training.dropout import ByteDropout
from foretaste.training.loop import Epoch, TrainingHistory, seeded, train_network
from foretaste.training.losses import sampled_softmax
from foretaste.training.negatives import UniformNegatives

__all__ = [
    "ByteDropout",
    "Epoch",
    "TrainingConfig",
    "TrainingHistory",
    "UniformNegatives",
    "sampled_softmax",
    "seeded",
    "train_network",
]
