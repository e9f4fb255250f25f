import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.notifier.core.event_validation import MAX_VALUE_BYTES, check_event, check_size
from services.notifier.metrics import DEAD_LETTER_REASONS
from shared.domain.divergences import EvidenceInput
from shared.errors import QualityError
from tests.support.builders import divergence
from tests.support.builders_kinds import KINDS_AND_DIRECTIONS, divergence_of


def test_usual_event_is_admitted() -> None:
    for kind, direction in KINDS_AND_DIRECTIONS:
        check_event(divergence_of(kind, direction))


@pytest.mark.parametrize("sequence", [0, 1, (1 << 63) - 1])
def test_first_and_last_sequence_are_admitted(sequence: int) -> None:
    check_event(divergence(sequence=sequence))


@pytest.mark.parametrize("sequence", [-1, 1 << 63, (1 << 64) - 1, -(1 << 63)])
def test_sequence_that_no_column_can_hold_is_refused(sequence: int) -> None:
    """Would have caught: 2^63 ended the process, and its partition never went on."""
    with pytest.raises(QualityError, match=r"^sequence must be") as caught:
        check_event(divergence(sequence=sequence))

    assert caught.value.reason == "bad_sequence"


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "a\r\nBcc: x@y.z", "\x7f", "\x85", "\t"])
@pytest.mark.parametrize(
    "change",
    [
        lambda event, text: replace(event, links={"compare": text}),
        lambda event, text: replace(event, links={text: "/compare"}),
        lambda event, text: replace(event, values={text: 1.0}),
        lambda event, text: replace(event, thresholds={text: 1.0}),
        lambda event, text: replace(event, legs=(replace(event.legs[0], instrument=text),)),
        lambda event, text: replace(event, legs=(event.legs[0], replace(event.legs[1], source=text))),
        lambda event, text: replace(event, evidence=replace(event.evidence, code_version=text)),
        lambda event, text: replace(
            event, evidence=replace(event.evidence, inputs=(EvidenceInput(instrument="A", session=text),))
        ),
    ],
)
def test_text_that_no_header_and_no_column_can_hold_is_refused(change: Any, text: str) -> None:
    with pytest.raises(QualityError, match=r"^a text must not contain control characters") as caught:
        check_event(change(divergence(), text))

    assert caught.value.reason == "bad_text"


def test_text_in_any_language_is_admitted() -> None:
    check_event(divergence(links={"compare": "/compare/gold-für-日本-𝛽"}))


@pytest.mark.parametrize("ts_event_ns", [-1, 7_258_118_400 * 10**9, 1 << 63])
def test_evidence_from_no_time_is_refused(ts_event_ns: int) -> None:
    event = divergence()
    odd = replace(event.evidence, inputs=(EvidenceInput(instrument="A", ts_event_ns=ts_event_ns),))

    with pytest.raises(QualityError, match=r"^ts_event_ns must be") as caught:
        check_event(replace(event, evidence=odd))

    assert caught.value.reason == "bad_instant"


def test_value_may_be_as_large_as_the_limit_and_no_larger() -> None:
    check_size(None)
    check_size(bytes(MAX_VALUE_BYTES))
    with pytest.raises(QualityError, match="at most 262144 bytes, was 262145") as caught:
        check_size(bytes(MAX_VALUE_BYTES + 1))

    assert caught.value.reason == "too_large"


def test_every_reason_stands_at_zero() -> None:
    code = Path(check_event.__code__.co_filename).read_text(encoding="utf-8")
    raised = set(re.findall(r'reason="(\w+)"', code))

    assert len(raised) == 5
    assert raised <= set(DEAD_LETTER_REASONS)


@pytest.mark.parametrize("instant", ["1970-01-02T00:00:00Z", "2199-12-31T23:59:59.999999999Z"])
def test_first_and_last_instant_are_admitted(instant: str) -> None:
    check_event(divergence(occurred_at=instant, opened_at=instant, not_after=instant))


@pytest.mark.parametrize("instant", ["1970-01-01T23:59:59.999999999Z", "2200-01-01T00:00:00Z"])
def test_instant_before_the_first_or_after_the_last_is_refused(instant: str) -> None:
    with pytest.raises(QualityError, match="from 1970 to 2200"):
        check_event(divergence(not_after=instant))


@pytest.mark.parametrize("field", ["event_id", "divergence_id", "fingerprint", "pair"])
@pytest.mark.parametrize("value", ["", "a b", "ev_1\r\nX-Injected: 1", "ev_ü", "x" * 65])
def test_identity_that_no_header_can_carry_is_refused(field: str, value: str) -> None:
    with pytest.raises(QualityError, match=f"^{field} must be") as caught:
        check_event(divergence(**{field: value}))

    assert caught.value.reason == "bad_identity"


@pytest.mark.parametrize("field", ["occurred_at", "opened_at", "not_after"])
@pytest.mark.parametrize(
    "value",
    [
        "",
        "yesterday",
        "2014-05-02",
        "2014-05-02T12:35:10",
        "2014-13-02T12:35:10Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
    ],
)
def test_instant_that_cannot_be_read_is_refused(field: str, value: str) -> None:
    with pytest.raises(QualityError, match=f"^{field} must be") as caught:
        check_event(divergence(**{field: value}))

    assert caught.value.reason == "bad_instant"
