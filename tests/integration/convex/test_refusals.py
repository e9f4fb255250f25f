"""A command that refuses says why in one line, and shows no secret in it."""

import json
import os
import subprocess
import sys
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


@pytest.fixture
def complaint(nowhere: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write a subscription to a misspelt pair and return what is to be said about it."""
    Path("subscriptions.toml").write_text(
        '[[subscription]]\nname = "ann"\nchannel = "email"\n'
        'address = "ann@example.com"\npairs = ["gold-iwn"]\n'
    )
    monkeypatch.setenv("CONVEX_NOTIFIER_SUBSCRIPTIONS_FILE", "subscriptions.toml")
    return (
        "subscriptions.toml: subscription 1 (ann): pairs: there is no gold-iwn; CONVEX_PAIRS has "
        "gold-bitcoin, gold-iwm, gold-qqq, gold-silver, gold-spy, gold-tlt"
    )


def test_notifier_does_not_start_with_a_misspelt_pair(complaint: str) -> None:
    # A process of its own, since a service sets up the logs of the process that it runs in.
    ran = subprocess.run(
        [sys.executable, "-c", "from convex.cli import main; main()", "notifier"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ran.returncode, ran.stderr) == (2, f"convex: {complaint}\n")


def test_doctor_fails_on_a_misspelt_pair(complaint: str, convex: Convex) -> None:
    ran = convex("doctor", "--json")

    found = {each["check"]: each for each in map(json.loads, ran.out.splitlines())}
    assert ran.code == 1
    assert found["subscriptions"]["verdict"] == "FAIL"
    assert found["subscriptions"]["detail"] == complaint
