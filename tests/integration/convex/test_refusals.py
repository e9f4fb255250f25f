"""A command that refuses says why in one line, and shows no secret in it."""

from pathlib import Path

import pytest

from tests.integration.convex.conftest import Convex


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_what_is_quoted_is_shown_without_its_password(
    convex: Convex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVEX_PAIRS", "https://u:hunter2@host/pairs.toml?token=hunter2")

    ran = convex("ingestor")

    assert ran.code == 2
    assert ran.err.startswith("convex: https:/")
    assert ran.err.count("\n") == 1
    assert "hunter2" not in ran.err
