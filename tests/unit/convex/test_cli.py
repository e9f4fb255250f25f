"""The command line starts fast: a command is imported when it is called."""

import subprocess
import sys
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from convex.cli import COMMANDS, app

# Each of them costs a tenth of a second or more, and only some commands need them.
_SLOW = (
    "aiokafka",
    "exchange_calendars",
    "faust",
    "httpx",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "pydantic_settings",
    "scipy",
    "sqlalchemy",
    "statsmodels",
    "structlog",
)
# Typer reads a command's own options with pydantic.
_OF_TYPER = {"pydantic"}
_RUN = """
import atexit, sys
from convex.cli import main
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
main()
"""


def _imported(*arguments: str) -> set[str]:
    """Return the modules that a run of the command line imports."""
    ran = subprocess.run([sys.executable, "-c", _RUN, *arguments], capture_output=True, text=True, check=True)
    assert "Usage" in ran.stdout
    return set(ran.stderr.split())


def test_the_commands_are_shown_without_importing_one_of_them() -> None:
    imported = _imported("--help")

    assert "convex.cli" in imported
    assert {name for name in imported if name.startswith("convex.commands")} == set()
    assert imported & {*_SLOW, "asyncio"} == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_needs_none_of_the_libraries_that_it_runs_on(command: str) -> None:
    imported = _imported(command, "--help")

    assert COMMANDS[command][0].partition(":")[0] in imported
    assert imported & set(_SLOW) <= _OF_TYPER


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_by_its_own_name(command: str) -> None:
    ran = CliRunner().invoke(app, [command, "--help"])

    assert ran.exit_code == 0
    assert f" {command} [OPTIONS]" in ran.output


@pytest.mark.parametrize("command", COMMANDS)
def test_the_overview_says_of_a_command_what_its_own_help_begins_with(command: str) -> None:
    group: Any = get_command(app)
    context = group.make_context("convex", [command])
    loaded = group.resolve_command(context, [command])[1]

    assert loaded.help.split("\n\n")[0].replace("\n", " ") == COMMANDS[command][1]


def test_a_misspelt_command_is_answered_with_its_neighbour() -> None:
    ran = CliRunner().invoke(app, ["bactest"])

    assert ran.exit_code == 2
    assert "'backtest'" in ran.output
