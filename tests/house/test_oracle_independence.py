"""Oracles derive their numbers themselves: they import nothing of the code they evaluate."""

import ast
from pathlib import Path

import pytest

_ORACLES = sorted(
    path
    for path in (Path(__file__).parents[1] / "oracle").glob("*.py")
    if not path.name.startswith(("test_", "__"))
)
_OURS = {"convex", "services", "shared"}


def _imported(source: str) -> set[str]:
    roots = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            roots.add("relative" if node.level else (node.module or "").split(".")[0])
        elif isinstance(node, ast.Name) and node.id in {"__import__", "importlib"}:
            roots.add("dynamic")
    return roots


@pytest.mark.parametrize("path", _ORACLES, ids=lambda path: path.name)
def test_an_oracle_imports_nothing_of_ours(path: Path) -> None:
    assert not _imported(path.read_text(encoding="utf-8")) & (
        _OURS | {"relative", "dynamic", "importlib", "tests"}
    )


def test_there_is_an_oracle_to_check() -> None:
    assert "pair_oracle.py" in {path.name for path in _ORACLES}


@pytest.mark.parametrize(
    "source",
    [
        "import services.signals",
        "from shared.errors import DataError",
        "def late():\n    from convex import cli",
        "from ..support import data",
        "__import__('services')",
    ],
)
def test_every_way_of_importing_is_seen(source: str) -> None:
    assert _imported(source) & (_OURS | {"relative", "dynamic"})
