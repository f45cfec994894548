"""What reads a sequence of item vectors and says what comes next: six ways, one interface."""

from foretaste.models.sequence.backbones.base import Backbone
from foretaste.models.sequence.backbones.build import build_backbone

__all__ = ["Backbone", "build_backbone"]
