"""A notifier in a process of its own that ends, like a power cut, the n-th time it has had an effect.

Usage: python -m tests.chaos.notifier_process BOOTSTRAP FOLDER GROUP EFFECT COUNT; EFFECT ``never`` runs until
SIGTERM. The folder has ``subscriptions.toml`` and ``mail_port``, and gets the store.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from services.notifier.app import run_notifier
from services.notifier.config import NotifierSettings
from services.notifier.core.effects import Effect
from services.notifier.core.routing import TimeBase
from shared.clock import SystemClock
from shared.config import KafkaSettings
from shared.logs import configure_logs

EXIT_CODE = 77


async def main(bootstrap: str, folder: Path, group: str, effect: str, count: int) -> None:
    """Run the notifier."""
    left = count

    def on_effect(this: Effect) -> None:
        nonlocal left
        if this.value == effect:
            left -= 1
            if left == 0:
                # No finally, no flush, no goodbye.
                os._exit(EXIT_CODE)

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    settings = NotifierSettings(
        database_url=f"sqlite:///{folder}/notifier.db",
        group=group,
        subscriptions_file=folder / "subscriptions.toml",
        time_base=TimeBase.REPLAY,
        webhook_allowed_networks="127.0.0.0/8",
        retry_delays_seconds="0.02",
        smtp={
            "host": "127.0.0.1",
            "port": int((folder / "mail_port").read_text()),
            "security": "none",
            "sender": "alerts@convex.example",
        },
    )
    kafka = KafkaSettings(bootstrap_servers=bootstrap, fetch_max_wait_ms=10)
    await run_notifier(kafka, settings, clock=SystemClock(), stop=stop, on_effect=on_effect)


if __name__ == "__main__":
    configure_logs("notifier")
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])))
