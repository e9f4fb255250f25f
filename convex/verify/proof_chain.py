"""Whether the proofs are as they were published: roots, parts, the chain from day to day, signatures."""

from collections.abc import Iterator, Sequence

from convex.verify.findings import Finding, Problem
from convex.verify.signatures import PublicKey
from shared.domain.proofs import NO_PROOF_BEFORE, DayProof, root_of


def check_day(
    parts: Sequence[DayProof], before: DayProof | None, *, keys: Sequence[PublicKey]
) -> Iterator[Finding]:
    """Yield what is wrong with the parts of one day's proof.

    Parameters
    ----------
    parts
        As they are kept, ascending by number; at least one.
    before
        The last part of the day before in what is kept; None if there is none.
    keys
        The keys that were published; none to check no signature.
    """
    if len(parts) != parts[0].parts or any(part.part != at for at, part in enumerate(parts, start=1)):
        numbers = ", ".join(str(part.part) for part in parts)
        yield _finding(
            Problem.PROOF_MISSING,
            parts[0],
            f"has the parts {numbers}, should have {parts[0].parts}; a part is missing",
        )
    previous = before
    for part in parts:
        name = part.day if part.parts == 1 else f"{part.day}, part {part.part}"
        expected = root_of(part)
        if part.root != expected:
            yield _finding(
                Problem.PROOF_ALTERED,
                part,
                f"the root of the proof of {name} is {part.root[:16]}…, its content gives {expected[:16]}…",
            )
        if previous is not None and part.previous != previous.root:
            text = (
                f"the proof of {name} follows one with the root {part.previous[:16]}…, but the one before "
                f"it, of {previous.day}, has {previous.root[:16]}…; one between them is missing, or one "
                "was altered"
            )
            if part.previous == NO_PROOF_BEFORE:
                text = (
                    f"the proof of {name} begins a new chain, but there is one before it, of {previous.day}"
                )
            yield _finding(Problem.PROOF_MISSING, part, text)
        if keys:
            yield from _check_signature(part, keys, name)
        previous = part


def check_following(last: DayProof, following: DayProof) -> Iterator[Finding]:
    """Yield whether a proof that comes after the last one names another one before it."""
    if following.previous != last.root:
        text = (
            f"the proof of {following.day} follows one with the root {following.previous[:16]}…, but the "
            f"last one before it, of {last.day}, has {last.root[:16]}…; one between them is missing, or "
            "one was altered"
        )
        yield _finding(Problem.PROOF_MISSING, last, text)


def _check_signature(proof: DayProof, keys: Sequence[PublicKey], name: str) -> Iterator[Finding]:
    names = " or ".join(key.key_id for key in keys)
    if proof.signature is None:
        yield _finding(
            Problem.SIGNATURE_MISSING,
            proof,
            f"the proof of {name} has no signature; given is the key {names}",
        )
    elif not any(key.has_signed(proof) for key in keys):
        text = f"the signature of the proof of {name} is not the key {proof.key_id}'s of this content"
        if proof.key_id not in {key.key_id for key in keys}:
            text = f"the proof of {name} is signed by the key {proof.key_id}, not by {names}"
        yield _finding(Problem.SIGNATURE_WRONG, proof, text)


def _finding(problem: Problem, proof: DayProof, text: str) -> Finding:
    return Finding(
        problem=problem, lead=proof.lead, day=proof.day, where=f"proof of {proof.lead} {proof.day}", text=text
    )
