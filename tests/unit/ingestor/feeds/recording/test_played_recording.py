"""A recording is played in its order and at its time, the same each time."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.ingestor.feeds.ports import Sink
from services.ingestor.feeds.recording.lines import Recorded, RecordedAnswer, RecordedFrame, encode
from services.ingestor.feeds.recording.played_recording import (
    PlayedRecording,
    clock_at_begin,
    read_recording,
)
from services.ingestor.feeds.recording.segments import RecordingFolder
from shared.clock import ManualClock, SystemClock
from shared.domain.instants import from_ns
from shared.domain.ticks import FeedState, FeedStatus
from shared.errors import ConfigError
from tests.support.fake_feeds.sink import RecordingSink

_BEGIN = 1_790_938_385_000_000_000
_SECOND = 1_000_000_000


def _write(folder: Path, *lines: Recorded) -> None:
    holder = RecordingFolder(folder, max_bytes=1 << 20)
    segment = holder.begin_segment(from_ns(_BEGIN))
    for line in lines:
        segment.write(encode(line))
    segment.close()
    holder.close()


def _frame(after_seconds: float, feed: str = "kraken") -> RecordedFrame:
    return RecordedFrame(feed=feed, received_ns=_BEGIN + int(after_seconds * _SECOND), raw="{}")


class _Player:
    """Notes at which time of the clock it gets what."""

    instruments: tuple[str, ...] = ("PAXG/USD.KRAKEN",)

    def __init__(self, feed: str, clock: ManualClock) -> None:
        self._feed = feed
        self._clock = clock
        self.seen: list[tuple[int, int]] = []

    def take(self, frame: RecordedFrame, sink: Sink) -> bool:
        if frame.feed != self._feed:
            return False
        self.seen.append((frame.received_ns, self._clock.now_ns()))
        return True

    def statuses(self) -> Iterable[FeedStatus]:
        now_ns = self._clock.now_ns()
        return (
            FeedStatus(
                instrument=self.instruments[0], feed=self._feed, state=FeedState.LIVE, watermark_ns=now_ns
            ),
        )


@contextmanager
def _played(folder: Path, *, speed: float = 0.0) -> Iterator[tuple[PlayedRecording, _Player, list[int]]]:
    clock = clock_at_begin(folder)
    player = _Player("kraken", clock)
    decided: list[int] = []
    yield (
        PlayedRecording(
            folder,
            players=[player],
            decide=lambda _: decided.append(clock.now_ns()),
            status_interval_seconds=1.0,
            clock=clock,
            speed=speed,
            wall=SystemClock(),
        ),
        player,
        decided,
    )


async def test_clock_stands_at_the_time_of_each_frame_and_statuses_come_between(tmp_path: Path) -> None:
    _write(tmp_path, _frame(0), _frame(0.4), _frame(2.5))
    sink = RecordingSink()
    with _played(tmp_path) as (recording, player, decided):
        await recording.run(sink)
    assert player.seen == [(_BEGIN + at, _BEGIN + at) for at in (0, 400_000_000, 2_500_000_000)]
    due = [_BEGIN + _SECOND, _BEGIN + 2 * _SECOND, _BEGIN + 2_500_000_000]
    assert [status.watermark_ns for status in sink.statuses] == due
    assert decided == due


async def test_long_pause_of_the_recording_has_no_statuses(tmp_path: Path) -> None:
    _write(tmp_path, _frame(0), _frame(86_400))
    sink = RecordingSink()
    with _played(tmp_path) as (recording, _, _):
        await recording.run(sink)
    assert {status.watermark_ns for status in sink.statuses} == {_BEGIN + 86_400 * _SECOND}


async def test_clock_never_goes_back_where_lines_are_out_of_order(tmp_path: Path) -> None:
    _write(tmp_path, _frame(1), _frame(0.9), _frame(1.1))
    with _played(tmp_path) as (recording, player, _):
        await recording.run(RecordingSink())
    assert [now - _BEGIN for _, now in player.seen] == [_SECOND, _SECOND, 1_100_000_000]


async def test_what_nobody_takes_is_counted(tmp_path: Path) -> None:
    answer = RecordedAnswer(feed="yahoo", received_ns=_BEGIN, url="https://y/", status=200, raw=b"{}")
    _write(tmp_path, _frame(0), _frame(0.1, "binance"), answer)
    with _played(tmp_path) as (recording, player, _), capture_logs() as logs:
        await recording.run(RecordingSink())
    assert len(player.seen) == 1
    (ended,) = (each for each in logs if each["event"] == "recording_ended")
    assert (ended["lines"], ended["ignored"]) == (3, 2)


async def test_recording_of_answers_only_says_so(tmp_path: Path) -> None:
    answer = RecordedAnswer(feed="yahoo", received_ns=_BEGIN, url="https://y/", status=200, raw=b"{}")
    _write(tmp_path, answer, answer)
    said = r"has only answers to requests \(2\) and no frame of a stream"
    with _played(tmp_path) as (recording, _, _), pytest.raises(ConfigError, match=said):
        await recording.run(RecordingSink())


async def test_speed_paces(tmp_path: Path) -> None:
    _write(tmp_path, _frame(0), _frame(20))
    wall = SystemClock()
    with _played(tmp_path, speed=100.0) as (recording, _, _):
        began = wall.monotonic()
        await recording.run(RecordingSink())
    assert 0.19 <= wall.monotonic() - began < 2


def test_damaged_line_ends_its_file_and_the_next_file_is_read(tmp_path: Path) -> None:
    holder = RecordingFolder(tmp_path, max_bytes=1 << 20)
    for number in range(2):
        segment = holder.begin_segment(from_ns(_BEGIN) + timedelta(seconds=number))
        segment.write(encode(_frame(number)))
        segment.write(b'{"feed":"kraken"}\n')
        segment.write(encode(_frame(9)))
        segment.close()
    holder.close()
    assert [each.received_ns for each in read_recording(tmp_path)] == [_BEGIN, _BEGIN + _SECOND]


@pytest.mark.parametrize("make", ["nothing", "file", "empty", "no_line"])
def test_folder_without_a_recording_is_one_clear_error(tmp_path: Path, make: str) -> None:
    folder = tmp_path / "recording"
    if make == "file":
        folder.write_text("")
    elif make == "empty":
        folder.mkdir()
    elif make == "no_line":
        _write(folder)
    with pytest.raises(ConfigError, match="--replay"):
        clock_at_begin(folder)
