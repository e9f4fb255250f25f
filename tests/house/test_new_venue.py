"""A new venue is one folder and one line of the registry: nothing else in the ingestor names any."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.ingestor.feeds.registry import STREAMING_VENUES
from tests.support.fake_feeds.registry import FAKE_PROVIDERS

_DOCUMENT = Path(__file__).parents[2] / "docs" / "feeds.md"
_INGESTOR = Path(__file__).parents[2] / "services" / "ingestor"
_VENUES = _INGESTOR / "feeds" / "venues"
# The registry lists them, and the settings have their addresses.
_MAY_NAME_ALL = {
    _INGESTOR / "feeds" / "registry.py",
    _INGESTOR / "config.py",
    _INGESTOR / "provider_settings.py",
}
# Finnhub calls a metal by the broker whose price it passes on.
_OWN_WORDS = {"oanda": {_VENUES / "finnhub" / "protocol.py"}}
_NAMES = sorted(path.name for path in _VENUES.iterdir() if (path / "__init__.py").exists())


def _words(path: Path) -> Iterator[str]:
    """Yield every identifier, module and text of a file, save docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=word) | ast.Attribute(attr=word) | ast.alias(name=word) | ast.arg(arg=word):
                yield word
            case ast.ImportFrom(module=str() as word):
                yield word
            case ast.Constant(value=str() as word) if id(node) not in docstrings:
                yield word


def test_the_venues_are_found() -> None:
    assert {"coinbase", "kraken", "tiingo", "yahoo"} <= set(_NAMES)


@pytest.mark.parametrize("name", _NAMES)
def test_a_venue_is_named_by_its_folder_the_registry_and_the_settings_alone(name: str) -> None:
    named = {
        path
        for path in _INGESTOR.rglob("*.py")
        if _VENUES / name not in path.parents and any(name in word.lower() for word in _words(path))
    }

    assert {
        str(path.relative_to(_INGESTOR)) for path in named - _MAY_NAME_ALL - _OWN_WORDS.get(name, set())
    } == set()


def test_every_streaming_venue_takes_the_tests_that_all_share() -> None:
    assert {provider.venue for provider in FAKE_PROVIDERS} == {venue.name for venue in STREAMING_VENUES}


@pytest.mark.parametrize("name", [venue.name for venue in STREAMING_VENUES])
def test_every_streaming_venue_has_a_row_in_the_document_for_newcomers(name: str) -> None:
    assert f"\n| `{name}` | " in _DOCUMENT.read_text(encoding="utf-8")
