"""The command line starts fast: a command imports what it needs when it runs."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from convex.cli import app

# Each of them costs a tenth of a second or more, and only some commands need them.
_SLOW = ("aiokafka", "faust", "httpx", "numpy", "pydantic", "pydantic_settings", "sqlalchemy", "structlog")


def test_the_commands_are_registered_without_the_libraries_that_they_run_on() -> None:
    program = "import sys, convex.cli; print(*sys.modules, sep='\\n')"

    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert set(ran.stdout.split()) & set(_SLOW) == set()


@pytest.mark.parametrize(
    "command", ["backtest", "calibrate", "explain", "deadletters", "deliveries", "doctor", "topics"]
)
def test_every_command_explains_itself(command: str) -> None:
    ran = CliRunner().invoke(app, [command, "--help"])

    assert ran.exit_code == 0
    assert "Usage" in ran.output
