"""Readers of the layouts in which people hold interaction data, one module each."""

from foretaste.data.readers import (
    amazon,
    canonical,
    gorse,
    labelled,
    movielens,
    personalize,
    recbole,
    retailrocket,
    sequences,
)
from foretaste.data.readers.layout import Found, Reader, Source, Tables

#: Every reader; of those that bring equally much, the first is taken.
READERS = (
    movielens.MOVIELENS_1M,
    movielens.MOVIELENS_100K,
    recbole.READER,
    personalize.READER,
    gorse.READER,
    amazon.READER,
    retailrocket.READER,
    sequences.READER,
    labelled.READER,
    canonical.READER,
)

__all__ = ["READERS", "Found", "Reader", "Source", "Tables"]
