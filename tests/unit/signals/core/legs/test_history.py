"""One leg's closes, session by session: what a bar changes, and what is kept of it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signals.core.legs.bar_change import BarChange
from services.signals.core.legs.history import LegHistory, day_of
from shared.domain.bars import Bar, BarStatus
from tests.support.builders_market import bar, calendar


def leg(*bars: Bar, limit: int = 800) -> LegHistory:
    history = LegHistory(limit=limit)
    for each in bars:
        history.put(each)
    return history


def known_at(history: LegHistory, session: str) -> int | None:
    known = history.get(session)
    known_at_ns = None if known is None else known.known_at_ns
    assert history.known_at_ns(session) == known_at_ns
    assert history.has(session) is (known is not None)
    return known_at_ns


FIRST = bar("2019-06-03", 150.0)


def test_unknown_session_is_new() -> None:
    assert leg().put(FIRST) is BarChange.NEW


def test_same_bar_changes_nothing() -> None:
    assert leg(FIRST).put(replace(FIRST, revision=1, source="elsewhere")) is BarChange.UNCHANGED


def test_other_adjustment_of_the_same_close_is_no_correction() -> None:
    history = leg(FIRST)

    assert history.put(replace(FIRST, adj_close=148.0)) is BarChange.READJUSTED
    assert history.get("2019-06-03") == replace(FIRST, adj_close=148.0)


def test_other_close_of_a_higher_revision_corrects() -> None:
    history = leg(FIRST)
    corrected = replace(FIRST, close=151.0, revision=1, status=BarStatus.CORRECTED)

    assert history.put(corrected) is BarChange.CORRECTED
    assert history.get("2019-06-03") == corrected


@pytest.mark.parametrize(("revision", "source"), [(0, FIRST.source), (0, "another"), (1, "another")])
def test_other_close_of_a_lower_revision_or_of_another_source_is_outdated(revision: int, source: str) -> None:
    known = replace(FIRST, revision=1, status=BarStatus.CORRECTED)
    history = leg(known)

    assert history.put(replace(FIRST, close=151.0, revision=revision, source=source)) is BarChange.OUTDATED
    assert history.get("2019-06-03") == known


def test_other_close_of_the_same_revision_and_source_is_a_split_not_a_fact() -> None:
    """A source that adjusts for splits halves every older close: refusing them mixed two scales."""
    history = leg(FIRST)
    halved = replace(FIRST, close=FIRST.close / 2, adj_close=FIRST.adj_close / 2)

    assert history.put(halved) is BarChange.READJUSTED
    assert history.get("2019-06-03") == halved


def test_sessions_are_ascending_whatever_order_they_came_in() -> None:
    history = leg(*(bar(session) for session in ("2019-06-04", "2019-06-06", "2019-06-03", "2019-06-05")))

    assert history.sessions == ["2019-06-03", "2019-06-04", "2019-06-05", "2019-06-06"]
    newest = history.newest()
    assert newest is not None
    assert newest.session == "2019-06-06"


def test_empty_history_has_no_newest() -> None:
    assert leg().newest() is None
    assert (leg().newest_session, leg().newest_adj_close) == (None, None)
    assert leg().get("2019-06-03") is None


def test_oldest_session_goes_when_there_are_too_many() -> None:
    history = leg(*(bar(session) for session in ("2019-06-03", "2019-06-04", "2019-06-05")), limit=2)

    assert history.sessions == ["2019-06-04", "2019-06-05"]
    assert history.get("2019-06-03") is None


def test_session_older_than_everything_kept_changes_nothing() -> None:
    history = leg(bar("2019-06-04"), bar("2019-06-05"), limit=2)

    assert history.put(bar("2019-06-03")) is BarChange.NEW
    assert history.sessions == ["2019-06-04", "2019-06-05"]


def test_instants_are_kept_for_the_newest_sessions_and_for_the_bar_used_last() -> None:
    labels = calendar().labels[:12]
    history = leg(*(bar(session, known_at_ns=number) for number, session in enumerate(labels, 1)))

    assert [known_at(history, session) for session in labels] == [0, 0, 0, 0, 5, 6, 7, 8, 9, 10, 11, 12]
    history.put(bar(labels[1], 151.0, revision=1, known_at_ns=20))
    assert known_at(history, labels[1]) == 20
    history.put(bar(labels[10], 151.0, revision=1, known_at_ns=21))
    assert [known_at(history, labels[index]) for index in (1, 10, 11)] == [0, 21, 12]


def test_sources_that_come_and_go_leave_nothing_behind() -> None:
    labels = calendar().labels[:3]
    history = leg(*(bar(session) for session in labels))
    for revision in range(1, 200):
        history.put(replace(bar(labels[1], 150.0 + revision), revision=revision, source=f"s{revision}"))

    assert len(history.columns().origin_table) <= 5
    sources = [known.source for session in labels if (known := history.get(session)) is not None]
    assert sources == [FIRST.source, "s199", FIRST.source]


@pytest.mark.parametrize("session", ["1969-12-31", "2149-06-07", "not a date"])
def test_session_that_is_no_date_of_these_centuries_is_refused(session: str) -> None:
    history = leg(bar("1970-01-01"), bar("2149-06-06"))

    with pytest.raises(ValueError, match=r"from 1970 to 2149|isoformat"):
        history.put(replace(FIRST, session=session))
    assert history.sessions == ["1970-01-01", "2149-06-06"]
    assert history.get("1969-12-31") is None
    assert history.get("1970-01-02") is None


def test_columns_are_the_reader_s_own() -> None:
    history = leg(FIRST)

    history.days[0] = 1
    history.closes[0] = history.adj_closes[0] = 1.0
    assert history.get("2019-06-03") == FIRST


def test_more_origins_than_a_byte_counts_are_reported_apart() -> None:
    labels = calendar().labels
    assert len(labels) > 256
    history = leg(*(replace(bar(session), source=f"s{at}") for at, session in enumerate(labels)))
    for at, session in enumerate(labels):
        history.put(replace(bar(session), adj_close=75.0, source=f"r{at}"))
    restored = LegHistory.from_columns(history.columns(), instrument=bar(labels[0]).instrument, limit=800)

    for known in (history, restored):
        assert [known.get(session) is not None for session in labels] == [True] * len(labels)
        sources = [each.source for session in labels if (each := known.get(session)) is not None]
        assert sources == [f"r{at}" for at in range(len(labels))]


class _Plain:
    """The same history as a dictionary of bars."""

    def __init__(self, limit: int) -> None:
        self.limit, self.bars = limit, dict[str, Bar]()

    def put(self, new: Bar) -> str:
        old = self.bars.get(new.session)
        if old is None:
            self.bars[new.session] = new
            self.bars = {session: self.bars[session] for session in sorted(self.bars)[-self.limit :]}
            return "new"
        if (old.close, old.adj_close) == (new.close, new.adj_close):
            return "unchanged"
        told = "readjusted"
        if old.close != new.close and (old.revision, old.source) != (new.revision, new.source):
            if new.revision <= old.revision:
                return "outdated"
            told = "corrected"
        self.bars[new.session] = new
        return told


@given(
    st.integers(1, 12),
    st.lists(
        st.builds(
            lambda at, close, factor, revision, source, known: Bar(
                instrument="IWM.TEST",
                session=calendar().labels[at],
                close=close,
                adj_close=close * factor,
                known_at_ns=known,
                status=BarStatus.CORRECTED if revision else BarStatus.FINAL,
                revision=revision,
                source=source,
            ),
            at=st.integers(0, 20),
            close=st.sampled_from([150.0, 151.3, 149.99, 99.97000122070312, 100 / 3, 1e9]),
            factor=st.sampled_from([1.0, 0.5, 0.9871]),
            revision=st.integers(0, 2),
            source=st.sampled_from(["yahoo", "tiingo", "sampled"]),
            known=st.integers(1, 99),
        ),
        max_size=60,
    ),
    st.sets(st.integers(0, 60)),
)
def test_columns_know_what_a_dictionary_of_bars_knows(limit: int, bars: list[Bar], dumps: set[int]) -> None:
    history, plain = leg(limit=limit), _Plain(limit)
    for index, each in enumerate(bars):
        if index in dumps:
            history = LegHistory.from_columns(history.columns(), instrument="IWM.TEST", limit=limit)
        told = history.put(each)
        assert told == plain.put(each)
        if told in (BarChange.CORRECTED, BarChange.READJUSTED):
            assert history.get(each.session) == each
        assert len(history) == len(plain.bars)
        assert history.sessions == list(plain.bars)
        assert history.newest() == list(plain.bars.values())[-1]
        assert history.newest_session == list(plain.bars)[-1]
        assert history.newest_adj_close == list(plain.bars.values())[-1].adj_close
        for place, known in enumerate(reversed(plain.bars.values())):
            seen = history.get(known.session)
            assert seen is not None
            assert seen == (known if place < 8 else replace(known, known_at_ns=seen.known_at_ns))
            assert seen.known_at_ns in (0, known.known_at_ns)
    assert history.closes.tolist() == [each.close for each in plain.bars.values()]
    assert history.adj_closes.tolist() == [each.adj_close for each in plain.bars.values()]


def test_oldest_day_and_newest_close_are_those_of_the_first_and_the_last_session() -> None:
    history = leg(FIRST, bar("2019-06-05", 152.0), bar("2019-06-04", 151.0))

    assert (history.oldest_day, history.newest_close) == (day_of("2019-06-03"), 152.0)
    assert (leg().oldest_day, leg().newest_close) == (0, None)
