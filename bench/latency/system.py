"""The whole system as it is in production: three services in processes of their own, Kafka between them."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.latency.receiver import SECRET
from bench.latency.story import LEAD, OTHER, PAIR, write_rules
from bench.processes import require_running, running

_NOWHERE = "http://127.0.0.1:9"
SERVICES = ("notifier", "signals", "ingestor")


@contextmanager
def whole_system(
    bootstrap: str, folder: Path, *, websocket: str, webhook: str
) -> Iterator[Callable[[], None]]:
    """Run ingestor, signals and notifier; yield a check that all of them still run."""
    pairs, subscriptions = folder / "pairs.toml", folder / "subscriptions.toml"
    pairs.write_text(
        f'[[pair]]\nname = "{PAIR}"\ntitle = "Gold vs IWM"\nlead = "{LEAD}"\nother = "{OTHER}"\n'
        'lead_title = "Gold"\nother_title = "IWM"\nis_proxy = true\n'
    )
    subscriptions.write_text(
        f'[[subscription]]\nname = "bench"\nchannel = "webhook"\nurl = "{webhook}"\n'
        'secret_env = "BENCH_SECRET"\n'
    )
    environ = {
        "BENCH_SECRET": SECRET,
        "CONVEX_PAIRS": str(pairs),
        "CONVEX_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "CONVEX_KAFKA_PARTITIONS": "1",
        "CONVEX_INGESTOR_FEED": "live",
        "CONVEX_INGESTOR_KRAKEN_WEBSOCKET_URL": websocket,
        # The history is in the log already; nothing here may reach out to a real provider.
        "CONVEX_INGESTOR_KRAKEN_REST_URL": _NOWHERE,
        "CONVEX_INGESTOR_COINBASE_REST_URL": _NOWHERE,
        "CONVEX_INGESTOR_COINBASE_WEBSOCKET_URL": "ws://127.0.0.1:9",
        "CONVEX_INGESTOR_YAHOO_URL": _NOWHERE,
        "CONVEX_SIGNALS_RULES_FILE": str(write_rules(folder)),
        "CONVEX_NOTIFIER_DATABASE_URL": f"sqlite:///{folder}/notifier.db",
        "CONVEX_NOTIFIER_SUBSCRIPTIONS_FILE": str(subscriptions),
        "CONVEX_NOTIFIER_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
    }
    with ExitStack() as stack:
        processes = {
            service: stack.enter_context(
                running(["-m", "convex", service], environ, folder / f"{service}.log")
            )
            for service in SERVICES
        }

        def check() -> None:
            for service, process in processes.items():
                require_running(process, folder / f"{service}.log")

        try:
            yield check
        except Exception as error:
            for service in SERVICES:
                error.add_note(f"{service}:\n{(folder / f'{service}.log').read_text()[-1500:]}")
            raise


async def until(is_so: Callable[[], bool], check: Callable[[], None], *, seconds: float, what: str) -> None:
    """Wait for something, as long as what has to do it is running."""
    deadline = time.monotonic() + seconds
    while not is_so():
        check()
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not after {seconds:g} s")
        await asyncio.sleep(0.05)
