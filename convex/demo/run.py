"""Run the whole system on one machine until a signal or a number of seconds, and count what it did."""

import asyncio
import signal
import socket
import tempfile
from contextlib import AsyncExitStack, nullcontext
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.live import Live

from convex.demo.broker import EmbeddedBroker
from convex.demo.markets import MarketSource
from convex.demo.observed import Observed, observe
from convex.demo.processes import MARKET, SERVICES, Processes
from convex.demo.sinks import MailSink, WebhookSink
from convex.demo.terminal_view import print_news, render
from shared.clock import Clock
from shared.config import KafkaSettings
from shared.pairs.loading import load_pairs

# Signs messages from this machine to this machine, for as long as the demo runs.
_SECRET = "whsec_Y29udmV4LWRlbW8tc2VjcmV0LWZvci1vbmUtbWFjaGluZQ=="  # noqa: S105 - guards nothing
# The mock broker holds every fetch for its whole wait.
_FETCH_WAIT_MS = 10


async def run_demo(
    market: MarketSource, *, seconds: float | None, console: Console, clock: Clock
) -> Observed:
    """Run the demo and return what was observed.

    Raises
    ------
    ServiceDied
        If a service ends by itself.
    """
    observed = Observed()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="convex-demo-")))
        broker = stack.enter_context(EmbeddedBroker())
        mail = await stack.enter_async_context(MailSink(observed.take_mail))
        hooks = await stack.enter_async_context(WebhookSink(_SECRET, observed.take_webhook, clock))
        page_port = _free_port(8080)
        pairs = load_pairs(market.environ["CONVEX_PAIRS"])
        page, *further = (f"http://127.0.0.1:{page_port}{pair.page}" for pair in pairs)
        environ = {
            **market.environ,
            **_environ(folder, broker.bootstrap_servers, page_port, mail.port),
        }
        _write_subscriptions(folder / "subscriptions.toml", hooks.port)
        processes = Processes(environ, folder)
        console.print(f"[bold]Convex demo[/]: {market.note}", highlight=False, soft_wrap=True)
        for contact in market.contacts:
            console.print(f"contacts {contact}", highlight=False, soft_wrap=True, markup=False)
        console.print(f"page: [bold underline]{page}[/]", highlight=False, soft_wrap=True)
        for address in further:
            console.print(f"also: [underline]{address}[/]", highlight=False, soft_wrap=True)
        try:
            await processes.start(*SERVICES)
            ports = [environ[f"CONVEX_{name.upper()}_HEALTH__PORT"] for name in SERVICES]
            await _until_ready(processes, ports, stop)
            if stop.is_set():
                return observed
            # The prices start when every service is ready: earlier ones would only measure how long
            # the services take to start.
            await processes.start(MARKET)
            await _until_done(
                observed,
                processes,
                broker.bootstrap_servers,
                stop,
                seconds,
                console,
                clock,
                page,
                market.note,
            )
        finally:
            await processes.stop()
    return observed


async def _until_ready(processes: Processes, ports: list[str], stop: asyncio.Event) -> None:
    watching = asyncio.create_task(processes.watch())
    try:
        async with httpx.AsyncClient() as client:
            for port in ports:
                # Other processes have no event to wait for.
                while not (watching.done() or stop.is_set() or await _is_ready(client, port)):  # noqa: ASYNC110 - see above
                    await asyncio.sleep(0.1)
        if watching.done():
            watching.result()
    finally:
        watching.cancel()
        await asyncio.wait({watching})


async def _is_ready(client: httpx.AsyncClient, port: str) -> bool:
    try:
        return (await client.get(f"http://127.0.0.1:{port}/readyz")).is_success
    except httpx.TransportError:
        return False


async def _until_done(
    observed: Observed,
    processes: Processes,
    bootstrap_servers: str,
    stop: asyncio.Event,
    seconds: float | None,
    console: Console,
    clock: Clock,
    page: str,
    note: str,
) -> None:
    kafka = KafkaSettings(bootstrap_servers=bootstrap_servers, fetch_max_wait_ms=_FETCH_WAIT_MS)
    began = clock.monotonic()
    observing = asyncio.create_task(observe(kafka, observed))
    watching = asyncio.create_task(processes.watch())
    asked = asyncio.create_task(stop.wait())
    tasks: set[asyncio.Task[Any]] = {observing, watching, asked}
    try:
        with _live(console) as live:
            while not any(task.done() for task in tasks):
                elapsed = clock.monotonic() - began
                if seconds is not None and elapsed >= seconds:
                    break
                if live is not None:
                    live.update(render(observed, page=page, note=note, elapsed_seconds=elapsed))
                else:
                    print_news(console, observed)
                await asyncio.wait(tasks, timeout=0.25, return_when=asyncio.FIRST_COMPLETED)
        print_news(console, observed)
        for task in (observing, watching):
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def _live(console: Console) -> Live | nullcontext[None]:
    return (
        Live(console=console, refresh_per_second=4, transient=True) if console.is_terminal else nullcontext()
    )


def _environ(folder: Path, bootstrap_servers: str, page_port: int, smtp_port: int) -> dict[str, str]:
    return {
        "CONVEX_KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers,
        "CONVEX_KAFKA_FETCH_MAX_WAIT_MS": str(_FETCH_WAIT_MS),
        "CONVEX_DASHBOARD_PORT": str(page_port),
        **{f"CONVEX_{name.upper()}_HEALTH__PORT": str(_free_port(0)) for name in SERVICES},
        "CONVEX_NOTIFIER_DATABASE_URL": f"sqlite:///{folder}/notifier.db",
        "CONVEX_NOTIFIER_SUBSCRIPTIONS_FILE": str(folder / "subscriptions.toml"),
        "CONVEX_NOTIFIER_PUBLIC_URL": f"http://127.0.0.1:{page_port}",
        "CONVEX_NOTIFIER_SMTP__HOST": "127.0.0.1",
        "CONVEX_NOTIFIER_SMTP__PORT": str(smtp_port),
        "CONVEX_NOTIFIER_SMTP__SECURITY": "none",
        "CONVEX_NOTIFIER_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
        "DEMO_WEBHOOK_SECRET": _SECRET,
    }


def _write_subscriptions(path: Path, hook_port: int) -> None:
    path.write_text(
        f"""
[[subscription]]
name = "desk"
channel = "webhook"
url = "http://127.0.0.1:{hook_port}/hook"
secret_env = "DEMO_WEBHOOK_SECRET"

[[subscription]]
name = "ann"
channel = "email"
address = "ann@example.com"
"""
    )


def _free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise AssertionError("no free port")
