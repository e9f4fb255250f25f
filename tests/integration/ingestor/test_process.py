"""The ingestor as a process: how it ends, and what it says then."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from shared.config import KafkaSettings
from shared.domain.ticks import QuoteBatch
from tests.integration.ingestor.harness import ticks_reader


async def _start(environment: dict[str, str]) -> asyncio.subprocess.Process:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CONVEX_")}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "convex",
        "ingestor",
        cwd=Path(__file__).parents[3],
        env={**kept, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_stops_on_a_signal_with_everything_sent(kafka: KafkaSettings, number: signal.Signals) -> None:
    process = await _start(
        {
            "CONVEX_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "CONVEX_KAFKA_FETCH_MAX_WAIT_MS": "10",
            "CONVEX_PAIRS": "simulated",
            "CONVEX_INGESTOR_FEED": "simulated",
        }
    )
    async with ticks_reader(kafka) as log:
        await log.until(lambda: any(isinstance(each, QuoteBatch) for each in log.tick_records()))
        process.send_signal(number)
        out, err = await asyncio.wait_for(process.communicate(), 20)
    assert (process.returncode, err) == (0, b"")
    assert b'"event": "ingestor_stopped"' in out
    assert b'"unsent_ticks": 0' in out


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        ({"CONVEX_INGESTOR_FEED": "binance"}, b"CONVEX_INGESTOR_FEED"),
        ({"CONVEX_INGESTOR_FEED": "simulated", "CONVEX_PAIRS": "replay"}, b"not marked is_simulated"),
        (
            {
                "CONVEX_INGESTOR_FEED": "replay",
                "CONVEX_PAIRS": "replay",
                "CONVEX_INGESTOR_REPLAY_LEAD_FILES": "/nowhere/gold.csv",
                "CONVEX_INGESTOR_REPLAY_OTHER_FILES": "/nowhere/iwm.csv",
            },
            b"/nowhere/gold.csv: cannot be read",
        ),
    ],
)
async def test_wrong_configuration_is_one_line_and_exit_code_2(
    kafka: KafkaSettings, environment: dict[str, str], problem: bytes
) -> None:
    process = await _start({"CONVEX_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers, **environment})
    _, err = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 2
    assert problem in err
    assert err.count(b"\n") == 1
