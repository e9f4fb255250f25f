"""Write the golden outputs: ``python -m tests.golden.write_golden``.

Without an option it writes nothing and says what differs from what is committed. ``--words`` writes the
digests and texts of what people read, after a text was changed on purpose; ``--all`` writes everything, which
only a change of behaviour that the changelog names needs. ``--out FOLDER`` also writes every output whole, so
that the outputs of two trees can be compared with ``diff``.
"""

import argparse
import re
from pathlib import Path

import orjson

from tests.golden import outputs
from tests.golden.outputs import FOLDER, STRUCTURED, Outputs

_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
_TICKS = _DATA / "xauusd_ticks_oanda_lean_20140501_20140515.csv.gz"


def main() -> int:
    """Return 1 if anything differs and was not written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    made = [outputs.of_engine(), outputs.of_notifier(), outputs.of_dashboard()]
    if _TICKS.is_file():
        made += [outputs.of_shared_pair(), outputs.of_ticks(_TICKS)]
    else:
        print("without the real market data: the digests of the backtests stay as they are")
    if options.out is not None:
        for each in made:
            _write_whole(options.out, each)
    different = False
    for each in made:
        different |= _compare(STRUCTURED, each.structured, is_written=options.all)
        for path, values in each.words.items():
            different |= _compare(path, values, is_written=options.words or options.all)
        if options.words or options.all:
            for name, text in each.readable.items():
                (FOLDER / name).write_text(text)
    return int(different)


def _compare(path: Path, values: dict[str, bytes], *, is_written: bool) -> bool:
    before = outputs.committed(path)
    now = {name: outputs.digest(value) for name, value in values.items()}
    different = [name for name, value in now.items() if before.get(name) != value]
    for name in different:
        print(f"{'written' if is_written else 'DIFFERENT'}: {name}")
    if is_written:
        path.write_bytes(
            orjson.dumps(before | now, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
        )
    return bool(different) and not is_written


def _write_whole(folder: Path, made: Outputs) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for values in (made.structured, *made.words.values()):
        for name, value in values.items():
            (folder / re.sub(r"[^a-z0-9.]+", "-", name.lower())).write_bytes(value)


if __name__ == "__main__":
    raise SystemExit(main())
