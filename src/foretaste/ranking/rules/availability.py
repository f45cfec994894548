"""What is in stock."""

from __future__ import annotations

import numpy as np
import polars as pl

from foretaste.errors import ConfigError
from foretaste.ranking.catalogue import Catalogue
from foretaste.ranking.stage import Verdict

_SETTING = "ranking.availability"


def availability(catalogue: Catalogue, column: str | None) -> Verdict:
    """Bans items whose column says false, or a number of none left; where it is null, there are.

    Args:
        catalogue: The items.
        column: True or false, or how many there are; None bans nothing.

    Raises:
        ConfigError: There is no such column, or it is neither.
    """
    clear = Verdict.all_clear(catalogue.size)
    if column is None:
        return clear
    values = catalogue.column(column, _SETTING)
    if not (values.dtype == pl.Boolean or values.dtype.is_numeric()):
        raise ConfigError(
            f"the column '{column}' holds {values.dtype}, not true or false or how many there are.",
            field=_SETTING,
        )
    gone = (values.cast(pl.Float64) <= 0).fill_null(False).to_numpy()
    return clear.also(np.concatenate([[False], gone]), f"not available ({column})")
