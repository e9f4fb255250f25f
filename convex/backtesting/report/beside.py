"""Links from a report to the files that hold its numbers."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote


@dataclass(frozen=True, slots=True, kw_only=True)
class BesideFile:
    """One file that was written together with the report.

    Parameters
    ----------
    link
        Its address relative to the report; empty where it has none, as a pipe.
    what
        What it holds.
    """

    name: str
    link: str
    what: str


def beside_file(path: Path, report: Path, what: str) -> BesideFile:
    """Return a file with its address as seen from the report's folder.

    Examples
    --------
    >>> beside_file(Path("out/my stats.csv"), Path("out/report.html"), "statistics").link
    'my%20stats.csv'
    >>> beside_file(Path("/dev/stdout"), Path("out/report.html"), "events").link
    ''
    """
    is_special = path.exists() and not path.is_file()
    if is_special or path.is_relative_to("/dev") or path.is_relative_to("/proc"):
        return BesideFile(name=path.name, link="", what=what)
    relative = os.path.relpath(path, report.parent)
    return BesideFile(name=path.name, link=quote(Path(relative).as_posix()), what=what)


def beside_section(files: Sequence[BesideFile]) -> str:
    """Return the section as HTML; empty without a file."""
    if not files:
        return ""
    rows = "".join(f"<dt>{_name(file)}</dt><dd>{escape(file.what)}</dd>" for file in files)
    return (
        '<section id="files"><h2>The numbers of this page as files</h2>'
        f'<dl class="notes">{rows}</dl></section>'
    )


def _name(file: BesideFile) -> str:
    name = escape(file.name)
    return f'<a href="{escape(file.link)}" download>{name}</a>' if file.link else name
