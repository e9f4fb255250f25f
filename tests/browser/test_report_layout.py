"""The report of a backtest in a real browser: nothing is cut off and nothing covers anything."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from convex.backtesting.replay import Replayed
from convex.backtesting.report.beside import BesideFile
from convex.backtesting.report.input_files import InputFile
from convex.backtesting.report.page import report_bytes
from services.signals.core.kinds.registry import PUBLISHED_RULES
from shared.domain.divergences import Kind
from shared.files.file_note import FileNote, NoteKind
from tests.browser.chromium import Tab, chromium
from tests.browser.page_geometry import measured
from tests.support.report_builder import PAIR, made_up

pytestmark = pytest.mark.slow

_WIDTHS = (390, 820, 1440)
_FILE = InputFile(
    name="a_name_of_a_file_as_long_as_vendors_give_them_2001-01-02_2021-01-29.csv",
    leg="Gold",
    sha256="c5" * 32,
    notes=(FileNote(path=Path("x"), kind=NoteKind.FORMAT, text="read as Stooq, dates as year, month, day"),),
)


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    async with chromium(tmp_path / "profile") as opened:
        yield opened


def write_report(folder: Path, replayed: Replayed) -> str:
    page = folder / "report.html"
    beside = (BesideFile(name="stats.csv", link="stats.csv", what="the statistics of each session"),)
    page.write_bytes(
        report_bytes(replayed, pair=PAIR, rules=PUBLISHED_RULES, files=(_FILE, _FILE), beside=beside)
    )
    return page.as_uri()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "replayed",
    [
        pytest.param(made_up(760), id="three years of every kind"),
        pytest.param(made_up(60, kinds=()), id="a short history"),
        pytest.param(made_up(5_040, every=20), id="twenty years"),
        pytest.param(made_up(500, kinds=(Kind.RATIO_STRETCH,), every=6), id="openings close together"),
    ],
)
async def test_nothing_is_cut_off_or_covered(
    tab: Tab, tmp_path: Path, replayed: Replayed, theme: str
) -> None:
    url = write_report(tmp_path, replayed)

    for width in _WIDTHS:
        await tab.open(url, width=width, theme=theme)
        # What is folded up must fit as well.
        await tab.ask("document.querySelectorAll('details').forEach((each) => each.open = true)")
        found = await measured(tab)

        assert found["words"] > 100
        assert (found["beyond"], found["cut"], found["covers"]) == ([], [], []), width
        assert found["page"] <= width
        if width == _WIDTHS[-1]:
            # On a wide screen no table has to be scrolled.
            assert found["scrolled"] == []
    assert tab.complaints == []


@pytest.mark.parametrize("width", _WIDTHS)
async def test_comparison_with_chance_is_on_the_screen_without_scrolling(
    tab: Tab, tmp_path: Path, width: int
) -> None:
    await tab.open(write_report(tmp_path, made_up(760)), width=width)

    # Of each kind that opened: its number of openings, its rate, and the rate by chance, with their names.
    cells = await tab.ask(
        "[...document.querySelectorAll('.kinds td.n')]"
        ".filter((cell) => /^(Opened|By)/.test(cell.dataset.name) && cell.textContent)"
        ".map((cell) => { const box = cell.getBoundingClientRect();"
        " return [cell.dataset.name, box.left, box.right, box.width * box.height > 0,"
        " getComputedStyle(cell, '::before').content]; })"
    )
    names = [name for name, *_ in cells]
    assert min(names.count(name) for name in ("Opened", "Opened a year", "By chance a year")) > 3
    for name, left, right, is_shown, before in cells:
        assert is_shown
        assert 0 <= left < right <= width
        assert (before == f'"{name}"') is (width < 700)
    scrolled = "document.querySelector('.kinds').parentElement"
    assert await tab.ask(f"{scrolled}.scrollWidth <= {scrolled}.clientWidth + 1")


async def test_printed_page_fits_on_a4(tab: Tab, tmp_path: Path) -> None:
    await tab.open(write_report(tmp_path, made_up(760)), width=1440)
    await tab.ask("document.querySelectorAll('details').forEach((each) => each.open = true)")

    # 210 mm less two margins of 12 mm are 703 pixels. On paper nothing scrolls.
    await tab.as_printed(703)

    found = await measured(tab)
    assert (found["beyond"], found["cut"], found["covers"]) == ([], [], [])


async def test_page_is_complete_without_scripts(tab: Tab, tmp_path: Path) -> None:
    await tab.without_scripts()
    await tab.open(write_report(tmp_path, made_up(300)))

    assert (await measured(tab))["words"] > 100


async def test_what_is_measured_is_noticed(tab: Tab, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(
        "<meta charset=utf-8><body style='margin:0'><p style='width:150vw'>too wide</p>"
        "<p style='width:3rem;overflow:hidden;white-space:nowrap'>cut off at its end</p>"
        "<div style='height:0'>first words</div><div>second words</div>"
        "<div class=scrolls style='width:4rem;overflow-x:auto'><table><tr><td>unbreakable_long</table></div>"
    )
    await tab.open(page.as_uri(), width=390)

    found = await measured(tab)

    assert [name.split('"')[1] for name in found["beyond"]] == ["too wide"]
    assert len(found["cut"]) == 1
    assert found["covers"] == ["first words | second words"]
    assert len(found["scrolled"]) == 1
