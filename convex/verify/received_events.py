"""Check a receiver's own events against the proofs, without the log and without trust in who keeps it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from convex.verify.compare_events import EventComparison, words_of
from convex.verify.findings import Finding, Problem
from convex.verify.log_copy import LogCopy, PublishedEvent
from convex.verify.proof_chain import check_day, check_following
from convex.verify.signatures import PublicKey
from convex.verify.verified_range import VerifiedRange, day_of_event, ranges_of
from shared.contracts.records import DIVERGENCES
from shared.domain.divergences import Transition
from shared.domain.proofs import event_digest
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
    keys: Sequence[PublicKey],
) -> list[ReceivedEvents]:
    """Compare what was received with the proofs of the days from ``since`` to ``until``.

    Parameters
    ----------
    pairs
        The pairs that the receiver subscribes to; empty for those of which it received an event.
    keys
        The public keys, to check the proofs' signatures; none to check none.

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
            wrong += check_day(parts, before, keys=keys)
            before = parts[-1]
        if each.after and before is not None:
            wrong += check_following(before, each.after[0])
    results = [
        _of_pair(pair, [each for each in received if each.event.pair == pair], ranges, (since, until))
        for pair in sorted(set(pairs) or {each.event.pair for each in received})
    ]
    if wrong:
        results.insert(0, ReceivedEvents(pair="proofs", proven=0, received=0, findings=tuple(wrong)))
    return results


def _of_pair(
    pair: str,
    received: Sequence[PublishedEvent],
    ranges: Sequence[VerifiedRange],
    asked: tuple[str | None, str | None],
) -> ReceivedEvents:
    findings: list[Finding] = []
    proven: dict[int, str] = {}
    for proof in (part for each in ranges for day in each.days for part in day):
        for events in proof.events:
            if events.pair == pair:
                findings += EventComparison(proof.lead, proof.day).with_proof(events, received)
                proven |= dict(enumerate(events.digests, start=events.first_sequence))
    digests = {key: digest for each in ranges for key, digest in each.digests.items()}
    if not any(of == pair for of, _ in digests):
        text = f"no proof has an event of {pair}, so nothing of it is confirmed; is it spelt so?"
        findings.append(_finding(Problem.NOT_PROVEN_YET, pair, text))
    for event in received:
        if event.event.sequence not in proven and _is_within(day_of_event(event), asked):
            findings += _outside(event, digests.get((pair, event.event.sequence)), ranges)
    confirmed = {
        event.event.sequence
        for event in received
        if proven.get(event.event.sequence) == event_digest(event.value)
    }
    return ReceivedEvents(pair=pair, proven=len(proven), received=len(confirmed), findings=tuple(findings))


def _outside(event: PublishedEvent, digest: str | None, ranges: Sequence[VerifiedRange]) -> Iterator[Finding]:
    """Yield what is wrong with an event that is in no proof of the days that are looked at."""
    if digest is None and not any(each.is_of_days(event) for each in ranges):
        days = ", ".join(f"{each.days[0][0].day} to {each.days[-1][0].day}" for each in ranges)
        name = f"event {event.event.sequence}, {words_of(event)}"
        text = f"{name}, lies outside the days with a proof here, {days}"
        yield _finding(Problem.NOT_PROVEN_YET, event.where, text)
        return
    problem = EventComparison("", day_of_event(event)).outside(event, digest)
    if problem is not None:
        yield problem


def _is_within(day: str, asked: tuple[str | None, str | None]) -> bool:
    since, until = asked
    return (since is None or day >= since) and (until is None or day <= until)


def _finding(problem: Problem, where: str, text: str) -> Finding:
    return Finding(problem=problem, lead="", day="", where=where, text=text)
