"""``python -m services.ingestor``: read the environment, run until SIGINT or SIGTERM."""

import asyncio
import signal
import sys

import structlog

from services.ingestor.app import run_ingestor
from services.ingestor.config import IngestorSettings
from shared.clock import SystemClock
from shared.config import KafkaSettings, load_settings
from shared.errors import ConfigError
from shared.logs import configure_logs
from shared.pairs.loading import PairsSettings, load_pairs

log = structlog.get_logger(__name__)


async def run() -> None:
    """Run the ingestor with the settings of the environment.

    Raises
    ------
    ConfigError
        If a setting is wrong.
    """
    kafka, settings = load_settings(KafkaSettings), load_settings(IngestorSettings)
    pairs = load_pairs(load_settings(PairsSettings).pairs)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await run_ingestor(kafka, settings, pairs, clock=SystemClock(), stop=stop)


def main() -> int:
    """Return the exit code: 0 asked to stop, 1 crashed, 2 configuration."""
    configure_logs("ingestor")
    try:
        asyncio.run(run())
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201 - one line for the person who started it
        return 2
    except Exception:
        log.exception("ingestor_crashed")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
