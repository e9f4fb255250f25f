"""The table of formats in the documentation is the table of the reader."""

import re
from pathlib import Path

from shared.files.daily.formats import DAILY_FORMATS

_PAGE = Path(__file__).parents[5] / "docs" / "backtest.md"


def test_each_format_has_its_row_and_each_row_its_format() -> None:
    table = _PAGE.read_text().partition("### Daily files")[2].partition("### Tick files")[0]

    documented = re.findall(r"^\| `([a-z][a-z0-9-]+)` \|", table, re.MULTILINE)

    assert sorted(documented) == sorted(each.name for each in DAILY_FORMATS if not each.refusal)


def test_columns_of_a_format_are_those_of_its_row() -> None:
    rows = dict(re.findall(r"^\| `([a-z0-9-]+)` \|(.*)$", _PAGE.read_text(), re.MULTILINE))

    for each in DAILY_FORMATS:
        if each.refusal or each.series or each.first_line is not None:
            continue
        known = {
            name.lower().replace(" ", "").replace("_", "")
            for name in re.findall(r"`([^`]+)`", rows[each.name])
        }
        assert known & set(each.close), each.name
        assert known & set(each.date) or each.header_rows == 3, each.name
