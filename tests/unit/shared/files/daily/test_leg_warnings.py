"""What is probably a mistake is said about the file, and nothing is said about good files."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from shared.files.file_note import FileNote, NoteKind
from shared.files.timeline import Recording, read_timeline
from tests.support.builders_market import calendar, pair
from tests.support.daily_vendors import VENDORS, Day, plain, plain_adjusted

PAIR = replace(pair(), lead="XAU/USD.TEST", other="IWM.TEST")
LABELS = calendar().labels
GOLD = [Day(session, 1300.0 + index, 1300.0 + index) for index, session in enumerate(LABELS)]
IWM = [Day(session, 150.0 + index % 7, 150.0 + index % 7) for index, session in enumerate(LABELS)]


def warnings(lead: Path, other: Path) -> list[str]:
    notes: list[FileNote] = []
    recording = Recording(lead_files=(lead,), other_files=(other,))
    for _ in read_timeline(recording, pair=PAIR, calendar=calendar(), on_note=notes.append):
        pass
    return [str(note).removeprefix(f"{lead.parent}/") for note in notes if note.kind is NoteKind.WARNING]


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def files(
    folder: Path, gold: Sequence[Day] = GOLD, iwm: Sequence[Day] = IWM, names: tuple[str, str] = ("a", "b")
) -> tuple[Path, Path]:
    return (
        write(folder / f"{names[0]}.csv", plain(gold)),
        write(folder / f"{names[1]}.csv", plain_adjusted(iwm)),
    )


def test_good_files_have_no_warning(tmp_path: Path) -> None:
    holidays = [Day("2019-07-04", 1416.0, 1416.0), Day("2019-06-02", 1305.0, 1305.0)]
    gold = sorted([*GOLD, *holidays], key=lambda day: day.session)

    assert warnings(*files(tmp_path, gold, names=("gold", "iwm"))) == []


def test_legs_that_the_names_of_their_files_swap_are_named(tmp_path: Path) -> None:
    assert warnings(*files(tmp_path, names=("IWM_daily", "GLD-2019"))) == [
        "IWM_daily.csv: 'IWM_daily' names the other leg, but it is given for Gold; are they swapped?",
        "GLD-2019.csv: 'GLD-2019' names the other leg, but it is given for IWM; are they swapped?",
    ]


def test_legs_that_their_own_headers_swap_are_named(tmp_path: Path) -> None:
    lead = write(tmp_path / "a.csv", VENDORS["yfinance, three header rows"].render(IWM))
    other = write(tmp_path / "b.csv", VENDORS["fred, old"].render(GOLD))

    assert [each for each in warnings(lead, other) if "swapped" in each] == [
        "a.csv: 'IWM' names the other leg, but it is given for Gold; are they swapped?",
        "b.csv: 'GOLDAMGBD228NLBM' names the other leg, but it is given for IWM; are they swapped?",
    ]


def test_name_with_both_legs_says_nothing(tmp_path: Path) -> None:
    assert warnings(*files(tmp_path, names=("iwm against gold, gold", "iwm against gold, iwm"))) == []


def test_one_file_for_both_legs_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "gold.csv", plain_adjusted(GOLD))
    (tmp_path / "link.csv").symlink_to(path)

    assert warnings(path, tmp_path / "link.csv") == [
        "link.csv: is given for both legs; give one file for each"
    ]


def test_legs_with_the_same_closes_are_named(tmp_path: Path) -> None:
    lead, other = files(tmp_path, IWM, [*IWM[:-1], Day(LABELS[-1], IWM[-1].close, 1.0)])

    assert warnings(lead, other) == [
        f"b.csv: has the closes of {lead} in all {len(LABELS)} sessions in common; give two markets"
    ]


def test_one_close_that_differs_is_another_market(tmp_path: Path) -> None:
    assert warnings(*files(tmp_path, IWM, [*IWM[:-1], Day(LABELS[-1], 1.0, 1.0)])) == []


def test_other_leg_without_adjusted_closes_is_named(tmp_path: Path) -> None:
    lead = write(tmp_path / "a.csv", plain(GOLD))

    assert warnings(lead, write(tmp_path / "b.csv", plain(IWM))) == [
        "b.csv: has no adj_close: if IWM pays dividends, its returns include each drop by one"
    ]


def test_closes_that_their_vendor_adjusts_have_no_warning(tmp_path: Path) -> None:
    lead = write(tmp_path / "a.csv", plain(GOLD))

    assert warnings(lead, write(tmp_path / "b.csv", VENDORS["yfinance"].render(IWM))) == []


def test_leg_that_ends_early_is_named(tmp_path: Path) -> None:
    assert warnings(*files(tmp_path, GOLD[:-5])) == []
    lead, other = files(tmp_path, GOLD[:-6])

    assert warnings(lead, other) == [
        f"a.csv: ends on {LABELS[-7]}, 6 sessions before {other}; what follows is not used"
    ]


def test_holes_are_counted_with_the_longest(tmp_path: Path) -> None:
    gold = [day for index, day in enumerate(GOLD) if index not in (3, 10, 11)]
    iwm = [day for index, day in enumerate(IWM) if index != 7]

    assert warnings(*files(tmp_path, gold, iwm)) == [
        f"a.csv: lacks 3 sessions between {LABELS[0]} and {LABELS[-1]}, 2 of them in a row from {LABELS[10]}",
        f"b.csv: lacks the session {LABELS[7]}",
    ]
