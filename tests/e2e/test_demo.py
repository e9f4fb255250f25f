"""``convex demo`` as a newcomer runs it: everything real, on this machine alone."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from convex.demo import markets
from shared.errors import ConfigError
from tests.support.recordings import cut_daily, cut_ticks

_KEYS = ["ticks", "bars", "divergences", "emails", "webhooks", "latency_ms"]


def _demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "convex", "demo", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)


@pytest.mark.slow
def test_demo_that_stops_by_itself_ends_with_one_line_that_counts_everything() -> None:
    done = _demo("--seconds", "40")

    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert list(summary) == _KEYS
    assert all(summary[name] > 0 for name in _KEYS[:-1])
    assert 0 < summary["latency_ms"]["p50"] <= summary["latency_ms"]["p99"]
    assert "http://127.0.0.1:" in done.stdout + done.stderr, "the page's address"
    assert "SIMULATED" in done.stdout + done.stderr


@pytest.mark.slow
def test_demo_in_which_nothing_diverges_says_so_and_exits_1(tmp_path: Path) -> None:
    ticks = cut_ticks(tmp_path, begin="2014-05-02T12:00", end="2014-05-02T12:10")
    files = (ticks, *(cut_daily(tmp_path, leg, last="2014-05-01") for leg in ("gold", "iwm")))

    done = _demo(
        "--seconds", "10", "--speed", "0", *(part for path in files for part in ("--replay", str(path)))
    )

    assert done.returncode == 1
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["ticks"] > 0
    assert summary["divergences"] == 0
    assert "nothing seen of: divergences, emails, webhooks" in done.stderr


@pytest.mark.slow
def test_interrupted_demo_stops_everything_it_started() -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "convex", "demo"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert demo.stdout is not None
    lines = [demo.stdout.readline() for _ in range(2)]
    assert any("page:" in line for line in lines)
    deadline = time.monotonic() + 30
    while len(children := _children(demo.pid)) < 3 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(children) >= 3, "the services run in processes of their own"

    demo.send_signal(signal.SIGINT)
    output, _ = demo.communicate(timeout=60)

    assert demo.returncode == 0, output
    assert "stopped." in output
    assert not [child for child in children if _is_running(child)]


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _daily(path: Path, header: str) -> Path:
    path.write_text(f"{header}\n2020-01-02,1,1\n")
    return path


def test_recorded_files_find_their_leg_by_what_they_hold(tmp_path: Path) -> None:
    ticks = tmp_path / "a.csv"
    ticks.write_text("ts_utc,bid,ask\n")
    gold = _daily(tmp_path / "b.csv", "date,close,volume")
    adjusted = _daily(tmp_path / "c.csv", "date,close,Adj Close")
    named = _daily(tmp_path / "IWM.csv", "date,close,volume")

    environ = markets.recorded([adjusted, ticks, named, gold], speed=60.0).environ

    assert environ["CONVEX_INGESTOR_REPLAY_LEAD_FILES"] == json.dumps([str(ticks), str(gold)])
    assert environ["CONVEX_INGESTOR_REPLAY_OTHER_FILES"] == json.dumps([str(adjusted), str(named)])


def test_recorded_files_of_one_leg_only_are_refused(tmp_path: Path) -> None:
    gold = _daily(tmp_path / "gold.csv", "date,close")

    with pytest.raises(ConfigError, match="no file of IWM"):
        markets.recorded([gold], speed=0.0)


def test_live_market_needs_no_key_and_expires_by_the_clock() -> None:
    environ = markets.live().environ

    assert environ["CONVEX_NOTIFIER_TIME_BASE"] == "live"
    assert not [name for name in environ if "TOKEN" in name]


@pytest.mark.slow
def test_demo_on_a_bad_file_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    gold = _daily(tmp_path / "gold.csv", "date,close")
    gold.write_text("date,close\n2020-01-02,abc\n")
    iwm = _daily(tmp_path / "iwm.csv", "date,close")

    done = _demo("--seconds", "20", "--replay", str(gold), "--replay", str(iwm))

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(
        "gold.csv: row 2: close: must be a positive number, was 'abc'"
    )
