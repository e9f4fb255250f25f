"""``convex ingestor --dry-run`` and ``--record`` as a process: what is printed, kept, and how it ends."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from services.ingestor.feeds.recording.lines import RecordedAnswer, decode
from services.ingestor.feeds.recording.segments import read_lines, segments_in
from tests.support.fake_feeds.fred import FakeFred

_KEY = "fred-secret-key"
_SIMULATED = {"CONVEX_PAIRS": "simulated", "CONVEX_INGESTOR_FEED": "simulated"}
_NOWHERE = {
    "CONVEX_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
    "CONVEX_INGESTOR_KRAKEN_WEBSOCKET_URL": "ws://127.0.0.1:9",
    "CONVEX_INGESTOR_KRAKEN_REST_URL": "http://127.0.0.1:9",
    "CONVEX_INGESTOR_COINBASE_REST_URL": "http://127.0.0.1:9",
    "CONVEX_INGESTOR_YAHOO_URL": "http://127.0.0.1:9",
}


async def _start(environment: dict[str, str], *options: str) -> asyncio.subprocess.Process:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CONVEX_")}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "convex",
        "ingestor",
        *options,
        cwd=Path(__file__).parents[3],
        env={**kept, **_NOWHERE, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )


async def _lines_until(process: asyncio.subprocess.Process, *types: str) -> list[dict[str, Any]]:
    """Read JSON lines until each of some types was seen."""
    assert process.stdout is not None
    lines: list[dict[str, Any]] = []
    missing = set(types)
    async with asyncio.timeout(30):
        while missing:
            line = await process.stdout.readline()
            assert line, await process.communicate()
            lines.append(json.loads(line))
            missing.discard(lines[-1]["type"])
    return lines


async def test_simulated_market_is_printed_until_ctrl_c_without_kafka() -> None:
    process = await _start(_SIMULATED, "--dry-run")
    lines = await _lines_until(process, "bar", "quote", "status")
    process.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0
    for line in out.splitlines():
        json.loads(line)
    quote = next(line for line in lines if line["type"] == "quote")
    assert quote["instrument"].endswith(".SIMULATED")
    assert 0 < quote["bid"] <= quote["ask"]
    assert quote["ts_event"].startswith("2025-03-12T17:30:0")
    assert b"Traceback" not in err


async def test_reader_that_goes_away_ends_it_without_a_word() -> None:
    process = await _start(_SIMULATED, "--dry-run")
    await _lines_until(process, "quote")
    assert process.stdout is not None
    process.stdout._transport.close()  # type: ignore[attr-defined]  # no public way to close a pipe
    assert await asyncio.wait_for(process.wait(), 20) == 0
    assert process.stderr is not None
    assert b"Traceback" not in await process.stderr.read()


async def test_recorded_files_are_printed_whole_and_the_same_each_time(tmp_path: Path) -> None:
    ticks = "".join(f"2014-05-02T13:{n // 60:02d}:{n % 60:02d}Z,1283.{n % 10},1284.0\n" for n in range(3_000))
    (tmp_path / "gold.csv").write_text("ts_utc,bid,ask\n" + ticks)
    (tmp_path / "iwm.csv").write_text(
        "date,close,adj_close\n2014-05-01,111.0,100.0\n2014-05-02,112.0,101.0\n"
    )
    environment = {
        "CONVEX_PAIRS": "replay",
        "CONVEX_INGESTOR_FEED": "replay",
        "CONVEX_INGESTOR_REPLAY_LEAD_FILES": str(tmp_path / "gold.csv"),
        "CONVEX_INGESTOR_REPLAY_OTHER_FILES": str(tmp_path / "iwm.csv"),
        "CONVEX_INGESTOR_REPLAY_SPEED": "0",
        "CONVEX_INGESTOR_REPLAY_HOLD_OPEN": "false",
    }
    process = await _start(environment, "--dry-run")
    out, err = await asyncio.wait_for(process.communicate(), 30)
    lines = [json.loads(line) for line in out.splitlines()]
    assert (process.returncode, len([line for line in lines if line["type"] == "quote"])) == (0, 3_000)
    assert b'"event": "replay_ended"' in err


async def test_live_answers_are_printed_and_recorded_without_keys(tmp_path: Path) -> None:
    fred = FakeFred(series={"DFII10": {"2024-05-23": {"2024-05-24": "2.11"}}})
    folder = tmp_path / "recording"
    async with fred.server:
        process = await _start(
            {
                "CONVEX_INGESTOR_FRED_URL": fred.server.url,
                "CONVEX_INGESTOR_FRED_KEY": _KEY,
                "CONVEX_INGESTOR_MACRO_SERIES": "fred:DFII10",
            },
            "--dry-run",
            "--record",
            str(folder),
        )
        lines = await _lines_until(process, "observation")
        process.send_signal(signal.SIGTERM)
        out, err = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0
    assert [line["value"] for line in lines if line["type"] == "observation"] == [2.11]
    recorded = [decode(line) for path in segments_in(folder) for line in read_lines(path)]
    answers = [each for each in recorded if isinstance(each, RecordedAnswer) and each.feed == "fred"]
    assert [(each.status, b'"2.11"' in each.raw) for each in answers] == [(200, True)]
    assert "series_id=DFII10" in answers[0].url
    assert _KEY not in str(recorded)
    assert _KEY.encode() not in out + err


@pytest.mark.parametrize(
    ("environment", "options", "words"),
    [
        ({}, ("--record", "{folder}/file/below"), b"cannot be written: Not a directory"),
        (
            _SIMULATED,
            ("--record", "{folder}/new"),
            b"CONVEX_INGESTOR_FEED=simulated receives nothing to record",
        ),
        (
            {"CONVEX_INGESTOR_FEED": "replay", "CONVEX_PAIRS": "replay"},
            ("--dry-run",),
            b"CONVEX_INGESTOR_REPLAY_LEAD_FILES",
        ),
    ],
)
async def test_what_cannot_be_done_is_one_line_and_exit_code_2(
    tmp_path: Path, environment: dict[str, str], options: tuple[str, ...], words: bytes
) -> None:
    (tmp_path / "file").write_text("")
    process = await _start(environment, *(option.format(folder=tmp_path) for option in options))
    _, err = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 2
    assert words in err
    assert err.count(b"\n") == 1
