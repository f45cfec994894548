"""The sequence model: item table, backbone, and the recommender made of them."""

from foretaste.models.sequence.config import SequenceConfig
from foretaste.models.sequence.model import SequenceRecommender
from foretaste.models.sequence.transfer import transferred

__all__ = ["SequenceConfig", "SequenceRecommender", "transferred"]
