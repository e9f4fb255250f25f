"""What is recorded can be read again, within bounds, without keys, whatever happens to the disk."""

import gzip
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingestor.feeds.recording import recorder as recorder_module
from services.ingestor.feeds.recording.lines import Recorded, RecordedAnswer, RecordedFrame, decode, encode
from services.ingestor.feeds.recording.recorder import Recorder, RecordingLimits
from services.ingestor.feeds.recording.segments import RecordingFolder, read_lines, segments_in
from services.ingestor.feeds.transport.secrets import Redactor
from shared.clock import SystemClock
from shared.errors import ConfigError, DecodeError

_LIMITS = RecordingLimits(segment_bytes=1 << 20, segment_seconds=3600.0, total_bytes=8 << 20)
_KEY = "s3cret/key"


class Recording:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.dropped = 0

    def count(self, lines: int) -> None:
        self.dropped += lines


@contextmanager
def recording(folder: Path, *, limits: RecordingLimits = _LIMITS, **options: Any) -> Iterator[Recording]:
    held: list[Recording] = []
    recorder = Recorder(
        folder,
        limits=limits,
        redactor=Redactor([_KEY]),
        on_dropped=lambda lines: held[0].count(lines),
        clock=SystemClock(),
        **options,
    )
    held.append(Recording(recorder))
    with recorder:
        yield held[0]


def recorded_in(folder: Path) -> list[Recorded]:
    return [decode(line) for path in segments_in(folder) for line in read_lines(path)]


def test_frames_and_answers_are_read_as_they_came_in_their_order(tmp_path: Path) -> None:
    with recording(tmp_path) as running:
        running.recorder.frame(
            feed="kraken", received_ns=7, raw='{"channel":"heartbeat"}', symbols=("PAXG/USD",), connection=2
        )
        running.recorder.answer(
            feed="yahoo", received_ns=6, url="https://y/v8?range=1d", status=404, raw=b"\xff\x00"
        )
        running.recorder.frame(feed="kraken", received_ns=8, raw=b"\x00text as bytes")
    assert recorded_in(tmp_path) == [
        RecordedFrame(
            feed="kraken", received_ns=7, raw='{"channel":"heartbeat"}', symbols=("PAXG/USD",), connection=2
        ),
        RecordedAnswer(feed="yahoo", received_ns=6, url="https://y/v8?range=1d", status=404, raw=b"\xff\x00"),
        RecordedFrame(feed="kraken", received_ns=8, raw=b"\x00text as bytes"),
    ]
    assert running.dropped == 0


def test_files_are_json_lines_that_other_programs_can_read_and_nobody_else_may(tmp_path: Path) -> None:
    with recording(tmp_path) as running:
        running.recorder.frame(feed="kraken", received_ns=7, raw="é")
    (path,) = segments_in(tmp_path)
    with gzip.open(path, "rt") as file:
        lines = [json.loads(line) for line in file]
    assert lines[0] == {"format": "convex-recording", "v": 1}
    assert lines[1] == {"received_ns": 7, "feed": "kraken", "symbols": [], "connection": 0, "raw": "é"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_keys_are_removed_from_frames_addresses_and_bodies(tmp_path: Path) -> None:
    with recording(tmp_path) as running:
        running.recorder.frame(feed="a", received_ns=1, raw=f'{{"token":"{_KEY}"}}')
        running.recorder.frame(feed="a", received_ns=1, raw=f"binary {_KEY}".encode())
        running.recorder.answer(
            feed="a", received_ns=1, url="https://a/?k=s3cret%2Fkey", status=401, raw=b"S3CRET/KEY is bad"
        )
    text = b"".join(line for path in segments_in(tmp_path) for line in read_lines(path)).lower()
    assert b"s3cret" not in text
    assert text.count(b"[key removed]") == 4


def test_file_that_is_large_enough_is_ended_and_the_oldest_are_deleted(tmp_path: Path) -> None:
    limits = RecordingLimits(segment_bytes=100_000, segment_seconds=3600.0, total_bytes=500_000)
    with recording(tmp_path, limits=limits) as running:
        for number in range(1_500):
            noise = os.urandom(1_000).hex()
            running.recorder.frame(feed="kraken", received_ns=number, raw=noise)
    # What zlib holds back does not count yet when a file is ended.
    compressor = 70_000
    sizes = [path.stat().st_size for path in segments_in(tmp_path)]
    assert len(sizes) >= 3
    assert sum(sizes) <= 500_000 + compressor
    assert max(sizes) <= 100_000 + compressor
    kept = [each.received_ns for each in recorded_in(tmp_path)]
    assert kept == list(range(kept[0], 1_500))
    assert kept[0] > 0


def test_file_that_is_old_enough_is_ended(tmp_path: Path) -> None:
    limits = RecordingLimits(segment_bytes=1 << 20, segment_seconds=0.0, total_bytes=8 << 20)
    with recording(tmp_path, limits=limits) as running:
        for number in range(3):
            running.recorder.frame(feed="kraken", received_ns=number, raw="{}")
    assert len(segments_in(tmp_path)) == 3
    assert [each.received_ns for each in recorded_in(tmp_path)] == [0, 1, 2]


def test_next_process_goes_on_with_the_next_number(tmp_path: Path) -> None:
    for number in (1, 2):
        with recording(tmp_path) as running:
            running.recorder.frame(feed="kraken", received_ns=number, raw="{}")
    assert [path.name.partition("-")[0] for path in segments_in(tmp_path)] == ["000001", "000002"]
    assert [each.received_ns for each in recorded_in(tmp_path)] == [1, 2]


def test_full_queue_drops_and_counts_and_never_waits(tmp_path: Path) -> None:
    with recording(tmp_path, max_waiting_bytes=10_000) as running:
        for number in range(100):
            running.recorder.frame(feed="kraken", received_ns=number, raw="x" * 1_000)
    written = recorded_in(tmp_path)
    assert running.dropped > 0
    assert len(written) + running.dropped == 100


def test_disk_that_cannot_be_written_costs_lines_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "_RETRY_SECONDS", 0.0)
    failures = iter([OSError(28, "No space left on device")])
    begin = RecordingFolder.begin_segment

    def begin_or_fail(folder: RecordingFolder, at: datetime) -> Any:
        for failure in failures:
            raise failure
        return begin(folder, at)

    monkeypatch.setattr(RecordingFolder, "begin_segment", begin_or_fail)
    with recording(tmp_path) as running:
        for number in range(3):
            running.recorder.frame(feed="kraken", received_ns=number, raw="{}")
    assert [each.received_ns for each in recorded_in(tmp_path)] == [1, 2]
    assert running.dropped == 1


def test_two_processes_cannot_record_in_one_folder(tmp_path: Path) -> None:
    with recording(tmp_path), pytest.raises(ConfigError, match="another ingestor records there"):
        RecordingFolder(tmp_path, max_bytes=1)


def test_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"--record .*/file/below: cannot be written: Not a directory"):
        RecordingFolder(tmp_path / "file" / "below", max_bytes=1)


def _one_file(folder: Path, frames: int) -> Path:
    holder = RecordingFolder(folder, max_bytes=1 << 20)
    segment = holder.begin_segment(datetime(2026, 1, 1, tzinfo=UTC))
    for number in range(frames):
        segment.write(encode(RecordedFrame(feed="kraken", received_ns=number, raw=os.urandom(40).hex())))
        segment.flush()
    segment.close()
    holder.close()
    return segment.path


def test_file_cut_off_anywhere_is_read_up_to_there(tmp_path: Path) -> None:
    path = _one_file(tmp_path, 20)
    whole = path.read_bytes()
    counts = []
    for end in range(200, len(whole), 37):
        path.write_bytes(whole[:end])
        numbers = [decode(line).received_ns for line in read_lines(path)]
        assert numbers == list(range(len(numbers)))
        counts.append(len(numbers))
    assert counts == sorted(counts)
    assert counts[-1] >= 18


def test_damaged_file_is_read_up_to_the_damage(tmp_path: Path) -> None:
    path = _one_file(tmp_path, 400)
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 40] = bytes(40)
    path.write_bytes(whole)
    numbers = []
    for line in read_lines(path):
        try:
            numbers.append(decode(line).received_ns)
        except DecodeError:
            break
    assert 100 <= len(numbers) <= 200


@pytest.mark.parametrize("content", [b"", b"not gzip", gzip.compress(b'{"format":"other","v":1}\n', mtime=0)])
def test_file_of_another_kind_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "000001-20260101T000000Z.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="is no recording"):
        list(read_lines(path))


frames = st.builds(
    RecordedFrame,
    feed=st.text(max_size=8),
    received_ns=st.integers(0, 2_000_000_000_000_000_000),
    raw=st.text(max_size=30) | st.binary(max_size=30),
    symbols=st.lists(st.text(max_size=8), max_size=3).map(tuple),
    connection=st.integers(0, 1_000),
)
answers = st.builds(
    RecordedAnswer,
    feed=st.text(max_size=8),
    received_ns=st.integers(0, 2_000_000_000_000_000_000),
    url=st.text(max_size=30),
    status=st.integers(100, 599),
    raw=st.binary(max_size=30),
)


@given(recorded=frames | answers)
def test_line_is_read_as_it_was_written(recorded: Recorded) -> None:
    line = encode(recorded)

    assert line.count(b"\n") == 1
    assert decode(line) == recorded


@given(
    line=st.binary(max_size=60)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["feed", "received_ns", "raw", "raw_base64", "symbols", "connection", "url", "status"]
                ),
                inner,
                max_size=6,
            )
        ),
        max_leaves=10,
    ).map(lambda value: json.dumps(value).encode())
)
def test_any_other_line_is_a_decode_error_and_nothing_else(line: bytes) -> None:
    try:
        decode(line)
    except DecodeError:
        return
    assert b"feed" in line
