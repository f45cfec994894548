"""What comes next, and what will be done with it: viewed, put into the cart, bought."""

from foretaste.models.sequence.next_action.config import NextActionConfig
from foretaste.models.sequence.next_action.model import NextAction

__all__ = ["NextAction", "NextActionConfig"]
