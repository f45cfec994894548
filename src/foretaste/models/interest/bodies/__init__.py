"""What makes log-odds of inputs: linear, factorised, deep, attending or reading, or trees."""

from foretaste.models.interest.bodies.base import Body, BodyConfig, Shape
from foretaste.models.interest.bodies.registry import BODIES, CONSISTENT, OF_SEVERAL_GOALS, make

__all__ = ["BODIES", "CONSISTENT", "OF_SEVERAL_GOALS", "Body", "BodyConfig", "Shape", "make"]
