"""A notifier in a process of its own that can be killed, or that ends, like a power cut, after an effect.

Processes are forked from a server that has imported everything, so that one starts within milliseconds.
"""

import asyncio
import multiprocessing
import os
import signal
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaConsumer

import shared.kafka.clients
from services.notifier.app import run_notifier
from services.notifier.config import NotifierSettings
from services.notifier.core.effects import Effect
from services.notifier.core.routing import TimeBase
from shared.clock import SystemClock
from shared.config import KafkaSettings
from shared.logs import configure_logs

EXIT_CODE: Final = 77


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifierRun:
    """How to run a notifier.

    Parameters
    ----------
    folder
        Has ``subscriptions.toml``, and gets the log.
    effect, count
        The process ends right after this effect has happened so often; None runs until SIGTERM.
    session_seconds
        After this long without a sign of a member the group goes on without it.
    settings
        More settings, by name.
    """

    bootstrap: str
    folder: Path
    database_url: str
    group: str
    mail_port: int
    effect: Effect | None = None
    count: int = 1
    session_seconds: float = 10.0
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifierProcess:
    """A notifier that was started.

    Parameters
    ----------
    works
        Set after its first effect.
    """

    process: BaseProcess
    works: Event


def start_notifier(run: NotifierRun) -> NotifierProcess:
    """Start a notifier."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    works = context.Event()
    process = context.Process(target=_be_notifier, args=(run, works), daemon=True)
    process.start()
    return NotifierProcess(process=process, works=works)


def _be_notifier(run: NotifierRun, works: Event) -> None:
    with (run.folder / "notifier.log").open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    configure_logs("notifier")
    asyncio.run(_run(run, works))


async def _run(run: NotifierRun, works: Event) -> None:
    left = run.count
    is_at_work = False

    def on_effect(this: Effect) -> None:
        nonlocal left, is_at_work
        if not is_at_work:
            is_at_work = True
            works.set()
        if this is run.effect:
            left -= 1
            if left == 0:
                # No finally, no flush, no goodbye.
                os._exit(EXIT_CODE)

    def make_consumer(*topics: str, **options: Any) -> AIOKafkaConsumer:
        options["session_timeout_ms"] = round(run.session_seconds * 1_000)
        options["heartbeat_interval_ms"] = round(run.session_seconds * 200)
        return AIOKafkaConsumer(*topics, **options)

    setattr(shared.kafka.clients, AIOKafkaConsumer.__name__, make_consumer)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    fields: dict[str, Any] = {
        "database_url": run.database_url,
        "group": run.group,
        "subscriptions_file": run.folder / "subscriptions.toml",
        "time_base": TimeBase.REPLAY,
        "webhook_allowed_networks": "127.0.0.0/8",
        "retry_delays_seconds": "0.02",
        "health": {"port": 0},
        "smtp": {
            "host": "127.0.0.1",
            "port": run.mail_port,
            "security": "none",
            "sender": "alerts@convex.example",
        },
    }
    for name, value in run.settings.items():
        fields[name] = fields[name] | value if isinstance(value, dict) else value
    kafka = KafkaSettings(bootstrap_servers=run.bootstrap, fetch_max_wait_ms=10)
    await run_notifier(kafka, NotifierSettings(**fields), clock=SystemClock(), stop=stop, on_effect=on_effect)
