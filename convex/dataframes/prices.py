"""A column of a DataFrame as prices, or the row that is none."""

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from convex.dataframes.frames import bad_frame
from shared.domain.bars import LEAST_PRICE, MOST_PRICE


def prices(name: str, column: "pd.Series[Any]", field: str) -> NDArray[np.float64]:
    """Return a column as numbers; what is missing is NaN.

    Parameters
    ----------
    field
        The column's name for errors.

    Raises
    ------
    InputError
        If a value is text or anything else that is no number: nobody can know whether ``1.234`` is a price or
        a count of thousands.
    """
    kind = column.dtype
    if pd.api.types.is_bool_dtype(kind) or pd.api.types.is_complex_dtype(kind):
        raise bad_frame(name, f"must be numbers, was {kind}", field=field)
    if not pd.api.types.is_numeric_dtype(kind):
        for row, value in enumerate(column):
            is_number = isinstance(value, int | float | Decimal | np.number) and not isinstance(value, bool)
            if not is_number and not (pd.api.types.is_scalar(value) and pd.isna(value)):
                problem = f"must be a number, was {str(value)[:40]!r}"
                raise bad_frame(
                    name, f"{problem}; convert the column with .astype(float)", row=row, field=field
                )
    # A copy: nothing that the caller does with the table afterwards reaches the backtest.
    return np.array(column.astype("Float64").to_numpy(dtype="float64", na_value=np.nan))


def unusable(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return where a value is no price, shape as ``values``."""
    return ~((values >= LEAST_PRICE) & (values <= MOST_PRICE))


def not_a_price(value: float, *, remedy: str) -> str:
    """Return what is wrong with an unusable value.

    Examples
    --------
    >>> not_a_price(float("nan"), remedy="drop such rows")
    'is missing; drop such rows'
    >>> not_a_price(-1.0, remedy="drop such rows")
    'must be a positive number, was -1; drop such rows'
    """
    if np.isnan(value):
        return f"is missing; {remedy}"
    if value <= 0:
        return f"must be a positive number, was {value:g}; {remedy}"
    return f"must lie between {LEAST_PRICE:g} and {MOST_PRICE:g}, was {value:g}; {remedy}"
