"""Every kind in words: what decided it, on which scale, how sure it is, and what a reader should do."""

import re
from dataclasses import replace

import pytest

from services.notifier.render.renderer import Rendered, Renderer
from shared.domain.divergences import (
    Confirmation,
    Direction,
    DivergenceEvent,
    Estimate,
    EvidenceInput,
    Hedge,
    Kind,
    Severity,
    Significance,
    Transition,
)
from shared.text.chance import describe_chance
from tests.support.builders import divergence
from tests.support.builders_kinds import KINDS_AND_DIRECTIONS, divergence_of

UNKNOWN = Estimate(value=None)
each_kind = pytest.mark.parametrize(("kind", "direction"), KINDS_AND_DIRECTIONS)


# Made once, as in the service: it compiles every template.
RENDERER = Renderer(public_url="https://convex.example/")


def rendered(event: DivergenceEvent) -> Rendered:
    return RENDERER.render(event)


def facts(message: Rendered) -> str:
    return message.text.split("\nSTATISTICS\n")[1].split("\n\n")[0]


@pytest.mark.parametrize(
    ("kind", "direction", "subject"),
    [
        (Kind.RATIO_STRETCH, Direction.RISK_OFF, "Gold is rich against IWM, z +2.31 (confirmed)"),
        (Kind.RATIO_STRETCH, Direction.RISK_ON, "Gold is cheap against IWM, z −2.31 (confirmed)"),
        (Kind.OPPOSITE_MOVES, Direction.RISK_OFF, "Gold rose while IWM fell, D +2.47 (confirmed)"),
        (Kind.OPPOSITE_MOVES, Direction.RISK_ON, "IWM rose while Gold fell, D −2.47 (confirmed)"),
        (
            Kind.CORRELATION_BREAK,
            Direction.TIGHTENING,
            "Gold and IWM move together more than they used to, correlation −0.05 → +0.57 (confirmed)",
        ),
        (
            Kind.CORRELATION_BREAK,
            Direction.LOOSENING,
            "Gold and IWM move together less than they used to, correlation +0.05 → −0.57 (confirmed)",
        ),
        (
            Kind.HEDGE_LOST,
            Direction.RISK_OFF,
            "Gold no longer hedges IWM, correlation +0.41 (confirmed)",
        ),
        (
            Kind.EVIDENCE_BREAK,
            Direction.TIGHTENING,
            "Gold and IWM agree on more days than they used to, evidence 301 (confirmed)",
        ),
        (
            Kind.EVIDENCE_BREAK,
            Direction.LOOSENING,
            "Gold and IWM agree on fewer days than they used to, evidence 301 (confirmed)",
        ),
        (
            Kind.REGIME_CHANGE,
            Direction.RISK_OFF,
            "Gold and IWM: the regime is risk-off, z +1.20 (confirmed)",
        ),
        (Kind.REGIME_CHANGE, Direction.RISK_ON, "Gold and IWM: the regime is risk-on, z −1.20 (confirmed)"),
        (Kind.DATA_FAULT, Direction.LEAD, "The data of Gold cannot be trusted (no ticks)"),
        (Kind.DATA_FAULT, Direction.OTHER, "The data of IWM cannot be trusted (missing bar)"),
    ],
)
def test_subject_of_each_kind_says_what_happened_and_how_far(
    kind: Kind, direction: Direction, subject: str
) -> None:
    assert rendered(divergence_of(kind, direction)).subject == subject


@each_kind
@pytest.mark.parametrize("transition", list(Transition))
def test_nothing_unknown_is_shown_as_a_number_or_a_word_of_the_program(
    kind: Kind, direction: Direction, transition: Transition
) -> None:
    known = divergence_of(kind, direction, type=transition)
    nothing = replace(
        known,
        values=dict.fromkeys(known.values),
        thresholds={},
        legs=(),
        hedge=Hedge(ratio=UNKNOWN, beta=UNKNOWN, effectiveness=UNKNOWN, stress_corr=UNKNOWN),
        significance=known.significance
        and Significance(correlation=UNKNOWN, effective_size=None, false_alarms_per_year=None),
    )

    for event in (known, nothing, replace(nothing, values={})):
        message = rendered(event)
        for form in (
            message.subject,
            message.text,
            re.sub(r"<style>.*?</style>", "", message.html, flags=re.DOTALL),
        ):
            assert not re.search(r"\b(None|nan|risk_off|risk_on|data_fault|hedge_lost)\b", form)
    zeros = re.findall(r"(?<![\d.,±+−:])[+−]?0\.00(?!\d)", rendered(nothing).text)
    assert zeros == []


@each_kind
@pytest.mark.parametrize("direction_of_another", list(Direction))
def test_direction_that_a_kind_does_not_have_is_no_reason_to_crash(
    kind: Kind, direction: Direction, direction_of_another: Direction
) -> None:
    assert rendered(replace(divergence_of(kind, direction), direction=direction_of_another)).subject


def test_lost_hedge_has_no_side() -> None:
    """Its direction is the sign of a statistic: "Gold outperforms" would be wrong."""
    for transition in Transition:
        message = rendered(divergence_of(Kind.HEDGE_LOST, Direction.RISK_OFF, type=transition))

        for form in (message.subject, message.text, message.html):
            assert not re.search("outperform|flight|risk-o|rich|cheap", form)


@pytest.mark.parametrize(
    ("kind", "direction", "lines"),
    [
        (
            Kind.OPPOSITE_MOVES,
            Direction.RISK_OFF,
            # exp(0.0412) - 1 and exp(-0.0643) - 1, worked by hand.
            ("Gold, 5 sessions +4.2%", "IWM, 5 sessions −6.2%", "Usual gap, 1 session 1.9%"),
        ),
        (
            Kind.CORRELATION_BREAK,
            Direction.TIGHTENING,
            (
                "Change, Fisher's z +2.71",
                "warns from ±2.58 · critical from ±3.29 · closes within ±1.64",
                "closes within ±1.64 · only if it changed by at least 0.3",
                "Correlation, 20 sessions +0.57 (95%: +0.17 to +0.81)",
                "worth 18 independent sessions",
                "Correlation, 252 sessions −0.05 (95%: −0.18 to +0.08)",
            ),
        ),
        (
            Kind.HEDGE_LOST,
            Direction.RISK_OFF,
            (
                "Correlation, 60 sessions +0.41 (95%: +0.12 to +0.63)",
                "warns from +0.1 · critical from +0.3 · closes once the correlation is 0 or less",
            ),
        ),
        (
            Kind.EVIDENCE_BREAK,
            Direction.LOOSENING,
            (
                "Evidence for less agreement 301",
                "warns from 252 · critical from 2,520 · closes at 20 or less",
                "Evidence for more agreement 2.6",
                "Agreement, 60 sessions 25%",
                "the baseline is 42% to 52%",
            ),
        ),
        (
            Kind.REGIME_CHANGE,
            Direction.RISK_ON,
            ("z-score, 90 sessions −1.20", "neutral again inside ±0.5"),
        ),
    ],
)
def test_facts_are_the_statistics_that_decided(
    kind: Kind, direction: Direction, lines: tuple[str, ...]
) -> None:
    shown = re.sub(r"\s+", " ", facts(rendered(divergence_of(kind, direction))))

    assert [line for line in lines if line not in shown] == []


@pytest.mark.parametrize(
    ("kind", "direction", "marker", "left"),
    [
        # 50 (1 + x / end), the end 4.5, or 1.5 above the critical level.
        (Kind.RATIO_STRETCH, Direction.RISK_ON, "24.3", "z −4.5"),
        (Kind.OPPOSITE_MOVES, Direction.RISK_OFF, "77.4", "D −4.5"),
        (Kind.CORRELATION_BREAK, Direction.TIGHTENING, "78.3", "z −4.8"),
        (Kind.HEDGE_LOST, Direction.RISK_OFF, "12.0", "0: no correlation"),
    ],
)
def test_marker_stands_where_the_deciding_statistic_is(
    kind: Kind, direction: Direction, marker: str, left: str
) -> None:
    page = rendered(divergence_of(kind, direction)).html

    assert f'<td width="{marker}%" align="right"' in page
    assert left in page


@pytest.mark.parametrize("low", [-0.2, 1.7])
def test_marker_stays_on_a_scale_from_zero_to_one(low: float) -> None:
    page = rendered(divergence_of(Kind.HEDGE_LOST, Direction.RISK_OFF, values={"corr_ci_60_low": low})).html

    assert f'<td width="{0.0 if low < 0 else 100.0}%" align="right"' in page


@pytest.mark.parametrize("kind", [Kind.EVIDENCE_BREAK, Kind.REGIME_CHANGE, Kind.DATA_FAULT])
def test_what_has_no_scale_draws_none(kind: Kind) -> None:
    direction = next(each for one, each in KINDS_AND_DIRECTIONS if one is kind)

    assert "&#9660;" not in rendered(divergence_of(kind, direction)).html


def test_hedge_answer_has_six_estimates_each_with_its_interval() -> None:
    text = rendered(divergence_of(Kind.RATIO_STRETCH, Direction.RISK_OFF)).text
    shown = re.sub(r" +", " ", text.split("\nHEDGE\n")[1].split("\n\n")[0])

    for line in (
        "Hedge ratio 0.42 (95%: 0.10 to 0.74)",
        "Hedge ratio, total 0.51 (95%: 0.14 to 0.93)",
        "Hedge ratio, now 0.38 (95%: 0.21 to 0.55)",
        "Beta −0.19 (95%: −0.33 to −0.05)",
        "Hedge effectiveness 8.1% (95%: 1.2% to 15.4%)",
        "Correlation in stress −0.37 (95%: −0.63 to −0.04)",
    ):
        assert f" {line}\n" in shown


def test_estimate_of_the_hedge_without_an_interval_says_so() -> None:
    known = divergence_of(Kind.RATIO_STRETCH, Direction.RISK_OFF)
    unbounded = replace(known.hedge, ratio_tls=Estimate(value=2.2))

    text = rendered(replace(known, hedge=unbounded)).text

    assert re.search(r"Hedge ratio, total +2\.20 \(no 95% interval\)", text)
    assert "Correlation, 20 sessions       −0.21\n" in text


@each_kind
def test_every_kind_about_the_market_says_how_often_chance_alone_would_open_it(
    kind: Kind, direction: Direction
) -> None:
    event = divergence_of(kind, direction)
    message = rendered(event)

    assert ("\nBY CHANCE\n" in message.text) is kind.is_market
    if event.significance is not None:
        for sentence in describe_chance(kind, event.significance):
            assert f"\n  {sentence}\n" in message.text
            assert f">{sentence}</p>" in message.html


def test_ratio_says_in_one_sentence_that_two_unrelated_prices_open_it_as_often() -> None:
    message = rendered(divergence_of(Kind.RATIO_STRETCH, Direction.RISK_ON))

    for form in (message.text, message.html):
        assert "Chance alone would open this 3.6 times a year (95%: 2.9 to 4.4)." in form
        assert "a ratio of two unrelated prices may open this as often." in form
        assert "counted on the closes of 3 Jan 2007 to 30 Apr 2014." in form


def test_deciding_correlation_has_its_interval_and_its_size() -> None:
    message = rendered(divergence_of(Kind.HEDGE_LOST, Direction.RISK_OFF))

    for form in (message.text, message.html):
        assert (
            "The correlation that decided: +0.41 (95%: +0.12 to +0.63), worth 48 independent sessions."
        ) in form
    assert (
        "correlation that decided"
        not in rendered(divergence_of(Kind.OPPOSITE_MOVES, Direction.RISK_OFF)).text
    )


@pytest.mark.parametrize(("kind", "direction"), [(Kind.REGIME_CHANGE, Direction.RISK_ON)])
def test_rule_without_a_figure_says_that_none_exists(kind: Kind, direction: Direction) -> None:
    bare = Significance(correlation=None, effective_size=None, false_alarms_per_year=None)

    assert (
        "No figure exists for this rule" in rendered(divergence_of(kind, direction, significance=bare)).text
    )


def test_early_warning_says_how_likely_the_close_agrees_and_what_is_expected() -> None:
    event = divergence_of(Kind.RATIO_STRETCH, Direction.RISK_OFF)
    early = replace(
        event,
        confirmation=Confirmation.PROVISIONAL,
        probability=0.8412,
        values=event.values | {"z_90_expected": 2.41, "z_90_spread": 0.38},
    )
    message = rendered(early)

    assert message.subject == "Gold is rich against IWM, expected z +2.41 (provisional, 84% likely)"
    # 50 (1 + 2.41 / 4.5): the scale shows what is expected, because that decided.
    assert '<td width="76.8%" align="right"' in message.html
    for form in (message.text, message.html):
        assert "The ratio of Gold to IWM is likely to close outside its band of the last 90 sessions." in form
        assert "has left its band" not in form
        assert "The next close opens it with a probability of 84%." in form
    shown = re.sub(r"\s+", " ", facts(message))
    assert "Probability at the next close 84%" in shown
    assert "z-score expected then +2.41 standard deviation 0.38" in shown


@pytest.mark.parametrize(
    ("sessions", "known"),
    [
        ((None, "2014-05-01"), "a live price of Gold and the last close of IWM"),
        ((None, None), "live prices of Gold and IWM"),
        ((), "a live price of Gold and the last close of IWM"),
    ],
)
def test_early_warning_says_which_prices_were_live(sessions: tuple[str | None, ...], known: str) -> None:
    event = divergence_of(Kind.RATIO_STRETCH, Direction.RISK_OFF)
    inputs = tuple(EvidenceInput(instrument=f"LEG{at}", session=each) for at, each in enumerate(sessions))
    early = replace(
        event,
        confirmation=Confirmation.PROVISIONAL,
        probability=0.9,
        evidence=replace(event.evidence, inputs=inputs),
    )

    assert f"Provisional: the next close is estimated from {known}." in rendered(early).text


def test_early_warning_of_an_older_release_claims_no_probability() -> None:
    old = divergence_of(
        Kind.RATIO_STRETCH, Direction.RISK_OFF, confirmation=Confirmation.PROVISIONAL, probability=None
    )

    text = rendered(old).text
    assert "The next close confirms it or withdraws it." in text
    assert "robability" not in text


@pytest.mark.parametrize(
    ("transition", "says"),
    [
        (Transition.OPEN, True),
        (Transition.ESCALATED, True),
        (Transition.EASED, True),
        (Transition.REVISED, True),
        (Transition.CLOSED, False),
    ],
)
def test_flapping_is_said_while_it_is_open(transition: Transition, says: bool) -> None:
    message = rendered(
        divergence_of(Kind.CORRELATION_BREAK, Direction.TIGHTENING, type=transition, is_flapping=True)
    )

    for form in (message.text, message.html):
        assert ("opens and closes so often that it is held open until it settles" in form) is says
        assert ("warning · confirmed · flapping" in form) is says


def test_divergence_that_begins_to_flap_is_reported_as_held_open() -> None:
    event = divergence_of(Kind.RATIO_STRETCH, Direction.RISK_OFF, type=Transition.REVISED, is_flapping=True)

    assert rendered(event).subject == "Gold is rich against IWM: held open, z +2.31 (confirmed)"


def test_fault_says_what_was_seen_since_when_and_what_to_do() -> None:
    text = rendered(
        divergence_of(
            Kind.DATA_FAULT, Direction.LEAD, values={"stale": 0.0, "no_close_sample": 75.0}, legs=()
        )
    ).text

    assert "No tick arrives although the market is open." in text
    assert "While it lasts, no new divergence of Gold and IWM is reported." in text
    assert "Check that the ingestor runs and its feed is connected." in text
    assert re.search(r"No ticks +now", text)
    assert re.search(r"No close +for 1 min 15 s", text)
    assert not {"HEDGE", "PRICES", "STATISTICS"} & set(text.splitlines())


def test_cause_of_a_later_release_is_called_by_its_name() -> None:
    message = rendered(divergence_of(Kind.DATA_FAULT, Direction.LEAD, values={"clock_skew": 5.0}))

    assert message.subject == "The data of Gold cannot be trusted (clock skew)"
    assert "Something is wrong with the data of Gold." not in message.subject
    assert re.search(r"Clock skew +for 5 s", message.text)


def test_fault_that_is_over_says_how_long_it_lasted() -> None:
    message = rendered(
        divergence_of(
            Kind.DATA_FAULT, Direction.LEAD, type=Transition.CLOSED, values={"lasted_seconds": 3_700.0}
        )
    )

    assert message.subject == "The data of Gold can be trusted again"
    assert re.search(r"Lasted +1 h 1 min", message.text)


def test_fault_of_closes_names_the_close_that_is_not_used_and_says_what_to_do() -> None:
    values = {
        "unapplied_split": 0.0,
        "quarantined_closes": 1.0,
        "quarantined_close": 75.0,
        "quarantined_session": 20190603.0,
        "last_good_close": 150.25,
    }
    message = rendered(divergence_of(Kind.DATA_FAULT, Direction.OTHER, values=values))

    assert message.subject == "The data of IWM cannot be trusted (unapplied split)"
    text = " ".join(message.text.split())
    assert "The close of 2019-06-03, 75.00 after 150.25, is in no statistic." in text
    assert "Check whether the leg was split" in text
    assert "quarantined" not in message.text


@pytest.mark.parametrize("cause", ["close_jump", "stuck_close", "adjusted_splice"])
def test_each_fault_of_closes_has_a_remedy(cause: str) -> None:
    message = rendered(divergence_of(Kind.DATA_FAULT, Direction.OTHER, values={cause: 0.0}))
    without = rendered(divergence_of(Kind.DATA_FAULT, Direction.OTHER, values={"clock_skew": 0.0}))

    assert len(message.text) > len(without.text) + 50


def test_fault_that_flaps_has_no_better_numbers() -> None:
    text = rendered(
        divergence_of(Kind.DATA_FAULT, Direction.LEAD, type=Transition.REVISED, is_flapping=True)
    ).text

    assert "This fault opens and closes so often" in text
    assert "hese numbers replace" not in text


def test_corrected_close_is_reported_with_both_values() -> None:
    values = {"revised_from": 99.5, "revised_to": 99.97, "lasted_seconds": 0.0}
    message = rendered(divergence_of(Kind.DATA_FAULT, Direction.OTHER, values=values))

    assert message.subject == "A close of IWM was corrected (99.50 → 99.97)"
    assert "cannot be trusted" not in message.text


def test_fault_of_a_simulated_market_is_marked_without_prices() -> None:
    event = divergence_of(Kind.DATA_FAULT, Direction.LEAD, legs=())
    inputs = tuple(replace(each, instrument="XAU/USD.SIMULATED") for each in event.evidence.inputs)

    marked = rendered(replace(event, evidence=replace(event.evidence, inputs=inputs)))

    assert marked.subject == "[SIMULATED] The data of Gold cannot be trusted (no ticks)"


def test_change_of_regime_happened_and_did_not_open() -> None:
    text = rendered(divergence_of(Kind.REGIME_CHANGE, Direction.RISK_OFF)).text

    assert "The regime has changed from neutral to risk-off." in text
    assert "  Happened " in text
    assert "  Opened " not in text


@pytest.mark.parametrize(
    ("values", "headline"),
    [
        ({"regime_before": 1.0, "regime": 0.0, "z_90": 0.3}, "Gold and IWM: the regime is neutral"),
        ({"z_90": 0.3}, "Gold and IWM: another regime"),
    ],
)
def test_regime_is_what_the_event_says_and_not_its_direction(
    values: dict[str, float | None], headline: str
) -> None:
    message = rendered(divergence_of(Kind.REGIME_CHANGE, Direction.RISK_OFF, values=values))

    assert message.text.splitlines()[0] == headline


def test_critical_fault_is_loud_and_needs_no_close_to_confirm_it() -> None:
    event = divergence_of(
        Kind.DATA_FAULT,
        Direction.LEAD,
        severity=Severity.CRITICAL,
        confirmation=Confirmation.PROVISIONAL,
    )
    message = rendered(event)

    assert message.subject == "CRITICAL: The data of Gold cannot be trusted (no ticks)"
    assert "rovisional" not in message.text
    assert "next close" not in message.text


def test_levels_without_a_hold_do_not_mention_one() -> None:
    message = rendered(divergence(thresholds={"warning": 2.0, "critical": 3.0, "hold_seconds": 0.0}))

    assert "held" not in message.text
