"""A record that fails ends the process before it can be acknowledged.

Faust acknowledges a record whose agent raised, and commits past it. The only safe answer to an error
nobody expected is to die with the record unacknowledged; the supervisor restarts the process, and the
record comes again.
"""

import asyncio
import os
import sys

import structlog

from services.signals.stream.ports import Die, Headers, Process

# EX_SOFTWARE of sysexits.h: tells the supervisor a crash from a refusal to start (2).
CRASHED = 70


def exit_process(reason: str, error: BaseException | None = None) -> None:
    """Log why and end the process at once, without running any clean-up.

    Clean-up is what would acknowledge and commit the record that failed.
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
        The record callback.
    die
        Ends the process. If it returns all the same (as in tests), the record is held for ever:
        never acknowledged, never followed by another.

    Returns
    -------
    Process
        The same callback, which returns only when the record was applied.
    """

    async def guarded(
        partition: int, offset: int, value: bytes | None, headers: Headers, timestamp: float, /
    ) -> None:
        try:
            await process(partition, offset, value, headers, timestamp)
        except asyncio.CancelledError as error:
            if _is_being_cancelled():
                raise
            # Leaked out of something awaited; Faust would take it for a stop and acknowledge the record.
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
