"""Files are read without pandas: its import takes longer than reading a million rows."""

import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import sys
from pathlib import Path
from shared.calendars import xnys_calendar
from shared.files.reading_options import ReadingOptions
from shared.files.timeline import Recording, read_timeline
from tests.support.builders_market import pair

folder = Path(sys.argv[1])
recording = Recording(
    lead_files=(folder / "gold.csv", folder / "ticks.csv"),
    other_files=(folder / "iwm.csv",),
    reading=ReadingOptions(skip_bad_rows=True),
)
print(len(list(read_timeline(recording, pair=pair(), calendar=xnys_calendar()))))
print("pandas" in sys.modules)
"""


def test_daily_files_and_ticks_are_read_without_pandas(tmp_path: Path) -> None:
    for name in ("gold", "iwm"):
        (tmp_path / f"{name}.csv").write_text("date,close\n2014-05-01,1284.5\n2014-05-02,1285.5\n")
    rows = "".join(f"2014-05-02T12:00:{second:02}Z,1,2\n" for second in range(60))
    (tmp_path / "ticks.csv").write_text(f"ts_utc,bid,ask\n{rows}2014-05-02T12:01:00Z,x,2\n")

    run = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(tmp_path)], capture_output=True, text=True, check=True
    )

    items, has_pandas = run.stdout.split()
    assert int(items) >= 3
    assert has_pandas == "False"
