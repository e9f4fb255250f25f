"""Start one service, configured by environment variables, and run it until a signal asks it to stop."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, NoReturn, TextIO

import typer

from shared.errors import ConfigError

Run = Callable[[asyncio.Event], Awaitable[None]]

# By default the whole heap is searched for cycles again and again while an event is sent to thousands: a
# quarter of a second each time, in which nothing else goes on. Few objects that a service makes are in one.
_COLLECTION_THRESHOLDS = (50_000, 20, 50)


def ingestor(
    record: Annotated[
        Path | None, typer.Option(help="Keep what providers send in this folder, compressed, without keys.")
    ] = None,
    replay: Annotated[
        Path | None, typer.Option(help="Play what --record kept in this folder, then stop.")
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0, help="With --replay: multiple of the recorded speed; 0 is at once.")
    ] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print ticks, bars and statuses as JSON lines; no Kafka.")
    ] = False,
) -> None:
    """Stream ticks, bars and macro series into Kafka."""
    from convex.settings import read_settings
    from services.ingestor.app import run_dry, run_ingestor
    from services.ingestor.config import IngestorSettings
    from services.ingestor.recording_options import RecordingOptions
    from shared.clock import SystemClock
    from shared.config import KafkaSettings
    from shared.pairs.loading import PairsSettings, load_pairs

    kafka, settings = read_settings(KafkaSettings), read_settings(IngestorSettings)
    pairs = load_pairs(read_settings(PairsSettings).pairs)
    clock = SystemClock()
    recording = RecordingOptions(record=record, replay=replay, speed=speed)
    if dry_run:
        _run(
            "ingestor",
            lambda stop: run_dry(
                settings, pairs, write=_write_to_stdout, clock=clock, stop=stop, recording=recording
            ),
            logs_to=sys.stderr,
        )
    _run(
        "ingestor",
        lambda stop: run_ingestor(kafka, settings, pairs, clock=clock, stop=stop, recording=recording),
    )


def _write_to_stdout(part: bytes) -> None:
    # Past the buffers of Python: they would be written again, in vain, when the process ends.
    while part:
        part = part[os.write(sys.stdout.fileno(), part) :]


def signals() -> None:
    """Turn ticks and bars into divergence events."""
    from convex.settings import read_settings
    from services.signals.app import run_signals
    from services.signals.config import SignalsSettings
    from shared.clock import SystemClock
    from shared.config import KafkaSettings
    from shared.pairs.loading import PairsSettings, load_pairs

    kafka, settings = read_settings(KafkaSettings), read_settings(SignalsSettings)
    pairs = load_pairs(read_settings(PairsSettings).pairs)
    _run("signals", lambda stop: run_signals(kafka, settings, pairs, clock=SystemClock(), stop=stop))


def notifier() -> None:
    """Deliver events as e-mails and signed webhooks."""
    from convex.settings import read_settings
    from services.notifier.app import run_notifier
    from services.notifier.config import NotifierSettings
    from shared.clock import SystemClock
    from shared.config import KafkaSettings
    from shared.pairs.loading import PairsSettings, load_pairs

    kafka, settings = read_settings(KafkaSettings), read_settings(NotifierSettings)
    pairs = load_pairs(read_settings(PairsSettings).pairs)
    _run("notifier", lambda stop: run_notifier(kafka, settings, pairs=pairs, clock=SystemClock(), stop=stop))


def dashboard() -> None:
    """Serve the comparison page."""
    from convex.settings import read_settings
    from services.dashboard.app import run_dashboard
    from services.dashboard.config import DashboardSettings
    from shared.clock import SystemClock
    from shared.config import KafkaSettings
    from shared.pairs.loading import PairsSettings, load_pairs

    kafka, settings = read_settings(KafkaSettings), read_settings(DashboardSettings)
    pairs = load_pairs(read_settings(PairsSettings).pairs)
    _run(
        "dashboard",
        lambda stop: run_dashboard(kafka, settings, pairs, clock=SystemClock(), stop=stop),
    )


def _run(service: str, run: Run, *, logs_to: TextIO | None = None) -> NoReturn:
    from convex.settings import read_settings
    from shared.config import LogSettings
    from shared.logs import configure_logs

    configure_logs(service, level=read_settings(LogSettings).level, to=logs_to)
    collect_garbage_rarely()
    sys.exit(asyncio.run(_until_asked(service, run)))


def collect_garbage_rarely() -> None:
    """Search for cycles less often, and never in what was loaded with the program, which stays to its end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTION_THRESHOLDS)


async def _until_asked(service: str, run: Run) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await run(stop)
    except ConfigError:
        raise
    except Exception:
        # The one place where a service's crash ends: log it, exit non-zero, let the supervisor restart.
        import structlog

        structlog.get_logger().exception("service_crashed", service=service)
        return 1
    return 0
