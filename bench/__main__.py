"""``python -m bench``: measure, print a table, write ``build/bench.json``.

``--quick`` asks whether every part still runs: its figures say little, and go to ``build/bench-quick.json``.
A part that fails does not stop the others; the exit code is 1 then. A goal that is missed is not a failure.
"""

import argparse
import sys
import time
import traceback
from pathlib import Path

from rich.console import Console

from bench.machine import describe_machine
from bench.report import Figure, print_figures, write_json

_BUILD = Path(__file__).resolve().parents[1] / "build"
# A table in a log file is not cut to the width of a terminal that is not there.
_WIDTH = 150
_TITLES = {
    "a": "(a) engine: z-score of every tick against 90 closes",
    "b": "(b) from the Kafka topic through the worker",
    "c": "(c) from a websocket frame to the webhook's 2xx, 10 ticks/s",
    "d": "(d) thousands of pairs of one lead",
    "e": "(e) one event to thousands of receivers",
    "f": "(f) from a websocket frame into Kafka, through every rule for ticks",
    "g": "(g) the past: backtests against pandas, the start, a session's commit",
}


def main() -> int:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", choices=tuple(_TITLES), action="append", help="run this part; may be repeated"
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds and ticks: does it run at all")
    parser.add_argument("--output", type=Path, help="where to write the JSON")
    options = parser.parse_args()
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    console.print(f"[dim]{describe_machine()}[/dim]")
    output = options.output or _BUILD / ("bench-quick.json" if options.quick else "bench.json")
    failed: list[str] = []
    for part in options.only or tuple(_TITLES):
        began = time.monotonic()
        with console.status("") as status:

            def on_round(text: str, part: str = part) -> None:
                status.update(f"({part}) {text}")
                if not console.is_terminal:
                    console.print(f"({part}) {text}", highlight=False)

            try:
                label, figures = _run(part, is_quick=options.quick, on_round=on_round)
            except Exception:
                failed.append(part)
                traceback.print_exc()
                continue
        print_figures(console, f"{_TITLES[part]}\n{label}", figures)
        write_json(output, figures)
        console.print(f"({part}) took {time.monotonic() - began:.0f} s; written to {output}\n")
    if failed:
        console.print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


def _run(part: str, **options: object) -> tuple[str, list[Figure]]:
    # Only what is measured is imported: csp and quixstreams take seconds.
    match part:
        case "a":
            from bench.engine.part import run_part
        case "b":
            from bench.topic.part import run_part
        case "c":
            from bench.latency.part import run_part
        case "d":
            from bench.scale.part import run_part
        case "e":
            from bench.fanout.part import run_part
        case "g":
            from bench.past.part import run_part
        case _:
            from bench.ingestion.part import run_part
    return run_part(**options)  # type: ignore[arg-type]  # the parser made each


if __name__ == "__main__":
    sys.exit(main())
