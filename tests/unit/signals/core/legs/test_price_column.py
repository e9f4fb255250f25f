"""A column gives back the very floats that were put into it, however it keeps them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signals.core.legs.price_column import PriceColumn

DECIMALS = st.integers(1, 2**31 + 10).map(lambda parts: parts / 10_000)
SINGLES = st.floats(width=32, min_value=2**-149, allow_infinity=False, allow_nan=False)
ANY = st.floats(min_value=5e-324, allow_infinity=False, allow_nan=False)
PRICES = st.one_of(DECIMALS, SINGLES, ANY)


@pytest.mark.parametrize(
    ("prices", "kind"),
    [
        ([], "int32"),
        ([99.97, 0.0001, 214_748.3647], "int32"),
        ([214_748.3648], "float64"),
        ([2.0**40], "float32"),
        ([99.97000122070312, 0.5], "float32"),
        ([99.97000122070312, 99.97], "float64"),
        ([1e300], "float64"),
        ([0.00005], "float64"),
    ],
)
def test_prices_are_kept_as_short_as_loses_nothing(prices: list[float], kind: str) -> None:
    column = PriceColumn(np.array(prices))

    assert column.kind == kind
    assert column.first(len(prices)).tolist() == prices


@given(
    st.one_of(*(st.lists(prices, max_size=8) for prices in (DECIMALS, SINGLES, PRICES))),
    st.lists(
        st.tuples(st.sampled_from(["put", "insert", "remove"]), st.integers(0, 30), PRICES), max_size=30
    ),
)
def test_column_is_a_list_of_floats(begin: list[float], steps: list[tuple[str, int, float]]) -> None:
    column, plain = PriceColumn(np.array(begin, dtype=np.float64)), list(begin)
    for what, number, price in steps:
        if what == "insert":
            at = number % (len(plain) + 1)
            column.make_room(at, count=len(plain))
            plain.insert(at, price)
            column.put(at, price, count=len(plain))
        elif plain and what == "put":
            column.put(number % len(plain), price, count=len(plain))
            plain[number % len(plain)] = price
        elif plain:
            column.remove(number % len(plain), count=len(plain))
            del plain[number % len(plain)]
        assert column.first(len(plain)).tolist() == plain
        assert [column[row] for row in range(len(plain))] == plain
