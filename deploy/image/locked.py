"""Print the part of requirements.lock that one service needs, hashes included.

The lock holds the dependencies of every service, because they are tested together. An image should hold those
of one. pip cannot do that by itself: when it checks hashes it refuses any requirement that is not pinned, and
it checks them with the lock as a constraint file, too. So the closure is resolved first, with the lock's
versions as constraints, and installed afterwards from the lock's own lines, by version and hash and with no
resolving.

Needs the standard library and a pip that is not older than 22.2.
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(\[[^\]]*\])?==(?P<version>[^\s;\\]+)")


class LockError(Exception):
    """The project file and the lock cannot give what was asked for; the message says why."""


def requirements_of(project: dict[str, Any], extra: str) -> list[str]:
    """List what a service asks for by itself, before the dependencies of those.

    Parameters
    ----------
    project
        The parsed ``pyproject.toml``.
    extra
        Name of an optional dependency group, or ``build`` for what builds the project itself.

    Raises
    ------
    LockError
        If there is no such group.

    Examples
    --------
    >>> extras = {"notifier": ["b>=2"], "demo": ["convex-alerts[notifier]", "c"]}
    >>> project = {"name": "convex-alerts", "dependencies": ["a"], "optional-dependencies": extras}
    >>> project = {"project": project}
    >>> requirements_of(project, "notifier")
    ['a', 'b>=2']
    >>> requirements_of(project, "demo")  # the project itself is nobody's to install from elsewhere
    ['a', 'b>=2', 'c']
    """
    if extra == "build":
        return list(project["build-system"]["requires"])
    metadata = project["project"]
    extras = metadata["optional-dependencies"]
    if extra not in extras:
        raise LockError(
            f"there is no extra '{extra}' in pyproject.toml, there are {', '.join(sorted(extras))}"
        )
    return [*metadata["dependencies"], *_expanded(extra, metadata["name"], extras)]


def _expanded(extra: str, name: str, extras: dict[str, list[str]]) -> list[str]:
    requirements: list[str] = []
    for requirement in extras[extra]:
        own = re.fullmatch(rf"{re.escape(name)}\[(?P<extras>[^\]]+)\]", requirement)
        if own is None:
            requirements.append(requirement)
        else:
            for inner in own["extras"].split(","):
                requirements += _expanded(inner.strip(), name, extras)
    return requirements


def pins(lock: str) -> dict[tuple[str, str], str]:
    r"""Split a lock file into its pins.

    Parameters
    ----------
    lock
        Text of a requirements file with one ``name==version`` a block, its hashes on continued lines.

    Returns
    -------
    dict
        The whole block, keyed by normalised name and version; a name may be there twice, for two Pythons.

    Raises
    ------
    LockError
        If a block is not pinned or has no hash.

    Examples
    --------
    >>> pins("Zope.Interface==1 ; python_version < '4' \\\n    --hash=sha256:00\n").keys()
    dict_keys([('zope-interface', '1')])
    """
    blocks: dict[tuple[str, str], str] = {}
    for block in lock.replace("\\\n", "\0").splitlines():
        if not block.strip() or block.startswith("#"):
            continue
        pin = _PIN.match(block)
        if pin is None or "--hash=sha256:" not in block:
            raise LockError(
                f"requirements.lock has a line without version and hash: {block.split(chr(0))[0].strip()}"
            )
        blocks[_normalised(pin["name"]), pin["version"]] = block.replace("\0", "\\\n")
    return blocks


def closure(requirements: list[str], constraints: str) -> set[tuple[str, str]]:
    """Resolve what the requirements need on this machine and Python, without installing anything.

    Parameters
    ----------
    requirements
        As in ``pyproject.toml``.
    constraints
        Text of a constraints file: the lock without its hashes.

    Returns
    -------
    set
        Normalised names and versions.

    Raises
    ------
    LockError
        If pip finds no solution; the message is pip's.
    """
    with tempfile.TemporaryDirectory() as folder:
        listed, report = Path(folder, "constraints.txt"), Path(folder, "report.json")
        listed.write_text(constraints)
        # Wheels only: a source distribution would run its build before any hash is checked.
        options = [
            "--dry-run",
            "--ignore-installed",
            "--only-binary",
            ":all:",
            "--disable-pip-version-check",
            "--quiet",
        ]
        pip = [sys.executable, "-m", "pip", "install", *options, "-c", str(listed), "--report", str(report)]
        command = [*pip, *requirements]
        result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  our own pyproject
        if result.returncode != 0:
            raise LockError(f"pip cannot resolve {', '.join(requirements)}:\n{result.stderr.strip()}")
        entries = json.loads(report.read_text())["install"]
    return {(_normalised(entry["metadata"]["name"]), entry["metadata"]["version"]) for entry in entries}


def select(lock: str, requirements: list[str]) -> str:
    """Return the lock's lines for the requirements and everything they need, in the lock's order."""
    blocks = pins(lock)
    unhashed = "\n".join(block.split("\\\n")[0].strip() for block in blocks.values())
    wanted = closure(requirements, unhashed)
    if missing := sorted(f"{name}=={version}" for name, version in wanted - blocks.keys()):
        raise LockError(f"requirements.lock does not have {', '.join(missing)}: make it again")
    return "".join(f"{block.rstrip()}\n" for key, block in blocks.items() if key in wanted)


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        sys.stderr.write("usage: locked.py FOLDER EXTRA\n")
        return 2
    folder = Path(arguments[0])
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text())
        lock = (folder / "requirements.lock").read_text()
        sys.stdout.write(select(lock, requirements_of(project, arguments[1])))
    except (LockError, OSError, tomllib.TOMLDecodeError) as error:
        sys.stderr.write(f"locked.py: {error}\n")
        return 2
    except KeyError as error:
        sys.stderr.write(f"locked.py: pyproject.toml has no {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
