"""Whether the records of a day are those of its proof; if not, between which offsets they differ."""

from collections.abc import Iterator

from convex.verify.findings import Finding, Problem
from shared.domain.proofs import DayProof, Mark

_MOST_NAMED = 5


class InputCheck:
    """Compares the records of one day, while they are applied, with the marks of its proof.

    Parameters
    ----------
    proof
        The first part of the day's proof.
    begin
        Offset from which the day's records come.
    """

    def __init__(self, proof: DayProof, begin: int) -> None:
        self._proof = proof
        inputs = proof.inputs
        self._marks = [*inputs.marks, Mark(offset=inputs.last_offset, digest=inputs.digest)]
        self._agreed_until = begin - 1
        self._next = begin
        self._holes: list[tuple[int, int]] = []
        self._differs_until: int | None = None
        self._repeated: list[int] = []
        self._records = 0

    def read(self, offset: int) -> bool:
        """Note that the copy has a record, whoever's it is; return whether it comes in order, and once."""
        if offset < self._next:
            self._repeated.append(offset)
            return False
        if offset > self._next:
            self._holes.append((self._next, offset - 1))
        self._next = offset + 1
        return True

    def applied(self, offset: int, digest: str) -> None:
        """Compare the digest of the records up to one that was applied."""
        self._records += 1
        if self._differs_until is not None:
            return
        while self._marks and self._marks[0].offset <= offset:
            mark = self._marks.pop(0)
            if mark.offset < offset or not digest.startswith(mark.digest):
                self._differs_until = mark.offset
                return
            self._agreed_until = mark.offset

    def findings(self) -> Iterator[Finding]:
        """Yield what is wrong with the records; to be called after the last one."""
        inputs, topic = self._proof.inputs, f"{self._proof.topic}/{self._proof.partition}"
        for offset in self._repeated[:_MOST_NAMED]:
            yield self._of(
                Problem.INPUT_ALTERED,
                f"{topic}/{offset}",
                f"record {offset} of {topic} comes twice, or after a later one; it was not applied again",
            )
        if self._differs_until is None and not self._marks:
            return
        until = inputs.last_offset if self._differs_until is None else self._differs_until
        holes = [hole for hole in self._all_holes() if hole[1] > self._agreed_until and hole[0] <= until]
        if holes and self._records < inputs.records:
            for first, last in holes[:_MOST_NAMED]:
                which = f"record {first} is" if first == last else f"records {first} to {last} are"
                yield self._of(
                    Problem.INPUT_MISSING,
                    f"{topic}/{first}",
                    f"{which} missing in {topic}; the proof counts on it",
                )
            return
        if self._records != inputs.records:
            count = f"{self._records:,} records were applied, the proof has {inputs.records:,}; "
            problem = Problem.INPUT_MISSING if self._records < inputs.records else Problem.INPUT_ALTERED
        else:
            count, problem = "", Problem.INPUT_ALTERED
        yield self._of(
            problem,
            f"{topic}/{self._agreed_until + 1}",
            f"{count}a record of {topic} between the offsets {self._agreed_until + 1} and {until} is not the "
            "one that the proof stands on",
        )

    def _all_holes(self) -> list[tuple[int, int]]:
        last = self._proof.inputs.last_offset
        return self._holes + ([(self._next, last)] if self._next <= last else [])

    def _of(self, problem: Problem, where: str, text: str) -> Finding:
        return Finding(problem=problem, lead=self._proof.lead, day=self._proof.day, where=where, text=text)
