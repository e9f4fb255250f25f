"""Load the template that a subscription names, and try it on an example of every event that it will get."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from services.notifier.webhook_bodies.body_template import (
    BodyTemplate,
    BodyTemplateError,
    parse_body_template,
)
from services.notifier.webhook_bodies.built_in import BUILT_IN
from services.notifier.webhook_bodies.example_events import examples_among

_MAX_NAME: Final = 255
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9_./-]{1,100}\.[A-Za-z0-9]{1,10}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateSource:
    """The text of a template, and what is known of its receiver.

    Parameters
    ----------
    name
        That of a template that comes with the notifier, or of a file.
    types, kinds
        The events that its receiver can use; None means all.
    choices
        The values that a template value may have, by name.
    """

    name: str
    text: str
    types: frozenset[str] | None
    kinds: frozenset[str] | None
    choices: Mapping[str, tuple[str, ...]]


def find_template(name: str, *, folder: Path) -> TemplateSource:
    """Return the template of a name.

    Parameters
    ----------
    folder
        Where a file is looked for.

    Raises
    ------
    ValueError
        If there is none.
    """
    if name in BUILT_IN:
        built_in = BUILT_IN[name]
        return TemplateSource(
            name=name,
            text=built_in.read(),
            types=built_in.types,
            kinds=built_in.kinds,
            choices=built_in.choices,
        )
    what = f"must be one of {', '.join(BUILT_IN)}, or the name of a JSON file"
    if not name.isprintable() or not 0 < len(name) <= _MAX_NAME:
        raise ValueError(what)
    try:
        text = (folder / name).read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{what}; {_shown(name)} cannot be read ({error.strerror})") from None
    except ValueError:
        raise ValueError(f"{what}; {_shown(name)} is not UTF-8 text") from None
    return TemplateSource(name=name, text=text, types=None, kinds=None, choices={})


def _shown(name: str) -> str:
    # Any other text may be a secret, entered by mistake.
    return name if _FILE_NAME.fullmatch(name) else "the file"


def load_body_template(
    source: TemplateSource,
    *,
    values: Mapping[str, Any],
    secrets: Mapping[str, str],
    public_url: str,
    types: Collection[str] | None,
    kinds: Collection[str] | None,
) -> BodyTemplate:
    """Return a template that works for every event that its subscription gets.

    Parameters
    ----------
    values, secrets
        What its expressions know as ``values`` and ``secrets``.
    public_url
        Address of the dashboard, for links.
    types, kinds
        What the subscription gets; None means all.

    Raises
    ------
    ValueError
        If it fails for one; the message names the template and, where it is known, the line, and shows no
        value.
    """
    for name, choices in source.choices.items():
        if name in values and values[name] not in choices:
            raise ValueError(f"template_values.{name}: must be {' or '.join(choices)}")
    try:
        template = parse_body_template(source.text, values=values, secrets=secrets, public_url=public_url)
        for event in examples_among(types, kinds):
            template.render(event)
    except BodyTemplateError as error:
        line = f"line {error.line}: " if error.line is not None else ""
        raise ValueError(f"body_template: {source.name}: {line}{error}") from None
    return template
