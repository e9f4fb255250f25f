"""When a provider's refusals count as final, and how long to wait after each."""

import pytest

from services.ingestor.core.refusals import (
    Patience,
    Refusal,
    RefusalRecord,
    RefusalVerdict,
    refusal_of_status,
)

_FINAL_KINDS = [Refusal.ACCESS, Refusal.UNKNOWN_SYMBOL, Refusal.BLOCKED]
_OTHER_KINDS = [Refusal.THROTTLED, Refusal.TOO_MANY_CONNECTIONS, Refusal.OTHER]


def _refused(record: RefusalRecord, kind: Refusal, *instants: float) -> list[RefusalVerdict]:
    return [record.on_refusal(kind, words="no", now=now) for now in instants]


def test_one_refusal_is_not_final_and_asks_for_no_wait() -> None:
    record = RefusalRecord()
    (verdict,) = _refused(record, Refusal.ACCESS, 0.0)
    assert verdict == RefusalVerdict(at_least_seconds=0.0, is_refused=False, is_news=False)
    assert record.at_least_seconds == 0.0
    assert record.words == "no"


@pytest.mark.parametrize("kind", _FINAL_KINDS)
def test_refusals_are_final_when_they_are_many_and_go_on_for_long(kind: Refusal) -> None:
    verdicts = _refused(RefusalRecord(), kind, 0.0, 150.0, 300.0, 450.0, 600.0, 4_200.0)
    assert [verdict.is_refused for verdict in verdicts] == [False] * 4 + [True, True]
    assert [verdict.is_news for verdict in verdicts] == [False] * 4 + [True, False]
    assert [verdict.at_least_seconds for verdict in verdicts[4:]] == [3_600.0, 3_600.0]


@pytest.mark.parametrize("kind", _FINAL_KINDS)
def test_many_refusals_in_a_short_time_are_not_final(kind: Refusal) -> None:
    verdicts = _refused(RefusalRecord(), kind, *(float(second) for second in range(599)))
    assert not any(verdict.is_refused for verdict in verdicts)


@pytest.mark.parametrize("kind", _FINAL_KINDS)
def test_few_refusals_over_a_long_time_are_not_final(kind: Refusal) -> None:
    verdicts = _refused(RefusalRecord(), kind, 0.0, 10_000.0, 20_000.0, 30_000.0)
    assert not any(verdict.is_refused for verdict in verdicts)


@pytest.mark.parametrize("kind", _OTHER_KINDS)
def test_cool_downs_and_other_refusals_are_never_final(kind: Refusal) -> None:
    verdicts = _refused(RefusalRecord(), kind, *(100.0 * number for number in range(1_000)))
    assert not any(verdict.is_refused for verdict in verdicts)


@pytest.mark.parametrize("kind", _FINAL_KINDS)
def test_success_in_between_starts_the_evidence_anew(kind: Refusal) -> None:
    record = RefusalRecord()
    _refused(record, kind, 0.0, 200.0, 400.0, 500.0)
    assert record.on_success() is False
    assert record.words == ""
    verdicts = _refused(record, kind, 600.0, 700.0, 800.0, 900.0)
    assert not any(verdict.is_refused for verdict in verdicts)


def test_refusal_of_another_kind_starts_the_evidence_anew() -> None:
    record = RefusalRecord()
    _refused(record, Refusal.ACCESS, 0.0, 200.0, 400.0, 500.0)
    verdicts = _refused(record, Refusal.UNKNOWN_SYMBOL, 700.0, 800.0, 900.0, 1_000.0, 1_200.0)
    assert not any(verdict.is_refused for verdict in verdicts)
    assert _refused(record, Refusal.UNKNOWN_SYMBOL, 1_300.0)[0].is_news


@pytest.mark.parametrize("between", _OTHER_KINDS)
def test_throttled_request_in_between_says_nothing_about_the_key(between: Refusal) -> None:
    record = RefusalRecord()
    _refused(record, Refusal.ACCESS, 0.0, 200.0, 400.0, 500.0)
    _refused(record, between, 550.0)
    assert _refused(record, Refusal.ACCESS, 600.0)[0].is_news


def test_refused_feed_stays_refused_whatever_the_next_refusal_says_and_a_success_ends_it() -> None:
    record = RefusalRecord()
    _refused(record, Refusal.ACCESS, 0.0, 200.0, 400.0, 500.0, 700.0)
    for kind in Refusal:
        (verdict,) = _refused(record, kind, 5_000.0)
        assert verdict == RefusalVerdict(at_least_seconds=3_600.0, is_refused=True, is_news=False)
    assert record.at_least_seconds == 3_600.0
    assert record.on_success() is True
    assert not record.is_refused
    assert record.at_least_seconds == 0.0


@pytest.mark.parametrize("kind", _OTHER_KINDS)
@pytest.mark.parametrize(("asked", "waits"), [(None, 60.0), (5.0, 60.0), (900.0, 900.0)])
def test_cool_down_is_at_least_a_minute_or_what_the_provider_asks(
    kind: Refusal, asked: float | None, waits: float
) -> None:
    verdict = RefusalRecord().on_refusal(kind, words="", now=0.0, retry_after_seconds=asked)
    assert verdict.at_least_seconds == waits


def test_what_the_provider_asks_holds_for_every_kind() -> None:
    for kind in Refusal:
        verdict = RefusalRecord().on_refusal(kind, words="", now=0.0, retry_after_seconds=7_200.0)
        assert verdict.at_least_seconds == 7_200.0


def test_waits_of_a_block_double_up_to_the_hour() -> None:
    verdicts = _refused(RefusalRecord(), Refusal.BLOCKED, *[0.0] * 40)
    assert [verdict.at_least_seconds for verdict in verdicts[:6]] == [120, 240, 480, 960, 1_920, 3_600]
    assert verdicts[-1].at_least_seconds == 3_600


@pytest.mark.parametrize("kind", _OTHER_KINDS)
def test_cool_downs_double_until_a_success_has_lasted(kind: Refusal) -> None:
    record = RefusalRecord()
    waits = []
    for _ in range(7):
        # Accepted each time, and then ended: too many connections.
        record.on_success(has_lasted=False)
        waits += [verdict.at_least_seconds for verdict in _refused(record, kind, 0.0)]
    assert waits == [60.0, 120.0, 240.0, 480.0, 900.0, 900.0, 900.0]
    assert record.words == "no"
    record.on_success()
    assert [verdict.at_least_seconds for verdict in _refused(record, kind, 0.0)] == [60.0]


@pytest.mark.parametrize("kind", _FINAL_KINDS)
def test_acceptance_that_has_not_lasted_is_a_success_for_the_key(kind: Refusal) -> None:
    record = RefusalRecord()
    _refused(record, kind, 0.0, 200.0, 400.0, 500.0, 700.0)
    assert record.on_success(has_lasted=False) is True
    assert not record.is_refused


@pytest.mark.parametrize(
    ("status", "refusal"),
    [
        *((status, Refusal.ACCESS) for status in (401, 402, 403, 407)),
        *((status, Refusal.UNKNOWN_SYMBOL) for status in (400, 404, 410, 422)),
        *((status, Refusal.BLOCKED) for status in (418, 451)),
        (429, Refusal.THROTTLED),
        *((status, None) for status in (301, 408, 425, 500, 502, 503, 520, 599)),
        *((status, Refusal.OTHER) for status in (405, 409, 426, 499)),
    ],
)
def test_status_that_opens_no_stream_is_evidence_of_its_kind(status: int, refusal: Refusal | None) -> None:
    assert refusal_of_status(status, is_web_page=False, has_key=True) is refusal


@pytest.mark.parametrize("status", [401, 402, 403, 407])
def test_access_is_refused_only_to_a_key_that_was_sent_and_never_by_a_web_page(status: int) -> None:
    for has_key in (True, False):
        assert refusal_of_status(status, is_web_page=True, has_key=has_key) is Refusal.OTHER
    assert refusal_of_status(status, is_web_page=False, has_key=False) is Refusal.BLOCKED
    assert _refused(RefusalRecord(), Refusal.OTHER, *(600.0 * n for n in range(20)))[-1].is_refused is False


@pytest.mark.parametrize("status", [400, 404, 410, 422])
def test_web_page_says_nothing_about_a_symbol(status: int) -> None:
    assert refusal_of_status(status, is_web_page=True, has_key=True) is Refusal.OTHER


@pytest.mark.parametrize(
    ("status", "refusal"),
    [(451, Refusal.BLOCKED), (429, Refusal.THROTTLED), (408, None), (503, None), (405, Refusal.OTHER)],
)
def test_other_statuses_mean_the_same_on_a_web_page(status: int, refusal: Refusal | None) -> None:
    assert refusal_of_status(status, is_web_page=True, has_key=False) is refusal


def test_patience_can_be_shorter() -> None:
    record = RefusalRecord(Patience(refusals=2, over_seconds=0.5, ask_again_seconds=3.0))
    verdicts = _refused(record, Refusal.ACCESS, 0.0, 0.6)
    assert verdicts[-1] == RefusalVerdict(at_least_seconds=3.0, is_refused=True, is_news=True)
