"""Where the real market data is, for the tests that read it."""

from pathlib import Path

import pytest

_FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data"


def shared_data(name: str) -> Path:
    """Find a file of real market data, or skip the test that asks for it."""
    path = _FOLDER / name
    if not path.is_file():
        pytest.skip(f"needs the real market data: {name} is not in ../shared/data beside the repository")
    return path
