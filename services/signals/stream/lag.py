"""How far behind this worker is, counted from the batches that were applied, not from what was fetched."""

import asyncio

import structlog

from services.signals.stream.faust_app import HardenedApp
from services.signals.stream.watchdog import Sample

log = structlog.get_logger()

# Longer than a healthy broker ever takes, shorter than the client's own 30 s.
_ASK_TIMEOUT_SECONDS = 5.0


def consumer_lag(app: HardenedApp) -> dict[int, int]:
    """Return the records not applied yet, by partition this worker owns; for metrics.

    The end of the log is the one the last fetch saw. A partition that was not fetched yet is absent: its
    lag is not known, which is not zero.
    """
    ends = app.fetched_ends()
    offsets = app.rebalance.offsets.by_partition()
    return {
        partition: max(0, ends[partition] - next_offset)
        for partition, next_offset in offsets.items()
        if partition in ends
    }


async def sample_progress(app: HardenedApp) -> dict[int, Sample]:
    """Ask the broker for the ends of the assigned partitions; for the watchdog.

    It does not rely on fetches: a fetcher that silently stopped would report no lag for ever. When the
    broker does not answer, the ends are None.
    """
    partitions = app.assigned_partitions()
    if not partitions:
        return {}
    try:
        async with asyncio.timeout(_ASK_TIMEOUT_SECONDS):
            ends = await app.log_ends(partitions)
    except Exception as error:  # any answer but offsets means "not known", never "no lag"
        log.warning("log_ends_unknown", error=repr(error))
        ends = {}
    offsets = app.rebalance.offsets.by_partition()
    return {
        partition: Sample(next_offset=offsets.get(partition), end_offset=ends.get(partition))
        for partition in partitions
    }
