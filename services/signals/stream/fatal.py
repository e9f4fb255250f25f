"""A batch of records that fails ends the process before it can be acknowledged.

Faust acknowledges a message whose agent raised, and commits past it. The only safe answer to an error
nobody expected is to die with the batch unacknowledged; the supervisor restarts the process, and the
records come again.
"""

import asyncio
import os
import sys
from collections.abc import Sequence

import structlog

from services.signals.stream.ports import Die, Process
from shared.kafka.clients import Record

# EX_SOFTWARE of sysexits.h: tells the supervisor a crash from a refusal to start (2).
CRASHED = 70


def exit_process(reason: str, error: BaseException | None = None) -> None:
    """Log why and end the process at once, without running any clean-up.

    Clean-up is what would acknowledge and commit the records that failed.
    """
    structlog.get_logger().critical("process_died", reason=reason, exc_info=error)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(CRASHED)


def fatal_on_error(process: Process, *, die: Die = exit_process) -> Process:
    """Wrap ``process`` so that an error never returns to Faust.

    Parameters
    ----------
    process
        The callback for a batch.
    die
        Ends the process. If it returns all the same (as in tests), the batch is held for ever:
        never acknowledged, never followed by another.

    Returns
    -------
    Process
        The same callback, which returns only when the batch was applied.
    """

    async def guarded(partition: int, records: Sequence[Record], /) -> None:
        try:
            await process(partition, records)
        except asyncio.CancelledError as error:
            if _is_being_cancelled():
                raise
            # Leaked out of something awaited; Faust would take it for a stop and acknowledge the batch.
            await _hold(die, error)
        except BaseException as error:
            await _hold(die, error)

    return guarded


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _hold(die: Die, error: BaseException) -> None:
    die("record_failed", error)
    await asyncio.get_running_loop().create_future()
