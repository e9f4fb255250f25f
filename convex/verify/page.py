"""The result of a verification for a terminal."""

from collections.abc import Iterable, Iterator, Sequence

from convex.verify.findings import VerifiedDay
from convex.verify.log_copy import LogCopy
from convex.verify.received_events import ReceivedEvents

_MOST_FINDINGS_OF_A_DAY = 20


def day_lines(days: Iterable[VerifiedDay]) -> Iterator[str]:
    """Yield one line for each day, and one for each of its findings."""
    for day in days:
        signed = {None: "", True: ", signed", False: ", signature wrong"}[day.is_signed]
        state = "proven" if not day.findings else "NOT PROVEN"
        yield (
            f"{day.day or '-'}  {day.lead}  {day.records:,} record{_s(day.records)}, "
            f"{day.events:,} event{_s(day.events)}{signed}: {state}"
        )
        for finding in day.findings[:_MOST_FINDINGS_OF_A_DAY]:
            yield f"    {finding.problem}: {finding.text} [{finding.where}]"
        if len(day.findings) > _MOST_FINDINGS_OF_A_DAY:
            yield f"    and {len(day.findings) - _MOST_FINDINGS_OF_A_DAY} more (--json lists all)"


def summary(days: Sequence[VerifiedDay], *, ends: str | None, has_key: bool) -> str:
    """Return what was proven, in one or two sentences.

    Parameters
    ----------
    ends
        The last day with a proof, if there is none after it.
    """
    proven = [day for day in days if not day.findings]
    records, events = sum(day.records for day in proven), sum(day.events for day in proven)
    whose = "the signatures are right" if has_key else "no signature was checked (--public-key)"
    end = "" if ends is None else f". The proofs end with {ends}: nothing after it is proven"
    if len(proven) < len(days):
        return f"{len(days) - len(proven)} of {len(days)} days not proven{end}"
    return (
        f"{len(days)} day{_s(len(days))} proven: exactly these {events:,} events follow from {records:,} "
        f"records, nothing was added and nothing left out; {whose}{end}"
    )


def received_lines(results: Iterable[ReceivedEvents]) -> Iterator[str]:
    """Yield what a receiver's own copy shows."""
    for result in results:
        yield (
            f"{result.pair}: {result.received} of {result.proven} proven event{_s(result.proven)} received, "
            "byte for byte"
        )
        for finding in result.findings:
            day = f"{finding.day}  " if finding.day else ""
            yield f"    {day}{finding.problem}: {finding.text} [{finding.where}]"


def unreadable_lines(copy: LogCopy) -> Iterator[str]:
    """Yield the records that are neither a proof nor an event."""
    for where, why in copy.unreadable:
        yield f"{where}: cannot be read: {why}"


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def printable(line: str) -> str:
    r"""Return a line in which what a terminal would obey is written as text: names come from the log.

    Examples
    --------
    >>> print(printable("gold\x1b[2K"))
    gold\x1b[2K
    """
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in line)
