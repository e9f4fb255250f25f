"""The page that is forwarded, and what it says of an event that differs."""

import json
import math
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from convex.explain.explanation import Explanation, explain
from convex.explain.find_event import LocatedEvent, before, choose
from convex.explain.json_output import as_object
from convex.explain.material import Bars, Prices, Ticks, titles_of
from convex.explain.page import show
from shared.calendars import xnys_calendar
from shared.domain.bars import Bar
from shared.domain.divergences import (
    Confirmation,
    Direction,
    DivergenceEvent,
    Estimate,
    EvidenceInput,
    Hedge,
    Kind,
    Leg,
    Transition,
)
from shared.domain.instants import format_rfc3339
from shared.errors import ConfigError
from tests.support.builders import divergence
from tests.support.builders_kinds import chance_of
from tests.unit.convex.explain.stories import LEAD, OTHER, material

_NOTHING = Estimate(value=None)
_CALENDAR = xnys_calendar()
_SESSIONS = _CALENDAR.labels[-200:-100][:92]


def bars() -> list[Bar]:
    """Return closes whose log ratio swings by ln 1.1 around ln 10, and the last at ln 13."""
    lead = [1100.0 if index % 2 == 0 else 1000 / 1.1 for index in range(90)] + [1300.0]
    return [
        Bar(
            instrument=instrument,
            session=session,
            close=close,
            adj_close=close,
            known_at_ns=_CALENDAR.close_of(session),
            source="replay",
        )
        for instrument, prices in ((LEAD, lead), (OTHER, [100.0] * 91))
        for session, close in zip(_SESSIONS, prices, strict=False)
    ]


def event(**changes: Any) -> DivergenceEvent:
    """Return the opening that these closes give: z = ln 1.3 / (ln 1.1 √(90/89))."""
    std = math.log(1.1) * math.sqrt(90 / 89)
    session = _SESSIONS[90]
    fields: dict[str, Any] = {
        "confirmation": Confirmation.CONFIRMED,
        "occurred_at": format_rfc3339(_CALENDAR.close_of(session)),
        "values": {
            "log_ratio": math.log(13),
            "z_90": math.log(1.3) / std,
            "mean_90": math.log(10),
            "std_90": std,
            "pctl_90": 1.0,
        },
        "thresholds": {"warning": 2.0, "critical": 3.0, "leave": 1.0, "hold_seconds": 300.0},
        "hedge": Hedge(
            # A leg that never moved cannot be hedged: every answer but the ratio, 0, is undefined.
            ratio=Estimate(value=-0.0),
            beta=_NOTHING,
            effectiveness=_NOTHING,
            stress_corr=_NOTHING,
        ),
        "legs": (
            Leg(instrument=LEAD, price=1300.0, age_seconds=0.0, source="replay"),
            Leg(instrument=OTHER, price=100.0, age_seconds=0.0, source="replay"),
        ),
    }
    made = divergence(**fields | changes)
    inputs = tuple(EvidenceInput(instrument=each, session=session) for each in (LEAD, OTHER))
    return replace(made, evidence=replace(made.evidence, inputs=inputs))


def explained(changed: DivergenceEvent | None = None, **changes: Any) -> Explanation:
    given = material(
        changed if changed is not None else event(), bars=Bars(source="bars.v1", bars=tuple(bars()))
    )
    return explain(replace(given, **changes), calendar=_CALENDAR)


def with_its_hash(changed: DivergenceEvent) -> DivergenceEvent:
    sha256 = explained(changed).window_sha256
    assert sha256 is not None
    return replace(changed, evidence=replace(changed.evidence, window_sha256=sha256))


def page(
    explanation: Explanation, capsys: pytest.CaptureFixture[str], *, width: int = 80, **options: bool
) -> str:
    console = Console(file=StringIO(), width=width, highlight=False)
    show(console, explanation, has_all_rows=options.get("has_all_rows", False))
    return capsys.readouterr().out


def flat(text: str) -> str:
    """Return a text however its lines were broken and padded."""
    return " ".join(text.split())


def test_event_that_is_right_comes_out(capsys: pytest.CaptureFixture[str]) -> None:
    explanation = explained(with_its_hash(event()))

    assert explanation.comes_out
    assert explanation.is_same_window
    text = page(explanation, capsys)
    assert " z (2.5649494 − 2.3025851) / 0.095844135 = 2.7374055 " in flat(text)
    assert "  ✓ z = 2.74 ≥ 2: warning" in text
    assert "is the event's: bit for bit the numbers that decided." in text
    assert "\nAll 11 numbers agree to 1e-9, and the conclusion follows.\n" in text


@pytest.mark.parametrize("width", [80, 200])
def test_page_is_plain_text_that_fits_the_terminal(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    lines = page(explained(), capsys, width=width).splitlines()

    assert max(map(len, lines)) <= width
    assert [line for line in lines if line != line.rstrip() or "\x1b" in line] == []


def test_whole_window_is_printed_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert "… 84 more" in page(explained(), capsys)
    whole = page(explained(), capsys, has_all_rows=True)
    assert "more" not in whole
    assert all(session in whole for session in _SESSIONS[:90])


@pytest.mark.parametrize("name", ["log_ratio", "z_90", "mean_90", "std_90", "pctl_90"])
def test_number_that_was_changed_is_found_out(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    values = event().values
    explanation = explained(with_its_hash(event(values=values | {name: (values[name] or 0.0) * (1 + 1e-8)})))

    assert not explanation.comes_out
    assert [each.name for each in explanation.checks if not each.comes_out] == [name]
    assert f"1 of 11 numbers differ: {name}." in page(explanation, capsys)


def test_number_that_was_left_out_or_made_up_is_found_out() -> None:
    assert not explained(event(values=event().values | {"z_90": None})).comes_out
    assert not explained(event(values=event().values | {"corr_252": 0.1})).comes_out


def test_price_hedge_and_identity_that_were_changed_are_found_out() -> None:
    legs = (replace(event().legs[0], price=1299.0), event().legs[1])
    assert [each.name for each in explained(event(legs=legs)).checks if not each.comes_out] == ["price Gold"]
    hedge = replace(event().hedge, ratio=Estimate(value=0.5))
    assert not explained(event(hedge=hedge)).comes_out
    for changes in ({"direction": Direction.RISK_ON}, {"type": Transition.REVISED}, {"pair": "gold-spy"}):
        changed = replace(event(), **changes)
        working = explained(changed).working
        assert working is not None
        assert any("is not that of this" in each.text for each in working.conclusions if not each.holds)


def test_level_that_was_changed_is_found_out(capsys: pytest.CaptureFixture[str]) -> None:
    explanation = explained(event(thresholds=event().thresholds | {"warning": 2.8}))

    assert not explanation.comes_out
    text = page(explanation, capsys)
    assert "✗ z = 2.74 < 2.8: not warning" in text
    assert "The conclusion does not follow." in text


def test_other_hash_with_the_same_numbers_is_said_to_be_so(capsys: pytest.CaptureFixture[str]) -> None:
    explanation = explained(event())

    assert explanation.comes_out
    assert not explanation.is_same_window
    assert "the numbers agree all the same" in flat(page(explanation, capsys))


def test_adjustment_since_is_reported_from_other_prices(capsys: pytest.CaptureFixture[str]) -> None:
    def adjusted(factor: float) -> Bars:
        return Bars(
            source="bars.v1",
            bars=tuple(
                replace(bar, adj_close=bar.adj_close * (factor if bar.instrument == OTHER else 1.0))
                for bar in bars()
            ),
        )

    explanation = explained(bars=adjusted(0.99))
    assert explanation.is_shifted
    assert not explanation.comes_out
    text = flat(page(explanation, capsys))
    assert "closes were adjusted for a dividend or a split" in text
    assert "99.00 adjusted for dividends and splits, as every close below" in text

    other = tuple(
        replace(bar, close=101.0, adj_close=101.0)
        if bar.session == _SESSIONS[40] and bar.instrument == OTHER
        else bar
        for bar in bars()
    )
    explanation = explained(bars=Bars(source="bars.v1", bars=other))
    assert not explanation.is_shifted
    assert "the log holds other numbers than those that decided" in page(explanation, capsys).replace(
        "\n  ", " "
    )


def test_what_is_missing_is_said_with_a_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    explanation = explained(bars=Bars(source="bars.v1", bars=()))

    assert not explanation.comes_out
    text = page(explanation, capsys)
    assert "bars.v1 has no bar of" in text
    assert "What to do: give the daily files that hold it" in text
    assert json.loads(json.dumps(as_object(explanation)))["missing"]["what"].startswith("bars.v1 has no bar")


def test_test_event_states_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    explanation = explained(event(type=Transition.TEST))

    assert explanation.comes_out
    assert "Nothing: this is a test" in page(explanation, capsys)


def test_fault_is_explained_without_a_market(capsys: pytest.CaptureFixture[str]) -> None:
    fault = event(kind=Kind.DATA_FAULT, direction=Direction.LEAD, values={"stale": 0.0})
    explanation = explained(fault)

    assert explanation.comes_out
    assert "✓ the data of Gold are at fault: stale" in page(explanation, capsys)


def test_live_price_is_held_against_the_tick(capsys: pytest.CaptureFixture[str]) -> None:
    early = event(confirmation=Confirmation.PROVISIONAL, type=Transition.EASED)
    inputs = (
        EvidenceInput(instrument=LEAD, ts_event_ns=9),
        EvidenceInput(instrument=OTHER, session=_SESSIONS[89]),
    )
    early = replace(early, evidence=replace(early.evidence, inputs=inputs))
    told = [bar for bar in bars() if bar.session != _SESSIONS[90]]
    for price, comes_out in ((1300.0, True), (1301.0, False)):
        explanation = explained(
            early,
            bars=Bars(source="bars.v1", bars=tuple(told)),
            prices=Prices(lead=Ticks(ts_ns=(9,), price=(price,))),
        )
        check = next(each for each in explanation.checks if each.name == "price Gold")
        assert check.comes_out is comes_out
    explanation = explained(
        early, bars=Bars(source="bars.v1", bars=tuple(told)), prices=Prices(missing="ticks.v1/0/7 is gone")
    )
    assert "ticks.v1/0/7 is gone" in page(explanation, capsys)


def test_names_that_are_not_computed_again_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    explanation = explained(event(values=event().values | {"lead_lag_120": 1.0}))

    assert explanation.comes_out
    assert "Not computed again: lead_lag_120, the intervals, the total least squares" in page(
        explanation, capsys
    )


def test_machines_get_every_value_of_the_window() -> None:
    told = as_object(explained(with_its_hash(event())))

    assert told["comes_out"] is True
    assert len(told["window"]["values"]) == 90
    assert told["window"]["is_same"] is True
    assert {"name": "z_90", "event": told["numbers"][3]["event"]} == {
        "name": "z_90",
        "event": event().values["z_90"],
    }


# -- which event --------------------------------------------------------------------------------------------


def placed(*events: DivergenceEvent) -> list[LocatedEvent]:
    return [LocatedEvent(event=each, where="", headers={}) for each in events]


def test_event_is_chosen_by_its_id_or_by_its_beginning() -> None:
    one, two = event(), event(occurrence=2)

    assert choose(two.event_id, placed(one, two), among="f").event is two
    assert choose(two.event_id[:12], placed(one, two), among="f").event is two
    assert choose(one.event_id[:12], placed(one, one), among="f").event is one


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("ev_nothing", "ev_nothing: is no event in f, which has 2"),
        ("ev_", "ev_: 2 events in f begin with it; give more of the id"),
    ],
)
def test_event_that_is_not_there_or_not_alone_is_refused(asked: str, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        choose(asked, placed(event(), event(occurrence=2)), among="f")

    assert str(refused.value) == message


def test_short_beginning_is_no_id() -> None:
    with pytest.raises(ConfigError):
        choose(event().event_id[:5], placed(event()), among="f")


def test_events_before_are_those_of_the_same_pair_once_each() -> None:
    first, second, third = (event(sequence=number, occurrence=number) for number in (1, 2, 3))
    other = event(pair="gold-spy", sequence=1)
    chosen = placed(third)[0]

    assert before(chosen, placed(second, first, first, other, third)) == (first, second)


def test_legs_have_the_titles_of_their_pair_or_their_symbols() -> None:
    titles = titles_of(event(), "replay")
    assert (titles.lead, titles.other) == ("Gold", "IWM")
    legs = (replace(event().legs[0], instrument="XAG/USD.X"), replace(event().legs[1], instrument="SPY.X"))
    titles = titles_of(event(legs=legs))
    assert (titles.lead, titles.other) == ("XAG/USD", "SPY")


def test_what_chance_does_and_what_the_close_will_be_are_on_the_page(
    capsys: pytest.CaptureFixture[str],
) -> None:
    explanation = explained(event(significance=chance_of(Kind.RATIO_STRETCH), probability=0.84))

    text = flat(page(explanation, capsys))
    assert "The next close The next close opens it with a probability of 84%." in text
    assert "By chance Chance alone would open this 3.6 times a year (95%: 2.9 to 4.4)." in text
    assert "a ratio of two unrelated prices may open this as often." in text
    assert "the rates by chance, which convex calibrate computes" in text
    found = as_object(explanation)
    assert found["next_close"] == "The next close opens it with a probability of 84%."
    assert found["by_chance"][0] == "Chance alone would open this 3.6 times a year (95%: 2.9 to 4.4)."


def test_event_without_either_has_neither_section(capsys: pytest.CaptureFixture[str]) -> None:
    text = page(explained(), capsys)
    assert "By chance" not in text
    assert "The next close" not in text
    assert (as_object(explained())["next_close"], as_object(explained())["by_chance"]) == (None, [])
