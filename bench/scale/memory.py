"""How much memory a pair takes: a process of its own, because memory that was freed is not given back."""

import gc
import json
import sys
import tracemalloc
from pathlib import Path

from bench.market import load_market
from bench.scale.many_pairs import engine_of_many

_PAGE_KIB = 4


def _resident_kib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_KIB


def main() -> None:
    """Print bytes per pair as JSON: as traced by Python, and as the system counts pages."""
    pairs, sessions, is_traced = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "traced"
    market = load_market()
    # Everything that is made once is made before.
    assert engine_of_many(2, sessions=sessions, market=market).monitors[0].statistics.values
    gc.collect()
    if is_traced:
        tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0] if is_traced else _resident_kib() * 1024
    engine = engine_of_many(pairs, sessions=sessions, market=market)
    for monitor in engine.monitors:
        # Whoever looks at a pair leaves its statistics there until the next session.
        assert monitor.statistics.values
    gc.collect()
    after = tracemalloc.get_traced_memory()[0] if is_traced else _resident_kib() * 1024
    print(json.dumps({"bytes_per_pair": (after - before) / pairs}))


if __name__ == "__main__":
    main()
