"""``docs/estimators.md`` leaves out no statistic and shows no picture that is not there."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from services.signals.core.statistics.correlation import NORMAL_975
from shared.domain.divergences import Hedge
from tests.unit.signals.statistics.test_confirmed import FROM_SESSION

_DOCS = Path(__file__).parents[4] / "docs"
_TEXT = (_DOCS / "estimators.md").read_text(encoding="utf-8")
_PICTURES = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", _TEXT)


def _family(name: str) -> str:
    # One row for all windows: corr_20 is corr_N, corr_ci_20_high is corr_ci_N_low and its like.
    family = re.sub(r"^(corr|corr_ci|n_eff)_\d+", r"\1_N", name)
    return family.replace("_high", "_low") if family.startswith("corr_ci") else family


@pytest.mark.parametrize(
    "name", [*FROM_SESSION, "coint_p_252", "regime", *(each.name for each in fields(Hedge))]
)
def test_every_statistic_is_written_down(name: str) -> None:
    assert f"`{name}`" in _TEXT or f"`{_family(name)}`" in _TEXT


@pytest.mark.parametrize("picture", _PICTURES)
def test_every_picture_is_there_and_small(picture: str) -> None:
    assert (_DOCS / picture).stat().st_size < 60_000


def test_no_picture_is_left_over() -> None:
    drawn = {path.relative_to(_DOCS).as_posix() for path in (_DOCS / "images" / "estimators").glob("*.png")}
    assert drawn == set(_PICTURES)
    assert len(drawn) == 16


def test_interval_of_a_correlation_is_stated_with_the_quantile_of_the_code() -> None:
    (row,) = [line for line in _TEXT.splitlines() if line.startswith("| `corr_ci_N_low`")]

    assert re.findall(r"∓ ([\d.]+) /", row) == [f"{NORMAL_975:.6f}"]
