"""The wheel and the source distribution: their name, what is in them, and that either runs by itself."""

import json
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from email import message_from_string
from importlib.util import find_spec
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PACKAGES = ("convex", "services", "shared")
# An environment that make has set up has no pip of its own; the interpreter that it stands on has one.
_PIP = (sys.executable if find_spec("pip") else str(Path(sys.base_prefix, "bin", "python3")), "-m", "pip")
_BUILD = """
import sys
from hatchling import build
build.build_wheel(sys.argv[1])
build.build_sdist(sys.argv[1])
"""


# Where pip keeps what it has downloaded.
_HOME = Path(os.environ["HOME"])


def _run(*command: str | Path, cwd: Path, home: Path | None = None, timeout_seconds: float = 600) -> str:
    # Nothing of the checkout: no PYTHONPATH, and no variable of Convex.
    environment = {"PATH": os.environ["PATH"], "HOME": str(home or cwd)}
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout_seconds,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Build both; return them by what they are."""
    folder = tmp_path_factory.mktemp("built")
    _run(sys.executable, "-c", _BUILD, folder, cwd=_ROOT)
    (wheel,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return {"wheel": wheel, "sdist": source}


def _files_of_the_packages() -> set[str]:
    tracked = [path for name in _PACKAGES for path in (_ROOT / name).rglob("*") if path.is_file()]
    return {str(path.relative_to(_ROOT)) for path in tracked if "__pycache__" not in path.parts}


@pytest.mark.slow
def test_the_distribution_is_not_called_as_the_other_product_is(built: dict[str, Path]) -> None:
    with zipfile.ZipFile(built["wheel"]) as wheel:
        (name,) = (each for each in wheel.namelist() if each.endswith(".dist-info/METADATA"))
        metadata = message_from_string(wheel.read(name).decode())

    assert metadata["Name"] == "convex-alerts"
    assert built["wheel"].name.startswith("convex_alerts-")
    assert built["sdist"].name.startswith("convex_alerts-")


@pytest.mark.slow
def test_the_wheel_has_every_file_of_the_packages_and_no_other(built: dict[str, Path]) -> None:
    with zipfile.ZipFile(built["wheel"]) as wheel:
        packed = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert packed == _files_of_the_packages()
    assert {Path(name).suffix for name in packed} >= {".css", ".html", ".j2", ".js", ".svg", ".toml"}


@pytest.mark.slow
def test_the_source_distribution_has_what_the_wheel_is_built_from(built: dict[str, Path]) -> None:
    with tarfile.open(built["sdist"]) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}

    assert packed >= _files_of_the_packages() | {"pyproject.toml", "README.md", "LICENSE", "PKG-INFO"}
    assert not [name for name in packed if name.startswith(("tests", "bench", "build"))]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a new environment with the libraries of the demo, as the lock has them, and nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    prefix, locked = folder / "environment", folder / "locked.txt"
    venv.create(prefix)
    lines = _run(_PIP[0], _ROOT / "deploy" / "image" / "locked.py", _ROOT, "demo", cwd=folder, home=_HOME)
    locked.write_text(lines)
    options: list[str | Path] = [
        "--disable-pip-version-check",
        "--quiet",
        "--no-deps",
        "--require-hashes",
        "-r",
        locked,
    ]
    _run(*_PIP, "--python", prefix / "bin" / "python", "install", *options, cwd=folder, home=_HOME)
    return prefix


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_a_new_environment_runs_the_demo_from_outside_the_repository(
    built: dict[str, Path], environment: Path, kind: str, tmp_path: Path
) -> None:
    options = ["--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--no-index"]
    # The source distribution is built here: the new environment has no build backend.
    _run(*_PIP, "--python", sys.executable, "wheel", *options, "-w", tmp_path, built[kind], cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    python = environment / "bin" / "python"
    _run(*_PIP, "--python", python, "install", *options, "--force-reinstall", wheel, cwd=tmp_path)
    where = "import convex.cli, services, shared; print(convex.cli.__file__)"
    assert _run(python, "-c", where, cwd=tmp_path).startswith(str(environment))

    output = _run(
        environment / "bin" / "convex", "demo", "--seconds", "20", cwd=tmp_path, timeout_seconds=150
    )

    summary = json.loads(output.splitlines()[-1])
    for name in ("ticks", "bars", "divergences", "emails", "webhooks"):
        assert summary[name] > 0, summary
    assert 0 < summary["latency_ms"]["p50"] <= summary["latency_ms"]["p99"]
