"""Whatever bars come: no fault lasts for ever, and restarts and batches of bars change nothing."""

from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from services.signals.core.legs.bar_quality import why_unusable
from services.signals.core.legs.history import LegHistory
from services.signals.core.legs.quarantine import MOST_QUARANTINED, screen, with_bar, without_unusable
from shared.contracts.records import DIVERGENCES
from shared.contracts.ticks import TickRecord, decode_tick_record, encode_tick_record
from shared.domain.bars import Bar, BarBatch, BarsMode
from shared.domain.divergences import Kind, Transition
from shared.domain.sessions import bar_final_at_ns
from tests.support.builders_market import LEAD, OTHER, bar, bar_batch, status
from tests.support.faulty_bars import SESSIONS, Run, as_log, quiet_bars, split_batches

COUNT, LIVE = 118, 18
BARS = quiet_bars(COUNT)
few = settings(max_examples=max(1, settings().max_examples // 8))


@dataclass(frozen=True)
class Oddity:
    """What happens to one bar."""

    leg: str
    row: int
    raw: float
    adjusted: float
    then: str


FACTOR = st.sampled_from([0.01, 0.1, 0.5, 2 / 3, 0.87, 0.99, 1.0, 1.6, 2.0, 10.0, 100.0])
ODDITY = st.builds(
    Oddity,
    leg=st.sampled_from([LEAD, OTHER]),
    row=st.one_of(st.integers(0, COUNT - 1), st.integers(COUNT - LIVE, COUNT - 1)),
    raw=FACTOR,
    adjusted=FACTOR,
    then=st.sampled_from(
        ["", "", "corrected", "wrong again", "late", "missing", "repeated", "level", "resent"]
    ),
)
oddities = st.lists(ODDITY, max_size=6)


def log_of(odd: list[Oddity]) -> list[TickRecord]:
    legs = {leg: list(bars) for leg, bars in BARS.items()}
    later: list[Bar] = []
    for each in odd:
        bars, right = legs[each.leg], BARS[each.leg][each.row]
        wrong = replace(right, close=right.close * each.raw, adj_close=right.adj_close * each.adjusted)
        bars[each.row] = wrong
        after_ns = right.known_at_ns + 50 * 3_600 * 10**9
        match each.then:
            case "corrected":
                later.append(replace(right, revision=1, known_at_ns=after_ns))
            case "wrong again":
                later.append(replace(wrong, revision=1, close=wrong.close * 3, known_at_ns=after_ns))
            case "late":
                bars[each.row] = replace(wrong, known_at_ns=after_ns)
            case "repeated":
                for row in range(each.row, min(each.row + 9, COUNT)):
                    bars[row] = replace(bars[row], close=wrong.close, adj_close=wrong.adj_close)
            case "level":
                for row in range(each.row + 1, COUNT):
                    bars[row] = replace(
                        bars[row],
                        close=bars[row].close * each.raw,
                        adj_close=bars[row].adj_close * each.adjusted,
                    )
            case "resent":
                later.append(wrong)
    missing = {(each.leg, BARS[each.leg][each.row].session) for each in odd if each.then == "missing"}
    legs = {leg: [each for each in bars if (leg, each.session) not in missing] for leg, bars in legs.items()}
    return as_log(legs, live=LIVE) + _news(later)


def _news(bars: list[Bar]) -> list[TickRecord]:
    end_ns = max([bar_final_at_ns(SESSIONS.labels[-1]), *(each.known_at_ns for each in bars)])
    # A batch is used in the order in which its bars were known.
    bars.sort(key=lambda each: (each.known_at_ns, each.instrument != LEAD, each.session))
    return [*(bar_batch(each) for each in bars), status(end_ns)]


@few
@given(odd=oddities, restarts=st.frozensets(st.integers(0, 80), max_size=6))
def test_a_restart_in_the_middle_of_a_fault_changes_nothing(
    odd: list[Oddity], restarts: frozenset[int]
) -> None:
    log = log_of(odd)

    assert Run().take(log, restarts=restarts).bytes_made() == Run().take(log).bytes_made()


@few
@given(odd=oddities)
def test_bars_that_come_together_or_one_by_one_and_read_from_bytes_give_the_same(odd: list[Oddity]) -> None:
    log = log_of(odd)
    together: list[TickRecord] = []
    for record in log:
        last = together[-1] if together else None
        if (
            isinstance(last, BarBatch)
            and isinstance(record, BarBatch)
            and record.instrument == last.instrument
            and record.mode is last.mode is BarsMode.LIVE
        ):
            together[-1] = replace(last, bars=(*last.bars, *record.bars))
        else:
            together.append(record)

    expected = Run().take(log).bytes_made()
    assert Run().take(together).bytes_made() == expected
    assert Run().take([decode_tick_record(encode_tick_record(each)) for each in log]).bytes_made() == expected


@few
@given(odd=oddities, sizes=st.lists(st.integers(1, 40), min_size=1, max_size=4))
def test_closes_that_are_used_do_not_depend_on_how_a_history_was_cut(
    odd: list[Oddity], sizes: list[int]
) -> None:
    log = log_of(odd)
    whole, cut = Run().take(log), Run().take(split_batches(log, sizes))

    for leg in (LEAD, OTHER):
        assert cut.quarantined(leg) == whole.quarantined(leg)
        assert cut.causes(leg) == whole.causes(leg)
        assert cut.engine.legs[leg].history.closes.tolist() == whole.engine.legs[leg].history.closes.tolist()


@few
@given(odd=oddities)
def test_faults_open_and_close_in_turn_hold_back_what_opens_and_end_with_right_closes(
    odd: list[Oddity],
) -> None:
    made = Run().take(log_of(odd))
    at_fault: set[str] = set()
    for event in made.events:
        if event.kind is not Kind.DATA_FAULT:
            assert not at_fault or event.type not in (Transition.OPEN, Transition.ESCALATED)
        elif event.type is Transition.OPEN:
            assert event.direction not in at_fault
            assert len(event.values) > 0, "a fault has a reason"
            at_fault.add(event.direction)
        elif event.type is Transition.CLOSED:
            at_fault.remove(event.direction)
    for leg in made.engine.legs.values():
        quality = leg.data_quality
        assert len(quality.quarantined) <= MOST_QUARANTINED
        used = leg.history
        assert all(cause is None for cause in why_unusable(used.closes, used.adj_closes))
        assert not {each.session for each in quality.quarantined} & set(used.sessions)
        all_bars = LegHistory(limit=800)
        for each in BARS[leg.instrument]:
            all_bars.put(each)
        assert len(used) + len(quality.quarantined) <= len(all_bars)
    assert [DIVERGENCES.decode(DIVERGENCES.encode(event)) for event in made.events] == made.events


CLOSES = st.lists(st.sampled_from([100.0, 101.0, 99.0, 1_000.0, 50.0, 160.0, 10.0]), min_size=1, max_size=40)


@given(closes=CLOSES, cut=st.integers(0, 40))
def test_closes_are_screened_alike_one_by_one_and_all_at_once(closes: list[float], cut: int) -> None:
    bars = [bar(label, close) for label, close in zip(SESSIONS.labels[-40:], closes, strict=False)]
    whole, grown = LegHistory(limit=800), LegHistory(limit=800)
    for each in bars:
        whole.put(each)
    quarantined: tuple[Bar, ...] = ()
    for each in bars:
        screening = screen(grown, with_bar(quarantined, each), known=[known.session for known in quarantined])
        for session in screening.removed:
            grown.remove(session)
        for used in screening.used:
            grown.put(used)
        quarantined = screening.quarantined

    assert grown.sessions == without_unusable(whole).sessions


@given(
    moves=st.lists(
        st.sampled_from([0.01, 0.1, 0.5, 0.6, 0.99, 1.01, 1.7, 2.0, 10.0]), min_size=30, max_size=60
    )
)
def test_no_close_but_the_last_nine_waits_for_what_comes(moves: list[float]) -> None:
    closes = [100.0]
    for move in moves:
        closes.append(min(max(closes[-1] * move, 1e-6), 1e9))
    history = LegHistory(limit=800)
    for label, close in zip(SESSIONS.labels[-61:], closes, strict=False):
        history.put(bar(label, close))

    sessions = history.sessions
    last = len(sessions) - 1 - sessions.index(without_unusable(history).newest_session or "")

    assert last <= 9
