"""Run ``python -m tests.fuzz --count 1000000 [--venue kraken] [--seed 1]``: changed frames of every venue.

One line for each venue says what came of its frames; the first that leads to an undeclared error ends it.
"""

import argparse
import resource
import sys
import time

from tests.fuzz.venue_frames import FuzzResult, fuzz_venue
from tests.support.venue_sessions import SESSIONS, VenueSession

# What the ticks, ids and quotes that are remembered take, and a frame of 1 MiB in several copies.
_GROWTH_MIB = 96


def main() -> int:
    """Fuzz the parsers and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, help="frames of each venue")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--venue", help="one venue by its name in the registry; default: every one")
    asked = parser.parse_args()
    sessions = [each for each in SESSIONS if asked.venue in (None, each.venue)]
    if not sessions:
        parser.error(f"--venue is one of {', '.join(sorted({each.venue for each in SESSIONS}))}")
    for session in sessions:
        # What the first frames need once is no growth.
        fuzz_venue(session, seed=asked.seed + 1, count=min(asked.count, 20_000))
        before, begun = _peak_mib(), time.perf_counter()
        result = fuzz_venue(session, seed=asked.seed, count=asked.count)
        grown = _peak_mib() - before
        print(_line(session, result, time.perf_counter() - begun, grown), flush=True)
        if grown > _GROWTH_MIB:
            print(f"{session.venue}: memory grew by {grown:.0f} MiB", file=sys.stderr)
            return 1
    return 0


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _line(session: VenueSession, result: FuzzResult, seconds: float, grown: float) -> str:
    unreadable = result.events["Unreadable"]
    rejected = ", ".join(f"{reason} {count}" for reason, count in sorted(result.rejected.items()))
    return (
        f"{session.venue} {session.symbol}: {result.frames} frames in {seconds:.0f} s, {result.ticks} ticks, "
        f"{unreadable} unreadable, +{grown:.0f} MiB; rejected: {rejected}"
    )


if __name__ == "__main__":
    sys.exit(main())
