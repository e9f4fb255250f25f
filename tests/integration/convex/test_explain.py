"""Every event of a real year explains itself, from the files that the backtest read."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from convex.explain.explanation import Explanation, explain
from convex.explain.find_event import LocatedEvent, before
from convex.explain.from_files import read_events
from convex.explain.hold_and_cooldown import cooldowns_of
from convex.explain.material import Bars, Material, Prices, Titles
from shared.calendars import xnys_calendar
from shared.contracts.records import DIVERGENCES
from shared.domain.bars import BarBatch
from shared.domain.divergences import DivergenceEvent, Kind
from shared.files.timeline import Recording, read_timeline
from shared.pairs.loading import load_pairs
from tests.integration.convex.conftest import Convex
from tests.support.backtesting import backtest
from tests.support.data import shared_data

_DOCUMENT = Path(__file__).parents[3] / "docs" / "explain.md"
# What is computed from each end of the baseline.
_EVIDENCE = {
    "agreement_low": ("e_break", "e_loosening"),
    "agreement_high": ("e_break", "e_tightening"),
}
_GOLD, _IWM = "pair_gold_daily_20121114_20210331.csv", "pair_iwm_daily_20121114_20210331.csv"


@pytest.fixture(scope="module")
def events_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Backtest 2019 and 2020 once."""
    folder = tmp_path_factory.mktemp("explain")
    span = ("--start", "2019-01-02", "--end", "2020-12-31")
    backtest(folder, "--gold", shared_data(_GOLD), "--iwm", shared_data(_IWM), *span)
    return folder / "events.jsonl"


@pytest.fixture(scope="module")
def every_kind_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Backtest 2019 to March 2021 once with the rules of every kind: in these years each opens."""
    folder = tmp_path_factory.mktemp("every-kind")
    rules = folder / "rules.toml"
    rules.write_text("[opposite_moves]\nenabled = true\n[regime_change]\nenabled = true\n")
    span = ("--start", "2019-01-02", "--rules", str(rules))
    backtest(folder, "--gold", shared_data(_GOLD), "--iwm", shared_data(_IWM), *span)
    return folder / "events.jsonl"


@pytest.fixture(scope="module")
def bars() -> Bars:
    """Read both legs once, whole."""
    pair = next(each for each in load_pairs("replay") if each.name == "gold-iwm")
    recording = Recording(lead_files=(shared_data(_GOLD),), other_files=(shared_data(_IWM),))
    batches = read_timeline(recording, pair=pair, calendar=xnys_calendar())
    found = [bar for batch in batches if isinstance(batch, BarBatch) for bar in batch.bars]
    return Bars(source="files", bars=tuple(found))


def explained(event: DivergenceEvent, events: tuple[LocatedEvent, ...], bars: Bars) -> Explanation:
    placed = LocatedEvent(event=event, where="", headers={})
    return explain(
        Material(
            event=event,
            events="events.jsonl",
            where="",
            origin="",
            before=before(placed, events),
            cooldown_sessions=cooldowns_of(None).get(event.evidence.rule_version),
            titles=Titles(lead="Gold", other="IWM"),
            bars=bars,
            prices=Prices(),
        ),
        calendar=xnys_calendar(),
    )


def asked(events_file: Path, event: DivergenceEvent, *options: str) -> list[str]:
    files = ("--gold", str(shared_data(_GOLD)), "--iwm", str(shared_data(_IWM)))
    return ["explain", event.event_id, "--events", str(events_file), *files, *options]


@pytest.mark.slow
def test_every_event_of_two_real_years_comes_out_bit_for_bit(every_kind_file: Path, bars: Bars) -> None:
    events = read_events(every_kind_file)

    kinds = {each.event.kind for each in events}
    assert len(events) > 50
    assert kinds == set(Kind) - {Kind.DATA_FAULT}
    for each in events:
        explanation = explained(each.event, events, bars)
        assert explanation.comes_out, each.event
        assert explanation.is_same_window, each.event
        assert explanation.unchecked == ()
        sure = each.event.significance
        of_correlation = 4 if sure is not None and sure.correlation is not None else 0
        assert len(explanation.checks) == len(each.event.values) + 6 + of_correlation


@pytest.mark.slow
def test_every_number_that_is_changed_is_found_out(every_kind_file: Path, bars: Bars) -> None:
    events = read_events(every_kind_file)
    for kind in set(Kind) - {Kind.DATA_FAULT}:
        event = next(each.event for each in events if each.event.kind is kind)
        for name, value in event.values.items():
            changed = replace(event, values=event.values | {name: (value or 0.0) + 1e-6})
            explanation = explained(changed, events, bars)
            assert not explanation.comes_out, (kind, name)
            wrong = [each.name for each in explanation.checks if not each.comes_out]
            # The evidence is computed with the baseline that the event states: another does not fit.
            is_baseline = name in ("agreement_low", "agreement_high")
            expected = [each for each in event.values if each in _EVIDENCE[name]] if is_baseline else [name]
            assert wrong == expected


def test_page_of_a_real_event_is_printed(events_file: Path, convex: Convex) -> None:
    event = next(
        each.event
        for each in read_events(events_file)
        if (each.event.evidence.inputs[0].session or "").startswith("2020-03")
    )

    ran = convex(*asked(events_file, event))

    assert ran.code == 0, ran.out + ran.err
    assert ran.out.startswith(f"Gold against IWM: {event.kind.value}")
    assert "At the close of 2020-03-" in ran.out
    assert "sha256" in ran.out
    assert "numbers agree to 1e-9, and the conclusion follows.\n" in ran.out


def test_page_of_the_document_is_what_the_command_prints(
    events_file: Path, tmp_path: Path, convex: Convex, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = re.findall(
        r"^\$ convex (explain .*)\n((?:.*\n)*?)```$", _DOCUMENT.read_text(), flags=re.MULTILINE
    )
    arguments, printed = block
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for name, path in (
        ("events.jsonl", events_file),
        ("gold.csv", shared_data(_GOLD)),
        ("iwm.csv", shared_data(_IWM)),
    ):
        (tmp_path / name).symlink_to(path)

    assert convex(*arguments.split()).out == printed


def test_machines_read_the_same_as_json(events_file: Path, convex: Convex) -> None:
    event = read_events(events_file)[0].event

    ran = convex(*asked(events_file, event, "--json"))

    told: dict[str, Any] = json.loads(ran.out)
    assert (ran.code, told["event_id"], told["comes_out"]) == (0, event.event_id, True)
    assert all(each["comes_out"] for each in told["numbers"])


def test_tampered_event_ends_with_code_1(events_file: Path, tmp_path: Path, convex: Convex) -> None:
    event = next(each.event for each in read_events(events_file) if each.event.kind is Kind.RATIO_STRETCH)
    tampered = replace(event, values=event.values | {"z_90": 2.5})
    file = tmp_path / "tampered.jsonl"
    file.write_bytes(DIVERGENCES.encode(tampered) + b"\n")

    ran = convex(*asked(file, tampered))

    assert ran.code == 1
    assert "1 of 16 numbers differ: z_90." in ran.out


def test_other_files_are_reported_from_those_of_the_backtest(
    events_file: Path, tmp_path: Path, convex: Convex
) -> None:
    event = next(each.event for each in read_events(events_file) if each.event.kind is Kind.RATIO_STRETCH)
    head, *rows = shared_data(_IWM).read_text().splitlines()
    short = tmp_path / "iwm.csv"
    short.write_text("\n".join([head, *[row for row in rows if row < "2018-12-20"]]) + "\n")
    options = ["--gold", str(shared_data(_GOLD)), "--iwm", str(short)]

    ran = convex("explain", event.event_id, "--events", str(events_file), *options)

    assert ran.code == 1
    assert "What to do: give the daily files that hold it" in ran.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["ev_unknown1", "--events", "{events}"], "convex: ev_unknown1: is no event in {events}, which has "),
        (["{id}", "--events", "{events}"], "convex: --events needs the files that the backtest read: "),
        (["{id}", "--events", "nowhere.jsonl"], "convex: nowhere.jsonl: cannot be read: No such file"),
        (["{id}", "--gold", "gold.csv"], "convex: --gold, --iwm and --start go with --events; "),
        (["{id}", "--events", "{bad}"], "convex: {bad}: line 1: a divergences value must be JSON"),
    ],
)
def test_what_cannot_be_found_is_one_clear_line(
    options: list[str], message: str, events_file: Path, tmp_path: Path, convex: Convex
) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text("not json\n")
    names = {"events": str(events_file), "id": read_events(events_file)[0].event.event_id, "bad": str(bad)}

    ran = convex("explain", *(option.format(**names) for option in options))

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(message.format(**names))
    assert ran.err.count("\n") == 1
