"""What goes into a queue comes out once, in order, or is counted as dropped."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from services.ingestor.core.send_queue import Dropped, Entry, SendQueue
from shared.domain.bars import BarBatch
from shared.domain.ticks import FeedAuthority, FeedFault, FeedStatus, QuoteBatch, TradeBatch
from tests.unit.ingestor.ticks import authority, bar, bar_batch, fault, quotes, status, trades

_steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["quotes", "trades"]), st.integers(1, 30)),
        st.tuples(st.sampled_from(["status", "bars", "authority", "fault", "take"]), st.just(1)),
    ),
    max_size=60,
)


_KINDS = ("quotes", "trades", "bars", "status", "authority", "fault")


class _Ledger:
    """What was put in, and what came out."""

    def __init__(self) -> None:
        self.put: dict[str, list[float]] = {kind: [] for kind in _KINDS}
        self.taken: dict[str, list[float]] = {kind: [] for kind in _KINDS}

    def take(self, queue: SendQueue) -> bool:
        match queue.take():
            case QuoteBatch() as batch:
                self.taken["quotes"] += batch.bid.tolist()
            case TradeBatch() as batch:
                self.taken["trades"] += batch.price.tolist()
            case BarBatch() as batch:
                self.taken["bars"] += [each.close for each in batch.bars]
            case FeedStatus() as last:
                self.taken["status"].append(last.watermark_ns)
            case FeedAuthority() as taken:
                self.taken["authority"].append(taken.since_ns)
            case FeedFault() as begun:
                self.taken["fault"].append(begun.at_ns)
            case None:
                return False
        return True


def _entry(kind: str, values: list[float]) -> Entry:
    match kind:
        case "quotes":
            return quotes(*values)
        case "trades":
            return trades(*values)
        case "bars":
            return bar_batch(bar("2020-03-18", values[0]))
        case "authority":
            return authority("test", since_ns=int(values[0]))
        case "fault":
            return fault(int(values[0]))
        case _:
            return status(int(values[0]))


@given(steps=_steps, max_ticks=st.integers(1, 50))
def test_nothing_is_lost_uncounted_doubled_or_reordered(steps: list[tuple[str, int]], max_ticks: int) -> None:
    queue, ledger = SendQueue(max_ticks=max_ticks), _Ledger()
    dropped: Counter[str] = Counter()
    serial = 1.0
    for kind, count in steps:
        if kind == "take":
            ledger.take(queue)
            continue
        values = [serial + i for i in range(count)]
        serial += count
        ledger.put[kind] += values
        dropped.update(queue.put(_entry(kind, values)))
        assert queue.ticks <= max_ticks
    while ledger.take(queue):
        pass
    assert queue.is_empty
    assert queue.ticks == 0
    for kind in ("bars", "authority", "fault"):
        assert ledger.taken[kind] == ledger.put[kind]
    # Statuses coalesce, but the newest always arrives.
    assert ledger.taken["status"][-1:] == ledger.put["status"][-1:]
    for kind in ("quotes", "trades"):
        assert len(ledger.taken[kind]) + dropped[Dropped(kind)] == len(ledger.put[kind])
        assert ledger.taken[kind] == sorted(set(ledger.taken[kind]))
        assert set(ledger.taken[kind]) <= set(ledger.put[kind])


_sources = st.lists(
    st.tuples(st.sampled_from(["kraken", "coinbase"]), st.integers(1, 20), st.booleans()), max_size=40
)


@given(sources=_sources, max_ticks=st.integers(1, 50))
def test_every_tick_comes_out_behind_the_authority_of_its_own_feed(
    sources: list[tuple[str, int, bool]], max_ticks: int
) -> None:
    queue, present = SendQueue(max_ticks=max_ticks), ""
    taken: list[Entry | None] = []
    for feed, count, is_taken in sources:
        if feed != present:
            queue.put(authority(feed, previous=present or None))
            present = feed
        queue.put(quotes(*(1.0 + i for i in range(count)), feed=feed))
        queue.put(replace(status(count), feed=feed))
        if is_taken:
            taken.append(queue.take())
    while not queue.is_empty:
        taken.append(queue.take())
    authoritative = ""
    for entry in taken:
        if isinstance(entry, FeedAuthority):
            authoritative = entry.feed
        elif entry is not None:
            assert isinstance(entry, QuoteBatch | FeedStatus)
            assert entry.feed == authoritative
