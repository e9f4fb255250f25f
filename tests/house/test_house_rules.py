"""Rules of the house that no linter knows, each with the reason beside it."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_HERE = "tests/house/test_house_rules.py"
# What a reader keeps in mind at once: a file beyond it holds two ideas. 250 is the aim, this is the end.
_MOST_LINES = 350
# They name no idea, so everything fits in them.
_NAMELESS = {"utils", "common", "helpers", "base", "data", "manager", "handler"}
# A test's data may have them as names: tests/support/data.py finds the real market data.
_NAMED_FOR_WHAT_THEY_ARE = {"tests/support/data.py"}
_SILENCER = re.compile(r"#\s*(noqa|type:\s*ignore|pragma:\s*no\s*cover)\b(?P<rest>.*)")
_CODE_AND_REASON = re.compile(r"(:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*|\[[a-z-]+(,\s*[a-z-]+)*\])[\s#-]+\w.*\w{2}.*")
# Written in pieces: this file is searched as well.
_HOSTS = re.compile(
    "|".join(
        re.escape(".".join(parts))
        for parts in (
            ("pypi", "org"),
            ("files", "pythonhosted", "org"),
            ("registry", "npmjs", "org"),
            ("npmjs", "com"),
            ("repo", "maven", "apache", "org"),
            ("repo1", "maven", "org"),
            ("central", "sonatype", "com"),
            ("deb", "debian", "org"),
            ("archive", "ubuntu", "com"),
        )
    )
)
_MACHINE = re.compile(r"(?<![\w.~}$)])/(?:" + "work|root" + r")/")
_DATA_BESIDE = re.compile(re.escape("../" + "shared"))
# Who may say where the real market data lies.
_KNOWS_THE_DATA = ("tests/", "bench/", "docs/")


def _tracked(*patterns: str) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip(f"needs a git checkout: {listed.stderr.strip()}")
    return [path for path in listed.stdout.split("\0") if path and (_ROOT / path).is_file()]


def _lines(*patterns: str) -> Iterator[tuple[str, int, str]]:
    for path in _tracked(*patterns):
        content = (_ROOT / path).read_bytes()
        if b"\0" not in content:
            for number, line in enumerate(content.decode("utf-8").splitlines(), start=1):
                yield path, number, line


def _is_bare(line: str) -> bool:
    silenced = _SILENCER.search(line)
    return silenced is not None and _CODE_AND_REASON.match(silenced["rest"]) is None


def test_no_file_holds_more_than_a_reader_does() -> None:
    lengths = {
        path: len((_ROOT / path).read_text(encoding="utf-8").splitlines())
        for path in _tracked("convex/*.py", "services/*.py", "shared/*.py")
    }

    assert len(lengths) > 100
    assert {path: length for path, length in lengths.items() if length > _MOST_LINES} == {}


def test_no_module_is_named_for_nothing() -> None:
    named = [path for path in _tracked("*.py") if _NAMELESS & {Path(path).stem, *Path(path).parts[:-1]}]

    assert set(named) <= _NAMED_FOR_WHAT_THEY_ARE


def test_packages_hold_nothing_of_their_own() -> None:
    # What a notebook imports is in the package that is named for the product.
    full = [path for path in _tracked("*/__init__.py") if (_ROOT / path).stat().st_size]

    assert set(full) <= {"convex/__init__.py"}


def test_no_test_replaces_the_real_thing() -> None:
    mocked = re.compile(
        r"\b(?:from unittest(?:\.mock)? import .*mock|import unittest\.mock|from unittest\.mock)"
    )

    assert [f"{path}:{at}" for path, at, line in _lines("tests/*.py") if mocked.search(line)] == []


def test_nothing_is_silenced_without_a_code_and_a_reason() -> None:
    found = [
        f"{path}:{at}: {line.strip()}"
        for path, at, line in _lines("*.py")
        if path != _HERE and _is_bare(line)
    ]

    assert found == []


@pytest.mark.parametrize(
    ("line", "is_bare"),
    [
        ("x = 1  # noqa", True),
        ("x = 1  # noqa: S101", True),
        ("x = 1  # noqa: S101 - looked at above", False),
        ("x = 1  # noqa: S101, PT018 - looked at above", False),
        ("x = 1  # type: ignore", True),
        ("x = 1  # type: ignore[misc]", True),
        ("x = 1  # type: ignore[misc]  # bound now", False),
        ("x = 1  # pragma: no cover", True),
        ("x = 1", False),
    ],
)
def test_bare_silencer_is_told_from_one_with_a_reason(line: str, is_bare: bool) -> None:
    assert _is_bare(line) is is_bare


def test_no_file_names_a_registry_or_a_place_on_one_machine() -> None:
    found = [
        f"{path}:{at}: {line.strip()[:120]}"
        for path, at, line in _lines()
        if _HOSTS.search(line)
        or _MACHINE.search(line)
        or (_DATA_BESIDE.search(line) and not path.startswith(_KNOWS_THE_DATA))
    ]

    assert found == []


@pytest.mark.parametrize("place", ["/" + "work/main", 'open("/' + 'root/.ssh")'])
def test_place_on_one_machine_is_seen(place: str) -> None:
    assert _MACHINE.search(place)


def test_every_core_is_measured() -> None:
    """A folder that is missing in the settings of coverage has no branch that anybody would miss."""
    settings = tomllib.loads((_ROOT / "pyproject.toml").read_text())["tool"]["coverage"]["run"]
    cores = {str(folder.relative_to(_ROOT)) for folder in _ROOT.glob("services/*/core")}
    assert set(settings["source_dirs"]) == cores | {"shared/domain", "shared/text"}
