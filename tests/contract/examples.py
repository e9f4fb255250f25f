"""One value of every record type with every field set; their bytes are frozen in ``golden/``.

``python -m tests.contract.examples`` writes files for examples that have none yet. It never changes one: what
others have stored does not change, a new shape is a new version.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from shared.contracts.envelope import Contract
from shared.contracts.records import BARS, DEADLETTERS, DELIVERIES, DIVERGENCES, MACRO, PROOFS, SIGNALS
from shared.contracts.ticks import decode_tick_record, encode_tick_record
from shared.domain.bars import Bar, BarBatch, BarsMode, BarStatus
from shared.domain.deliveries import Channel, DeadLetter, DeliveryOutcome, Outcome
from shared.domain.divergences import (
    Confirmation,
    Direction,
    DivergenceEvent,
    Estimate,
    Evidence,
    EvidenceInput,
    Hedge,
    Interval,
    Kind,
    Leg,
    Null,
    ObservedOpenings,
    Period,
    Severity,
    Significance,
    Transition,
)
from shared.domain.macro import Observation
from shared.domain.proofs import AppliedRecords, DayProof, EventsOfDay, Mark
from shared.domain.snapshots import (
    ConfirmedStatistics,
    LegFault,
    LegSnapshot,
    OpenDivergence,
    OutcomeStart,
    OutcomeSummary,
    PairSnapshot,
    ProvisionalStatistics,
    SessionHistory,
    Trigger,
    TriggerAt,
)
from shared.domain.ticks import (
    AuthorityReason,
    FeedAuthority,
    FeedFault,
    FeedFaultKind,
    FeedState,
    FeedStatus,
    QuoteBatch,
    TradeBatch,
)

GOLDEN = Path(__file__).with_name("golden")
_NS = 1399033800043142000


@dataclass(frozen=True)
class Example:
    """A value, and how its topic writes and reads it."""

    topic: str
    name: str
    value: Any
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]

    @property
    def path(self) -> Path:
        """Return where its bytes are."""
        return GOLDEN / (f"{self.topic}.{self.name}.json" if self.name else f"{self.topic}.json")


def _ticks(name: str, value: object) -> Example:
    return Example("ticks.v1", name, value, encode_tick_record, decode_tick_record)


def _record(contract: Contract[Any], value: object, *, variant: str = "") -> Example:
    return Example(f"{contract.schema}.v1", variant, value, contract.encode, contract.decode)


_BAR = Bar(
    instrument="IWM.ARCX",
    session="2020-03-18",
    close=99.97,
    adj_close=97.12345678901234,
    known_at_ns=1584576900000000000,
    status=BarStatus.CORRECTED,
    revision=1,
    source="yahoo",
    open=104.5,
    high=105.25,
    low=95.0,
    volume=71234500.0,
)
_BARE_BAR = Bar(
    instrument="IWM.ARCX",
    session="2020-03-19",
    close=104.1,
    adj_close=104.1,
    known_at_ns=1584663300000000000,
    source="sampled",
)
_HEDGE = Hedge(
    ratio=Estimate(value=0.12, low=-0.1, high=0.34),
    beta=Estimate(value=-0.05, low=-0.14, high=0.04),
    effectiveness=Estimate(value=None),
    stress_corr=Estimate(value=0.21, low=-0.2, high=0.55),
    ratio_tls=Estimate(value=0.19, low=-0.16, high=0.51),
    ratio_kalman=Estimate(value=0.1, low=0.02, high=0.18),
)
_EVENT = DivergenceEvent(
    type=Transition.ESCALATED,
    event_id="ev_00112233445566778899aabbccddeeff",
    divergence_id="dv_00112233445566778899aabbccddeeff",
    fingerprint="fp_00112233445566778899aabbccddeeff",
    sequence=7,
    pair="gold-iwm",
    kind=Kind.CORRELATION_BREAK,
    direction=Direction.TIGHTENING,
    severity=Severity.CRITICAL,
    confirmation=Confirmation.CONFIRMED,
    occurred_at="2020-03-19T00:15:00.000000Z",
    opened_at="2020-02-25T01:15:00.000000Z",
    not_after="2020-03-22T00:15:00.000000Z",
    values={"fisher_z": 3.41, "corr_change": 0.69, "corr_20": 0.62, "corr_252": -0.07, "corr_90": None},
    thresholds={"warning": 2.58, "critical": 3.29, "leave": 1.64, "min_change": 0.3},
    hedge=_HEDGE,
    legs=(
        Leg(instrument="XAU/USD.REPLAY", price=1486.1, age_seconds=15300.0, source="sampled"),
        Leg(instrument="IWM.REPLAY", price=99.97, age_seconds=15300.0, source="replay"),
    ),
    evidence=Evidence(
        inputs=(
            EvidenceInput(instrument="XAU/USD.REPLAY", ts_event_ns=_NS),
            EvidenceInput(instrument="IWM.REPLAY", session="2020-03-18"),
        ),
        window_sha256="e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        rule_version="correlation_break-1-0572859c",
        code_version="0.1.0",
    ),
    links={"compare": "/compare/gold-vs-iwm"},
    significance=Significance(
        correlation=Estimate(value=0.62, low=0.24, high=0.83),
        effective_size=18.25,
        false_alarms_per_year=0.41,
        n_eff=18.25,
        interval=Interval(low=0.28, high=0.6),
        null=Null.CONSTANT_CORRELATION,
        period=Period(first_session="2007-01-03", last_session="2019-12-31"),
        observed=ObservedOpenings(count=9, per_year=Estimate(value=0.69, low=0.32, high=1.31)),
    ),
    probability=0.84,
    is_flapping=True,
)
_SNAPSHOT = PairSnapshot(
    pair="gold-iwm",
    title="Gold vs IWM",
    page="/compare/gold-vs-iwm",
    is_simulated=False,
    is_proxy=True,
    feed="kraken",
    feed_state=FeedState.LIVE,
    watermark="2020-03-19T14:00:00.500000Z",
    sessions_known=600,
    legs=(
        LegSnapshot(
            instrument="PAXG/USD.KRAKEN",
            title="Gold",
            price=1486.1,
            price_at="2020-03-19T14:00:00.000000Z",
            age_seconds=0.5,
            source="kraken",
            session=None,
            summary={"last": 1486.1, "change_1_pct": -0.01, "max": None},
            source_since="2020-03-19T13:59:00.000000Z",
            source_reason=AuthorityReason.OTHER_STALE,
            previous_source="coinbase",
            feed_state=FeedState.BREAK,
        ),
        LegSnapshot(
            instrument="IWM.ARCX",
            title="IWM",
            price=None,
            price_at=None,
            age_seconds=None,
            source=None,
            session=None,
            summary={},
        ),
    ),
    confirmed=ConfirmedStatistics(
        session="2020-03-18",
        known_at="2020-03-19T00:15:00.000000Z",
        values={"z_90": 5.21, "corr_252": None},
        regime="RISK_OFF",
    ),
    provisional=ProvisionalStatistics(
        ts_event="2020-03-19T14:00:00.000000Z",
        other_session="2020-03-18",
        lead_age_seconds=0.5,
        other_age_seconds=64800.5,
        values={"z_90": 5.3},
    ),
    undefined={"corr_252": "warming up: 120 of 253 sessions"},
    open=(
        OpenDivergence(
            divergence_id="dv_00112233445566778899aabbccddeeff",
            kind=Kind.RATIO_STRETCH,
            direction=Direction.RISK_ON,
            severity=Severity.WARNING,
            confirmation=Confirmation.PROVISIONAL,
            opened_at="2020-02-25T01:15:00.000000Z",
            is_inhibited=True,
            is_flapping=True,
        ),
    ),
    history=SessionHistory(
        session=("2020-03-17", "2020-03-18"),
        lead=(1528.2, 1486.1),
        other=(110.5, 99.97),
        log_ratio=(2.6268, 2.699),
    ),
    hedge=_HEDGE,
    outcomes=(
        OutcomeSummary(
            kind=Kind.HEDGE_LOST,
            direction=Direction.RISK_OFF,
            horizon_sessions=5,
            count=8,
            hits=5,
            hit_rate=Estimate(value=0.625, low=0.306, high=0.863),
            lead=Estimate(value=-0.0042, low=-0.0171, high=0.0087),
            other=Estimate(value=-0.0113, low=-0.0402, high=0.0176),
            ratio=Estimate(value=None),
            usual_rate=0.58,
            start=OutcomeStart.NEXT_CLOSE,
            episodes=6,
            hit_rate_adjusted=Estimate(value=0.625, low=0.121, high=0.964),
            comparisons=27,
        ),
    ),
    faults=(
        LegFault(
            instrument="PAXG/USD.KRAKEN",
            causes=("stale", "no_close_sample", "feeds_disagree"),
            since="2020-03-19T13:58:00.000000Z",
            details=("kraken 1486.10, coinbase 1460.25: 1.8 % apart",),
        ),
    ),
    triggers=(
        Trigger(
            kind=Kind.RATIO_STRETCH,
            direction=Direction.RISK_OFF,
            transition=Transition.CLOSED,
            lead_price=1391.42,
            at=TriggerAt.CLOSE,
        ),
    ),
)

EXAMPLES = (
    _ticks(
        "quotes",
        QuoteBatch(
            instrument="XAU/USD.REPLAY",
            feed="replay",
            ts_event_ns=np.array([_NS, _NS + 1]),
            ts_received_ns=np.array([_NS + 40_000_000, _NS + 40_000_001]),
            bid=np.array([1283.5, 1283.491]),
            ask=np.array([1284.0, 1284.0]),
        ),
    ),
    _ticks(
        "trades",
        TradeBatch(
            instrument="PAXG/USD.KRAKEN",
            feed="kraken",
            ts_event_ns=np.array([_NS, _NS]),
            ts_received_ns=np.array([_NS + 5, _NS + 5]),
            price=np.array([1283.75, 1283.8]),
            size=np.array([0.0125, 2.0]),
            trade_id=("4711", ""),
        ),
    ),
    _ticks(
        "status",
        FeedStatus(instrument="XAU/USD.REPLAY", feed="replay", state=FeedState.STALE, watermark_ns=_NS),
    ),
    _ticks(
        "authority",
        FeedAuthority(
            instrument="PAXG/USD.KRAKEN",
            feed="coinbase",
            since_ns=_NS,
            reason=AuthorityReason.OTHER_STALE,
            previous="kraken",
        ),
    ),
    _ticks(
        "fault",
        FeedFault(
            instrument="PAXG/USD.KRAKEN",
            feed="coinbase",
            fault=FeedFaultKind.FEEDS_DISAGREE,
            is_open=True,
            at_ns=_NS,
            detail="coinbase says 1283.50 and kraken 1301.25: 1.4 % apart for 30 s, at most 1.0 % is usual",
        ),
    ),
    _ticks(
        "bars",
        BarBatch(instrument="IWM.ARCX", mode=BarsMode.HISTORY, bars=(_BAR, _BARE_BAR)),
    ),
    _record(BARS, _BAR),
    _record(
        MACRO,
        Observation(
            series="fred:DFII10",
            date="2020-03-18",
            vintage="2020-03-19",
            value=0.65,
            unit="percent",
            source="fred",
            known_at_ns=1584680400000000000,
        ),
    ),
    _record(
        MACRO,
        Observation(
            series="fred:DFII10",
            date="2020-04-10",
            vintage="2020-04-13",
            value=None,
            unit="percent",
            source="fred",
            known_at_ns=1586840400000000000,
        ),
        variant="no_value",
    ),
    _record(SIGNALS, _SNAPSHOT),
    _record(DIVERGENCES, _EVENT),
    _record(
        DELIVERIES,
        DeliveryOutcome(
            delivery_id="dl_00112233445566778899aabbccddeeff",
            event_id="ev_00112233445566778899aabbccddeeff",
            subscription="desk",
            channel=Channel.WEBHOOK,
            outcome=Outcome.REJECTED,
            reason="status_404",
            attempts=3,
            message_id="ev_00112233445566778899aabbccddeeff",
            ended_at="2020-03-19T00:15:04.000000Z",
            endpoint_sequence=17,
            pair="gold-iwm",
            divergence_id="dv_00112233445566778899aabbccddeeff",
        ),
    ),
    _record(
        DELIVERIES,
        DeliveryOutcome(
            delivery_id="dl_ffeeddccbbaa99887766554433221100",
            event_id="ev_00112233445566778899aabbccddeeff",
            subscription="ann",
            channel=Channel.EMAIL,
            outcome=Outcome.SUPPRESSED,
            reason="below_severity",
            attempts=0,
            message_id="",
            ended_at="2020-03-19T00:15:00.000000Z",
            pair="gold-iwm",
            divergence_id="dv_00112233445566778899aabbccddeeff",
        ),
        variant="suppressed",
    ),
    _record(
        PROOFS,
        DayProof(
            lead="XAU/USD.REPLAY",
            day="2020-03-18",
            part=1,
            parts=1,
            topic="ticks.v1",
            partition=2,
            inputs=AppliedRecords(
                first_offset=86_400,
                last_offset=172_900,
                records=86_399,
                digest="3f" * 32,
                marks=(Mark(offset=86_463, digest="0123456789abcdef"),),
            ),
            events=(EventsOfDay(pair="gold-iwm", first_sequence=7, digests=("a0" * 32, "b1" * 32)),),
            configurations=("c2" * 32,),
            code_version="0.1.0",
            state="d3" * 32,
            previous="e4" * 32,
            has_earlier_state=True,
            root="f5" * 32,
            key_id="0a1b2c3d4e5f6071",
            signature="c2lnbmF0dXJl",
        ),
    ),
    _record(
        DEADLETTERS,
        DeadLetter(
            origin="ticks.v1",
            partition=2,
            offset=41,
            reason="crossed",
            message="ticks: a bid is above its ask",
            first_bytes="eyJzY2hlbWEiOiJ0aWNrcyJ9",
        ),
    ),
)


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for example in EXAMPLES:
        if not example.path.exists():
            example.path.write_bytes(example.encode(example.value))
