"""Check a receiver's own events against the proofs, without the log and without trust in who keeps it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from convex.verify.compare_events import EventComparison
from convex.verify.findings import Finding
from convex.verify.log_copy import LogCopy, PublishedEvent
from convex.verify.proof_chain import check_day
from convex.verify.signatures import PublicKey
from convex.verify.verified_range import day_of_event, ranges_of
from shared.contracts.records import DIVERGENCES
from shared.domain.divergences import Transition
from shared.domain.proofs import DayProof
from shared.errors import ConfigError, DataError


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedEvents:
    """The result for one pair.

    Parameters
    ----------
    proven, received
        How many events the proofs have of the pair, and how many of those were received, byte for byte.
    findings
        Events that are in the proofs and were not received, were altered, or are in no proof.
    """

    pair: str
    proven: int
    received: int
    findings: tuple[Finding, ...]


def read_received(path: Path) -> list[PublishedEvent]:
    """Return the events of a file: the body of one webhook a line, as it was received.

    Raises
    ------
    ConfigError
        If it cannot be read, or a line is no event; names file and line.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    events = []
    for number, line in enumerate(lines, start=1):
        value = line.removesuffix(b"\r")
        if not value:
            continue
        try:
            event = DIVERGENCES.decode(value)
        except DataError as error:
            raise ConfigError(
                f"{path}: line {number}: {error}; give one webhook body a line, as it was received"
            ) from error
        if event.type is not Transition.TEST:
            where = f"{path}, line {number}"
            events.append(PublishedEvent(where=where, place=number, value=value, event=event))
    return events


def check_received(
    received: Sequence[PublishedEvent],
    copy: LogCopy,
    *,
    pairs: Sequence[str],
    since: str | None,
    until: str | None,
    key: PublicKey | None,
) -> list[ReceivedEvents]:
    """Compare what was received with the proofs of the days from ``since`` to ``until``.

    Parameters
    ----------
    pairs
        The pairs that the receiver subscribes to; empty for those of which it received an event.
    key
        The public key, to check the proofs' signatures; None to check none.

    Returns
    -------
    list
        One result for each pair; first one without a pair if a proof itself is wrong.

    Raises
    ------
    ConfigError
        If there is no proof of these days.
    """
    if not pairs and not received:
        raise ConfigError("--received: the file has no event; name the pairs you subscribe to with --pair")
    ranges = ranges_of(copy, since=since, until=until)
    wrong: list[Finding] = []
    for each in ranges:
        before = each.before[-1] if each.before else None
        for parts in each.days:
            wrong += check_day(parts, before, key=key)
            before = parts[-1]
    proofs = [part for each in ranges for parts in each.days for part in parts]
    results = [
        _of_pair(pair, [each for each in received if each.event.pair == pair], proofs)
        for pair in sorted(set(pairs) or {each.event.pair for each in received})
    ]
    if wrong:
        results.insert(0, ReceivedEvents(pair="proofs", proven=0, received=0, findings=tuple(wrong)))
    return results


def _of_pair(pair: str, received: Sequence[PublishedEvent], proofs: Iterable[DayProof]) -> ReceivedEvents:
    findings: list[Finding] = []
    proven: set[int] = set()
    days: set[str] = set()
    for proof in sorted(proofs, key=lambda each: (each.day, each.part)):
        days.add(proof.day)
        for events in proof.events:
            if events.pair != pair:
                continue
            proven |= set(range(events.first_sequence, events.last_sequence + 1))
            findings += EventComparison(proof.lead, proof.day).with_proof(events, received)
    missing = len(findings)
    of_days = [each for each in received if min(days) <= day_of_event(each) <= max(days)]
    findings += EventComparison("", "").added(pair, of_days, proven)
    return ReceivedEvents(
        pair=pair, proven=len(proven), received=len(proven) - missing, findings=tuple(findings)
    )
