"""What the replay feed says of its progress while it emits."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.ingestor.app import replay_feed
from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.replay.feed import ReplayFeed
from shared.clock import SystemClock
from shared.config import load_settings
from shared.domain.bars import Bar
from shared.domain.instants import format_rfc3339
from shared.domain.macro import Observation
from shared.domain.ticks import FeedAuthority, FeedFault, FeedStatus, QuoteBatch, TradeBatch
from shared.errors import ConfigError, DataError
from shared.files.timeline import Recording
from tests.support.builders_market import calendar, pair


class Listener:
    """A sink that asks for the status just before each new bar is queued: that is where one may fall."""

    def __init__(self) -> None:
        self.feed: ReplayFeed | None = None
        self.seen: list[tuple[str, bool]] = []
        self.statuses: list[tuple[int, str]] = []

    def put_ticks(self, batch: QuoteBatch | TradeBatch) -> None:
        """Pass."""

    def put_bars(self, bars: tuple[Bar, ...], *, is_history: bool) -> None:
        """Note whether time has come to the bar before the bar has."""
        assert self.feed is not None
        assert not is_history
        is_told = any(status.watermark_ns >= bars[0].known_at_ns for status in self.feed.statuses())
        self.seen.append((bars[0].session, is_told))

    def put_status(self, status: FeedStatus) -> None:
        """Note after how many bars the status comes, and how far time has come with it."""
        self.statuses.append((len(self.seen), format_rfc3339(status.watermark_ns)))

    def put_authority(self, authority: FeedAuthority) -> None:
        raise AssertionError(authority)

    def put_feed_fault(self, fault: FeedFault) -> None:
        raise AssertionError(fault)

    def put_observations(self, observations: tuple[Observation, ...]) -> None:
        raise AssertionError(observations)

    def put_provisional_bars(self, bars: tuple[Bar, ...]) -> None:
        """Pass."""

    def reject(self, *, feed: str, raw: bytes, error: DataError) -> None:
        """Refuse: nothing here is to be rejected."""
        raise AssertionError(error)

    async def wait_for_room(self, instrument: str) -> None:
        """Have room."""


async def listen(tmp_path: Path) -> Listener:
    """Replay two sessions of both legs."""
    files = tmp_path / "gold.csv", tmp_path / "iwm.csv"
    for path in files:
        path.write_text("date,close\n2019-06-03,100\n2019-06-04,101\n")
    listener = Listener()
    listener.feed = ReplayFeed(
        Recording(lead_files=(files[0],), other_files=(files[1],)),
        pair=pair(),
        calendar=calendar(),
        speed=0,
        is_held_open=False,
        clock=SystemClock(),
    )

    await listener.feed.run(listener)
    return listener


async def test_no_status_falls_between_the_bars_of_one_instant(tmp_path: Path) -> None:
    """Would have caught: time came to 20:15 with gold's bar, and a hold that ended then missed IWM's."""
    listener = await listen(tmp_path)

    assert listener.seen == [(day, False) for day in ("2019-06-03", "2019-06-03", "2019-06-04", "2019-06-04")]


async def test_time_comes_to_the_bars_of_one_instant_before_the_next_ones(tmp_path: Path) -> None:
    """Would have caught: years of daily bars all waited for the status of the next second."""
    listener = await listen(tmp_path)

    first, second = "2019-06-04T00:15:00.000000Z", "2019-06-05T00:15:00.000000Z"
    assert listener.statuses == [(2, first), (4, second), (4, second)]


async def test_what_is_noticed_about_a_file_is_logged(tmp_path: Path) -> None:
    with capture_logs() as logs:
        await listen(tmp_path)

    noted = [(each["log_level"], each["text"]) for each in logs if each["event"] == "replay_file_noted"]
    assert noted == [
        ("warning", "has no adj_close: if IWM pays dividends, its returns include each drop by one")
    ]


def _of_variables(folder: Path, dates: tuple[str, ...], closes: tuple[str, ...]) -> ReplayFeed:
    """Return the feed that the variables of the environment describe, on one file for both legs."""
    path = folder / "leg.csv"
    rows = "".join(f"{day};{close}\n" for day, close in zip(dates, closes, strict=True))
    path.write_text("date;open;high;low;close\n" + rows.replace(";", ";1;1;1;"))
    settings = load_settings(IngestorSettings).model_copy(
        update={"replay_lead_files": (path,), "replay_other_files": (path,), "replay_speed": 0.0}
    )
    return replay_feed(settings.model_copy(update={"replay_hold_open": False}), (pair(),), SystemClock())


@pytest.mark.parametrize(
    ("dates", "closes", "variable", "value"),
    [
        (("06/03/2019", "06/04/2019"), ("1.5", "1.6"), "DATE_ORDER", "mdy"),
        (("2019-06-03", "2019-06-04"), ("1,500", "1,600"), "DECIMAL", "comma"),
        (("2019-06-03 16:00", "2019-06-04 16:00"), ("1.5", "1.6"), "TIMEZONE", "America/New_York"),
        (("2019-06-03", "2019-06-04"), ("1.5", "-1"), "SKIP_BAD_ROWS", "true"),
    ],
)
async def test_what_a_file_leaves_open_is_said_by_a_variable(
    dates: tuple[str, ...],
    closes: tuple[str, ...],
    variable: str,
    value: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if variable != "SKIP_BAD_ROWS":
        with pytest.raises(ConfigError) as caught:
            await _of_variables(tmp_path, dates, closes).run(Listener())
        assert f"CONVEX_INGESTOR_REPLAY_{variable}=" in str(caught.value)
        assert "--" not in str(caught.value)

    monkeypatch.setenv(f"CONVEX_INGESTOR_REPLAY_{variable}", value)
    listener = Listener()
    listener.feed = _of_variables(tmp_path, dates, closes)
    await listener.feed.run(listener)

    sessions = ["2019-06-03"] if variable == "SKIP_BAD_ROWS" else ["2019-06-03", "2019-06-04"]
    assert sorted({session for session, _ in listener.seen}) == sessions


def test_zone_that_is_none_is_named_with_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVEX_INGESTOR_REPLAY_TIMEZONE", "Europe/Nowhere")

    with pytest.raises(ConfigError, match="CONVEX_INGESTOR_REPLAY_TIMEZONE=Europe/Nowhere: is not a zone"):
        _of_variables(tmp_path, ("2019-06-03",), ("1.5",))
