"""The store on a real SQLite file and on a real PostgreSQL: the same tests hold for both."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.notifier.store.database import Database


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(store_url)
    yield opened
    await opened.close()
