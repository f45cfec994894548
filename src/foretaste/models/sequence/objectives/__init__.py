"""What a sequence network can be trained for, one file an objective."""

from foretaste.models.sequence.objectives.base import Given, Objective
from foretaste.models.sequence.objectives.joint import Joint
from foretaste.models.sequence.objectives.masked_item import MaskedItem
from foretaste.models.sequence.objectives.next_item import NextItem

__all__ = ["Given", "Joint", "MaskedItem", "NextItem", "Objective"]
