"""The training loop and what goes into it; knows tensors, not models."""

from foretaste.training.checkpoint import Checkpoint
from foretaste.training.config import TrainingConfig
from foretaste.training.contrastive import contrastive_loss
from foretaste.training.dropout import ByteDropout
from foretaste.training.history import Epoch, TrainingHistory
from foretaste.training.loop import seeded, train_network
from foretaste.training.losses import sampled_softmax
from foretaste.training.negatives import UniformNegatives

__all__ = [
    "ByteDropout",
    "Checkpoint",
    "Epoch",
    "TrainingConfig",
    "TrainingHistory",
    "UniformNegatives",
    "contrastive_loss",
    "sampled_softmax",
    "seeded",
    "train_network",
]
