"""Settings of a vector index."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from foretaste.config import Config

Kind = Literal["exact", "ivf"]
Precision = Literal["float32", "float16", "int8"]


class IndexConfig(Config):
    """How vectors are kept and searched.

    Attributes:
        kind: "exact" compares a query with every vector; "ivf" with those of the nearest lists
            alone, and needs the extra `index`; "auto" chooses by size.
        exact_up_to: Most vectors that "auto" still searches exactly.
        precision: How a number is kept. Half the memory of float32 costs nothing that can be
            measured, a quarter about one neighbour of a hundred.
        recall: Share of the true 100 nearest that "ivf" must find; it visits as many lists as
            that takes, measured when it is built.
        seed: Of the clustering, and of the vectors that recall is measured with.
    """

    kind: Literal["auto", "exact", "ivf"] = "auto"
    exact_up_to: int = Field(default=20_000, ge=1)
    precision: Precision = "float16"
    recall: float = Field(default=0.99, gt=0, le=1)
    seed: int = Field(default=0, ge=0)
