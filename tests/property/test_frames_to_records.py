"""Changed frames of every venue, through its parser and the rules for ticks, to the records of the log."""

import gzip
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingestor.feeds.registry import STREAMING_VENUES
from tests.fuzz.venue_frames import FrameError, fuzz_venue
from tests.support.data import shared_data
from tests.support.frame_mutations import FrameMutator
from tests.support.venue_sessions import SESSIONS, VenueSession

_FRAMES = 1_500
_each_venue = pytest.mark.parametrize("session", SESSIONS, ids=lambda each: f"{each.venue} {each.symbol}")


def test_every_venue_of_the_registry_has_frames_to_change() -> None:
    assert {session.venue for session in SESSIONS} == {venue.name for venue in STREAMING_VENUES}


@_each_venue
def test_changed_frames_lead_to_records_and_declared_errors_only(session: VenueSession) -> None:
    result = fuzz_venue(session, seed=20_140_507, count=_FRAMES)

    assert result.frames == _FRAMES
    assert result.ticks > 50
    assert result.rejected["undecodable"] > 200


@_each_venue
@given(seed=st.integers(0, 2**32))
def test_no_seed_leads_to_an_error_that_is_not_declared(session: VenueSession, seed: int) -> None:
    fuzz_venue(session, seed=seed, count=20)


@_each_venue
def test_the_same_frames_give_the_same_ticks(session: VenueSession) -> None:
    first, second = (fuzz_venue(session, seed=7, count=400) for _ in range(2))

    assert first == second
    assert first.digest != fuzz_venue(session, seed=8, count=400).digest


def test_an_error_that_is_not_declared_names_its_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise OverflowError("date value out of range")

    monkeypatch.setattr("tests.fuzz.venue_frames._check", fail)

    with pytest.raises(FrameError, match=r"kraken: frame [0-9]+ of seed 3: '") as caught:
        fuzz_venue(SESSIONS[0], seed=3, count=20)
    assert isinstance(caught.value.__cause__, OverflowError)


@pytest.mark.parametrize(
    ("venue", "recording"),
    [
        ("kraken", "cryptofeed_KRAKEN.ws.48.0.txt.gz"),
        ("coinbase", "cryptofeed_COINBASE.ws.28.0.txt.gz"),
        ("binance", "cryptofeed_BINANCE.ws.1.0.txt.gz"),
        ("kraken", "cryptofeed_BITFINEX.ws.11.0.txt.gz"),
    ],
)
def test_frames_of_recorded_sessions_changed_or_not_are_answered_with_events(
    venue: str, recording: str
) -> None:
    session = next(each for each in SESSIONS if each.venue == venue)
    protocol, mutator = session.protocol(), FrameMutator(5)
    with gzip.open(shared_data(f"raw_payloads/{recording}"), "rt") as lines:
        frames = [
            found[1] for line in lines if (found := re.match(r"[0-9.]+: (.*)", line)) and len(line) < 10_000
        ][:3_000]
    assert len(frames) > 40
    for frame in frames:
        for each in (frame, mutator.change(frame)):
            assert isinstance(protocol.receive(each), list)
