"""The soak: two ingestors, three venues that send thousands of ticks a second and fail every few seconds.

``python -m tests.soak.campaign --seconds 1800 --rate 5000 --seed 1`` prints what was found and ends with
exit code 1 if a tick was lost, doubled or made up without a reason.

In the middle one venue is silent (another takes over), the ingestor that holds the lease is killed, and its
successor is stopped for a while (the first takes over again).
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from shared.config import KafkaSettings
from shared.kafka.admin import create_topics
from tests.soak.audit import Log, Verdict, audit, read_log
from tests.support.kafka_broker import broker_or_skip

PAIRS: Final = """
[[pair]]
name = "gold-bitcoin"
title = "Gold vs bitcoin"
lead = "PAXG/USD.KRAKEN"
other = "BTC/USD.COINBASE"
lead_title = "Gold"
other_title = "Bitcoin"
is_proxy = true

[[pair]]
name = "token-bitcoin"
title = "Token vs bitcoin"
lead = "PAXG/USDT.BINANCE"
other = "BTC/USD.COINBASE"
lead_title = "Gold token"
other_title = "Bitcoin"
is_proxy = true
"""
LEADS: Final = {"PAXG/USD.KRAKEN", "PAXG/USDT.BINANCE"}
VENUES: Final = ("kraken", "coinbase", "binance")
# Instrument, feed, and the venue's own symbol.
STREAMS: Final = (
    ("PAXG/USD.KRAKEN", "kraken", "PAXG/USD"),
    ("PAXG/USD.KRAKEN", "coinbase", "PAXG-USD"),
    ("BTC/USD.COINBASE", "coinbase", "BTC-USD"),
    ("PAXG/USDT.BINANCE", "binance", "PAXGUSDT"),
)
TAKE_OVER_SECONDS: Final = 10.0
_STOPPED_SECONDS: Final = 12.0
# At the end no fault is played, so that what is missing then can be fetched.
_CALM_SECONDS: Final = 12.0


class Ingestor:
    """One ingestor process, started again after it was killed."""

    def __init__(self, name: str, environment: dict[str, str], log: Path) -> None:
        self._name = name
        self._environment = environment
        self._log = log
        self.resident_bytes: list[int] = []
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "convex", "ingestor"],
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def metric(self, name: str) -> float:
        port = self._environment["CONVEX_INGESTOR_HEALTH__PORT"]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=2) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            return 0.0
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    def measure(self) -> None:
        try:
            pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        except (OSError, IndexError):
            return
        self.resident_bytes.append(pages * os.sysconf("SC_PAGE_SIZE"))


def _free_port(begin: int) -> int:
    return begin + os.getpid() % 500 * 10


@contextmanager
def venues(folder: Path, *, rate: float, seed: int, fault_seconds: float) -> Iterator[dict[str, Any]]:
    base = _free_port(20_000)
    processes: dict[str, Any] = {}
    for index, name in enumerate(VENUES):
        processes[name] = subprocess.Popen(
            [
                sys.executable, "-m", "tests.soak.venue", name, str(base + 2 * index),
                str(rate / len(VENUES)), str(seed + index), str(fault_seconds), str(folder / f"{name}.json"),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        processes[name].stdout.readline()
    try:
        yield {name: (process, base + 2 * index) for index, (name, process) in enumerate(processes.items())}
    finally:
        for process in processes.values():
            process.terminate()
            process.wait(timeout=30)
            process.stdout.close()


def environment(bootstrap: str, pairs: Path, ports: dict[str, int], health_port: int) -> dict[str, str]:
    settings = {
        "CONVEX_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "CONVEX_PAIRS": str(pairs),
        "CONVEX_INGESTOR_FEED": "live",
        "CONVEX_INGESTOR_IS_ONE_OF_SEVERAL": "true",
        "CONVEX_INGESTOR_HEALTH__PORT": str(health_port),
        "CONVEX_INGESTOR_FEEDS": json.dumps({"PAXG/USD.KRAKEN": ["kraken", "coinbase"]}),
        "CONVEX_INGESTOR_IDLE_TIMEOUT_SECONDS": "3",
        "CONVEX_INGESTOR_STALE_AFTER_SECONDS": "4",
        "CONVEX_INGESTOR_REQUEST_INTERVAL_SECONDS": "0.2",
        # A fault every few seconds: the wait that doubles with each would leave no time in between.
        "CONVEX_INGESTOR_RECONNECT_CAP_SECONDS": "3",
    }
    for name, port in ports.items():
        settings[f"CONVEX_INGESTOR_{name.upper()}_WEBSOCKET_URL"] = f"ws://127.0.0.1:{port}"
        settings[f"CONVEX_INGESTOR_{name.upper()}_REST_URL"] = f"http://127.0.0.1:{port + 1}"
    return {**os.environ, **settings}


def run(
    *, seconds: float, rate: float, seed: int, fault_seconds: float, folder: Path
) -> tuple[list[Verdict], Log, dict[str, Any]]:
    """Run the soak and return what the audit found."""
    pairs = folder / "pairs.toml"
    pairs.write_text(PAIRS)
    disruptions: list[tuple[float, float]] = []
    with ExitStack() as stack:
        broker = stack.enter_context(broker_or_skip(folder / "kafka"))
        kafka = KafkaSettings(bootstrap_servers=broker.bootstrap)
        asyncio.run(create_topics(kafka))
        servers = stack.enter_context(venues(folder, rate=rate, seed=seed, fault_seconds=fault_seconds))
        ports = {name: port for name, (_, port) in servers.items()}
        health = _free_port(20_000) + 8
        both = [
            Ingestor(
                name, environment(broker.bootstrap, pairs, ports, health + index), folder / f"{name}.log"
            )
            for index, name in enumerate(("first", "second"))
        ]
        began = time.time()
        events: list[tuple[float, Callable[[], object]]] = [
            (0.20, lambda: servers["kraken"][0].send_signal(signal.SIGUSR1)),
            (0.35, lambda: disruptions.append(_kill(both))),
            (0.50, lambda: disruptions.append(_stop_for_a_while(both))),
            (1.0 - _CALM_SECONDS / seconds, lambda: _be_calm(servers)),
        ]
        while (elapsed := time.time() - began) < seconds:
            time.sleep(1.0)
            for each in both:
                each.measure()
            while events and elapsed > events[0][0] * seconds:
                events.pop(0)[1]()
        counts = {
            name: sum(each.metric(name) for each in both)
            for name in ("convex_ingestor_ticks_received_total", "convex_ingestor_trade_gaps_total")
        }
        for each in both:
            each.process.send_signal(signal.SIGTERM)
        codes = [each.process.wait(timeout=60) for each in both]
        for name in VENUES:
            servers[name][0].terminate()
            servers[name][0].wait(timeout=30)
        journals = {name: json.loads((folder / f"{name}.json").read_text()) for name in VENUES}
        log = asyncio.run(read_log(kafka, LEADS, dict.fromkeys(VENUES, rate / len(VENUES))))
    verdicts = [
        audit(
            log,
            journals[feed],
            instrument=instrument,
            symbol=symbol,
            began=journals[feed]["began"],
            disruptions=disruptions,
        )
        for instrument, feed, symbol in STREAMS
    ]
    facts = {
        "ticks in the log": log.ticks,
        "dead letters": dict(log.dead_letters),
        "faults": {name: journal["faults"] for name, journal in journals.items()},
        "handshakes a minute": {
            name: round(journal["faults"]["handshakes"] / seconds * 60, 1)
            for name, journal in journals.items()
        },
        "memory, later over earlier": [round(_growth(each.resident_bytes), 3) for each in both],
        "exit codes": codes,
        "counted": counts,
        "disruptions, after the start": [(round(b - began, 1), round(e - began, 1)) for b, e in disruptions],
        "first and second receipt of what is there twice, after the start": {
            key: [
                (what, round(a - began, 2), round(b - began, 2))
                for what, a, b in (one.repeats[:2] + one.repeats[-2:])
            ]
            for key, one in log.of.items()
            if one.repeats
        },
        "authority": {
            instrument: [(each.feed, each.reason.value) for each in records]
            for instrument, records in log.authorities.items()
        },
    }
    return verdicts, log, facts


def _holder(both: list[Ingestor]) -> Ingestor:
    return next((each for each in both if each.metric("convex_ingestor_lease_held ") == 1), both[0])


def _kill(both: list[Ingestor]) -> tuple[float, float]:
    holder, at = _holder(both), time.time()
    holder.process.kill()
    holder.process.wait()
    holder.start()
    return at, at + TAKE_OVER_SECONDS


def _stop_for_a_while(both: list[Ingestor]) -> tuple[float, float]:
    holder, at = _holder(both), time.time()
    holder.process.send_signal(signal.SIGSTOP)
    time.sleep(_STOPPED_SECONDS)
    holder.process.send_signal(signal.SIGCONT)
    # The one that goes on may get the lease back: Kafka decides.
    return at, at + _STOPPED_SECONDS + TAKE_OVER_SECONDS


def _be_calm(servers: dict[str, Any]) -> None:
    for process, _ in servers.values():
        process.send_signal(signal.SIGUSR2)


def _growth(resident: list[int]) -> float:
    """Return the median of the last quarter over that of the second."""
    quarter = len(resident) // 4
    return (
        float(np.median(resident[-quarter:]) / np.median(resident[quarter : 2 * quarter])) if quarter else 1.0
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1_800)
    parser.add_argument("--rate", type=float, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fault-seconds", type=float, default=4.0)
    parser.add_argument("--folder", type=Path, default=None)
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="convex-soak-"))
    folder.mkdir(parents=True, exist_ok=True)
    verdicts, _, facts = run(
        seconds=options.seconds,
        rate=options.rate,
        seed=options.seed,
        fault_seconds=options.fault_seconds,
        folder=folder,
    )
    for verdict in verdicts:
        print(verdict)
    for name, value in facts.items():
        print(f"{name}: {value}")
    return 0 if all(verdict.is_good for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
