"""Nearest vectors: exact while they are few, through FAISS's inverted lists when they are many."""

from foretaste.ranking.index.base import VectorIndex, fingerprint_of
from foretaste.ranking.index.building import build_index
from foretaste.ranking.index.config import IndexConfig
from foretaste.ranking.index.files import load_index, save_index

__all__ = [
    "IndexConfig",
    "VectorIndex",
    "build_index",
    "fingerprint_of",
    "load_index",
    "save_index",
]
