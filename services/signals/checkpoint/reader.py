"""Read a partition's checkpoints back: the newest of each pair."""

import structlog
from aiokafka import TopicPartition

from services.signals.checkpoint.codec import Checkpoint, applied_offset_of, decode_checkpoint
from shared.config import KafkaSettings
from shared.errors import DecodeError
from shared.kafka.clients import make_reader
from shared.kafka.topics import STATE

log = structlog.get_logger()


async def read_checkpoints(
    settings: KafkaSettings, partitions: frozenset[int]
) -> dict[int, dict[str, Checkpoint]]:
    """Return the checkpoint of each pair, by partition.

    Of several for one pair the one with the highest applied offset counts, not the last: a worker that was
    thought dead may have written an older one after its successor. Either is a valid place to go on from.

    Parameters
    ----------
    partitions
        Partitions of ``state.v1``, which are those of ``ticks.v1``.
    """
    newest: dict[int, dict[str, bytes]] = {partition: {} for partition in partitions}
    if not partitions:
        return {}
    reader = make_reader(settings, client_id="convex-signals-restore")
    await reader.start()
    try:
        assigned = [TopicPartition(STATE.name, partition) for partition in sorted(partitions)]
        reader.assign(assigned)
        ends = await reader.end_offsets(assigned)
        begins = await reader.beginning_offsets(assigned)
        waiting = {tp for tp in assigned if ends[tp] > begins[tp]}
        for tp in assigned:
            reader.seek(tp, begins[tp])
        while waiting:
            for tp, records in (await reader.getmany(*waiting, timeout_ms=1_000)).items():
                for record in records:
                    _keep_newest(newest[tp.partition], record.key, record.value)
            waiting = {tp for tp in waiting if await reader.position(tp) < ends[tp]}
    finally:
        await reader.stop()
    return {
        partition: {
            pair: checkpoint for pair, value in values.items() if (checkpoint := _decode(pair, value))
        }
        for partition, values in newest.items()
    }


def _keep_newest(values: dict[str, bytes], key: bytes | None, value: bytes | None) -> None:
    if key is None or value is None:
        return
    pair = key.decode(errors="replace")
    if pair not in values or applied_offset_of(value) >= applied_offset_of(values[pair]):
        values[pair] = value


def _decode(pair: str, value: bytes) -> Checkpoint | None:
    try:
        return decode_checkpoint(value)
    except DecodeError as error:
        # Not fatal: the log has everything that the checkpoint had.
        log.warning("checkpoint_unusable", pair=pair, reason=error.reason, error=str(error))
        return None
