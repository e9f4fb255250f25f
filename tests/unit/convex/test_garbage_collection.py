"""How a service searches for garbage: in a process of its own, because it changes the whole process."""

import json
import subprocess
import sys

_SCRIPT = """
import gc, json
from convex.commands.services import collect_garbage_rarely
class Node: pass
before = Node(); before.itself = before
collect_garbage_rarely()
import weakref
cycle = Node(); cycle.itself = cycle
seen = weakref.ref(cycle)
del cycle
gc.collect()
print(json.dumps({
    "frozen": gc.get_freeze_count(),
    "searched": len(gc.get_objects()),
    "thresholds": gc.get_threshold(),
    "is_gone": seen() is None,
}))
"""


def test_what_was_loaded_is_not_searched_again_and_later_cycles_still_are_found() -> None:
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)

    assert found["frozen"] > 10_000
    assert found["searched"] < found["frozen"] / 10
    assert found["is_gone"]
    assert found["thresholds"] == [50_000, 20, 50]
