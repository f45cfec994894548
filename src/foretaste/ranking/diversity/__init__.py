"""Lists that are more than their items: diverse, novel, true to a person's own mix."""

from foretaste.ranking.diversity.stage import Diversity, DiversityConfig

__all__ = ["Diversity", "DiversityConfig"]
