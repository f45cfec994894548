"""Two towers: people and items as vectors, compared by cosine, with calibrated thresholds."""

from foretaste.models.two_tower.model import TwoTower, TwoTowerConfig

__all__ = ["TwoTower", "TwoTowerConfig"]
