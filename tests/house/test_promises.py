"""What is written is what there is."""

import re
import tomllib
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_DRIVERS = ("psycopg", "asyncpg", "pg8000")


def test_no_database_is_promised_that_has_no_driver() -> None:
    """Would have caught: the store's tables promised PostgreSQL, which nothing installs and nothing tests."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [each for group in project["optional-dependencies"].values() for each in group]
    has_driver = any(each.startswith(_DRIVERS) for each in (*project["dependencies"], *extras))
    files = [
        _ROOT / "README.md",
        *(_ROOT / "docs").rglob("*.md"),
        *(path for folder in ("convex", "services", "shared") for path in (_ROOT / folder).rglob("*.py")),
    ]

    promised = [path for path in files if re.search("PostgreSQL|Postgres", path.read_text(encoding="utf-8"))]

    assert has_driver or promised == []


def test_what_a_quality_error_is_said_to_be_can_be_raised() -> None:
    """Would have caught: its text listed stale ticks, which nothing refuses."""
    told = re.search(r"implausible \(([^)]*)\)", (_ROOT / "shared/errors.py").read_text(encoding="utf-8"))
    assert told is not None
    reasons = {
        reason
        for folder in ("services", "shared")
        for path in (_ROOT / folder).rglob("*.py")
        for reason in re.findall(
            r'QualityError\([^)]*?reason="(\w+)"', path.read_text(encoding="utf-8"), re.DOTALL
        )
    }

    assert {
        each.strip().removeprefix("from the ").replace(" ", "_") for each in told[1].split(",")
    } <= reasons
