"""A group of commands that imports a command when it is called, so that the help comes at once."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, TypeAlias

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

# ``module:name`` of a function or of a `typer.Typer`, and the first paragraph of its help.
LateCommand: TypeAlias = tuple[str, str]


def late_group(commands: Mapping[str, LateCommand]) -> type[TyperGroup]:
    """Return the class of a group that has these commands.

    Parameters
    ----------
    commands
        By name, in the order of the help.

    Examples
    --------
    >>> from typer.testing import CliRunner
    >>> group = late_group({"version": ("a_module_that_does_not_exist:app", "Print the version.")})
    >>> app = typer.Typer(cls=group, callback=lambda: None)
    >>> "Print the version." in CliRunner().invoke(app, ["--help"]).output
    True
    """

    class LateGroup(TyperGroup):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            for name, (_, text) in commands.items():
                self.add_command(TyperCommand(name, help=text))

        def resolve_command(self, ctx: Any, args: list[str]) -> Any:
            name = args[0]
            if name in commands:
                self.commands[name] = _load(name, commands[name][0])
            return super().resolve_command(ctx, args)

    return LateGroup


def _load(name: str, where: str) -> Any:
    module, _, attribute = where.partition(":")
    loaded = getattr(import_module(module), attribute)
    if isinstance(loaded, typer.Typer):
        group = get_group(loaded)
        group.name = name
        return group
    # Typer makes a command of a function only in an application.
    alone = typer.Typer(add_completion=False)
    alone.command(name)(loaded)
    return get_command(alone)
