"""What people read: every transition, both forms, and nothing that looks like a number but is none."""

from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from services.notifier.render.renderer import Rendered, Renderer
from shared.domain.divergences import (
    Confirmation,
    Direction,
    DivergenceEvent,
    Estimate,
    Hedge,
    Severity,
    Transition,
)
from tests.support.builders import divergence

UNKNOWN = Estimate(value=None)


# Made once, as in the service: it compiles every template.
RENDERER = Renderer(public_url="https://convex.example/")


def rendered(event: DivergenceEvent) -> Rendered:
    return RENDERER.render(event)


def simulated(**changes: Any) -> DivergenceEvent:
    names = ("XAU/USD.SIMULATED", "IWM.SIMULATED")
    legs = tuple(replace(leg, instrument=name) for leg, name in zip(divergence().legs, names, strict=True))
    return divergence(legs=legs, **changes)


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ({}, "Gold is rich against IWM, z +2.31 (provisional)"),
        ({"direction": Direction.RISK_ON}, "Gold is cheap against IWM, z +2.31 (provisional)"),
        (
            {"type": Transition.ESCALATED, "severity": Severity.CRITICAL},
            "CRITICAL: Gold is rich against IWM: escalated to critical, z +2.31 (provisional)",
        ),
        ({"type": Transition.EASED}, "Gold is rich against IWM: eased to warning, z +2.31 (provisional)"),
        (
            {"type": Transition.REVISED, "confirmation": Confirmation.CONFIRMED},
            "Gold is rich against IWM: confirmed, z +2.31 (confirmed)",
        ),
        ({"type": Transition.REVISED}, "Gold is rich against IWM: revised, z +2.31 (provisional)"),
        (
            {"type": Transition.CLOSED, "severity": Severity.CRITICAL},
            "Gold and IWM are back in line, z +2.31 (provisional)",
        ),
        (
            {"type": Transition.NOT_CONFIRMED},
            "Gold is rich against IWM: not confirmed by the close, z +2.31 (provisional)",
        ),
        (
            {"type": Transition.EXPIRED},
            "Gold is rich against IWM: expired unconfirmed, z +2.31 (provisional)",
        ),
        ({"type": Transition.TEST}, "Test message for Gold and IWM, z +2.31 (provisional)"),
        ({"values": {"z_90": None}}, "Gold is rich against IWM (provisional)"),
    ],
)
def test_subject_says_what_happened(changes: dict[str, Any], subject: str) -> None:
    assert rendered(divergence(**changes)).subject == subject


@pytest.mark.parametrize("transition", list(Transition))
def test_every_transition_renders_the_same_facts_in_both_forms(transition: Transition) -> None:
    message = rendered(divergence(type=transition))

    for form in (message.text, message.html):
        assert "+2.31" in form
        assert "1,304.35" in form
        assert "111.34" in form
        assert "16 h 35 min old" in form
        assert "Fri 2 May 2014, 12:35:10 UTC (08:35 New York)" in form
        assert "https://convex.example/compare/gold-vs-iwm" in form
        assert divergence(type=transition).event_id in form
        assert "warns from ±2" in form
        assert "95%: 0.10 to 0.74" in form


def test_gap_to_the_average_is_computed_from_log_ratios() -> None:
    """exp(2.4662 - 2.41) - 1 = 0.0578, worked by hand."""
    assert "+5.8%" in rendered(divergence()).text


def test_what_is_not_known_says_so_and_never_shows_a_zero() -> None:
    nothing = divergence(
        values=dict.fromkeys(divergence().values),
        hedge=Hedge(ratio=UNKNOWN, beta=UNKNOWN, effectiveness=UNKNOWN, stress_corr=UNKNOWN),
    )

    message = rendered(nothing)

    for form in (message.text, message.html):
        assert form.count("not known yet") == 13
        assert "None" not in form
        assert "nan" not in form
    assert "▼" not in message.html
    assert "&#9660;" not in message.html


def test_provisional_and_confirmed_are_reported_apart_with_both_ages() -> None:
    provisional = rendered(divergence())
    confirmed = rendered(divergence(confirmation=Confirmation.CONFIRMED))

    assert "Gold's price was under 1 s old, IWM's 16 h 35 min." in provisional.text
    assert "Provisional: a live price of Gold against the last close of IWM." in provisional.text
    assert "Confirmed: decided by both legs' closes." in confirmed.text
    assert "Provisional" not in confirmed.text


def test_early_warning_that_the_close_confirms_says_so() -> None:
    message = rendered(divergence(type=Transition.REVISED, confirmation=Confirmation.CONFIRMED))

    for form in (message.text, message.html):
        assert "Confirmed at the close: Gold is rich against IWM, z +2.31." in form
        assert "These numbers replace the earlier ones." in form


@pytest.mark.parametrize(
    "changes",
    [{}, {"confirmation": Confirmation.CONFIRMED, "is_flapping": True}],
)
def test_other_revision_claims_no_confirmation_at_the_close(changes: dict[str, Any]) -> None:
    text = rendered(divergence(type=Transition.REVISED, **changes)).text

    assert "These numbers replace the earlier ones." in text
    assert "Confirmed at the close" not in text


def test_ended_divergence_promises_no_next_close() -> None:
    assert "next close" in rendered(divergence()).text
    assert "next close" not in rendered(divergence(type=Transition.EXPIRED)).text


def test_simulated_market_is_marked_in_subject_and_both_bodies() -> None:
    message = rendered(simulated())

    assert message.subject.startswith("[SIMULATED] ")
    assert "SIMULATED MARKET" in message.text
    assert "SIMULATED MARKET" in message.html


def test_real_market_is_not_marked() -> None:
    message = rendered(divergence())

    assert "SIMULATED" not in message.subject + message.text + message.html


def test_text_from_a_feed_cannot_become_markup() -> None:
    legs = tuple(replace(leg, source="<script>alert(1)</script>&") for leg in divergence().legs)

    message = rendered(divergence(legs=legs))

    assert "<script>" not in message.html
    assert "&lt;script&gt;" in message.html
    assert "<script>alert(1)</script>&" in message.text


def test_subject_is_one_line() -> None:
    assert "\n" not in rendered(divergence(pair="gold\nbcc: x-iwm")).subject


def test_html_is_closed_properly() -> None:
    open_tags: list[str] = []

    class Checker(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag not in ("meta", "br"):
                open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert open_tags.pop() == tag

    Checker().feed(rendered(simulated()).html)

    assert open_tags == []


@pytest.mark.parametrize(("z", "width"), [(0.0, "50.0%"), (2.25, "75.0%"), (-9.0, "0.0%"), (9.0, "100.0%")])
def test_marker_stands_where_z_is(z: float, width: str) -> None:
    assert f'<td width="{width}" align="right"' in rendered(divergence(values={"z_90": z})).html


def test_other_pairs_and_no_legs_render_too() -> None:
    message = rendered(divergence(pair="bitcoin-sp-500", legs=(), links={}, thresholds={}))

    assert message.subject == "Bitcoin is rich against SP 500, z +2.31 (provisional)"
    assert "Live page" not in message.text


def test_levels_lie_on_both_sides_and_the_hold_is_a_length_of_time() -> None:
    """Would have caught: the mail said "hold seconds ±300.0"."""
    thresholds = {"warning": 2.0, "critical": 3.0, "leave": 1.0, "hold_seconds": 300.0}

    message = rendered(divergence(thresholds=thresholds))

    for form in (message.text, message.html):
        assert "warns from ±2 · critical from ±3 · closes within ±1 · held for 5 min" in form
        assert "300" not in form


def test_test_message_shows_no_empty_tables_and_names_the_legs() -> None:
    nothing = divergence(
        type=Transition.TEST,
        values={},
        legs=(),
        thresholds={},
        hedge=Hedge(ratio=UNKNOWN, beta=UNKNOWN, effectiveness=UNKNOWN, stress_corr=UNKNOWN),
    )

    message = rendered(nothing)

    assert message.subject == "Test message for Gold and IWM (provisional)"
    for form in (message.text, message.html):
        assert "Test message for Gold and IWM" in form
        assert "not known yet" not in form
        assert "UTC" in form
    assert not {"STATISTICS", "PRICES", "HEDGE"} & set(message.text.splitlines())
    assert not [name for name in ("Statistics", "Prices", "Hedge") if f">{name}<" in message.html]


def test_real_message_shows_every_table() -> None:
    message = rendered(divergence())

    assert {"STATISTICS", "PRICES", "TIMES", "HEDGE", "EVIDENCE"} <= set(message.text.splitlines())
    assert all(f">{name}<" in message.html for name in ("Statistics", "Prices", "Times", "Hedge", "Evidence"))


def test_absurd_number_is_no_reason_to_crash() -> None:
    values = {"log_ratio": 1e300, "mean_90": 0.0, "z_90": 1e300, "pctl_90": -1e300}

    assert "not known yet" in rendered(divergence(values=values)).text


def test_equal_events_give_equal_messages() -> None:
    assert rendered(divergence()) == rendered(divergence())
