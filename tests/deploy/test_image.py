"""The steps of ``deploy/Dockerfile``, run without Docker: each image holds what its service needs only."""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
# An environment that make has set up has no pip of its own; the interpreter that it stands on has one.
_PYTHON = sys.executable if find_spec("pip") else str(Path(sys.base_prefix, "bin", "python3"))

# What an image must not hold: the libraries that only other services use.
_FOREIGN = {
    "ingestor": {"faust", "aiosmtplib", "sqlalchemy", "alembic", "fastapi", "uvicorn", "jinja2"},
    "signals": {"httpx", "websockets", "stamina", "aiosmtplib", "sqlalchemy", "fastapi", "uvicorn", "jinja2"},
    "notifier": {"faust", "websockets", "exchange_calendars", "pandas", "fastapi", "uvicorn"},
    "dashboard": {"faust", "websockets", "exchange_calendars", "pandas", "aiosmtplib", "sqlalchemy"},
}
_DEVELOPMENT = {"pytest", "mypy", "ruff", "hatchling", "pip", "setuptools", "confluent_kafka", "aiosmtpd"}

_IMPORT_EVERYTHING = """
import importlib, pkgutil, sys
import convex.cli
package = importlib.import_module(f"services.{sys.argv[1]}")
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(package.__file__)
"""

_FIND = """
import importlib.util, sys
print(" ".join(name for name in sys.argv[1:] if importlib.util.find_spec(name)))
"""


def _run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "PYTHON": _PYTHON, **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def _build_stage() -> list[str]:
    text = (_ROOT / "deploy" / "Dockerfile").read_text()
    return re.split(r"^FROM .*$", text, flags=re.MULTILINE)[1].splitlines()


def _copy(sources: list[str], target: Path) -> None:
    for source in sources:
        origin = _ROOT / source
        if origin.is_dir():
            shutil.copytree(origin, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(origin, target)


@pytest.fixture(scope="module", params=sorted(_FOREIGN))
def image(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """Carry out the COPY and RUN lines of the build stage in an empty folder; return service and prefix."""
    service = str(request.param)
    folder = tmp_path_factory.mktemp(service)
    source, prefix = folder / "src", folder / "opt"
    for line in _build_stage():
        match line.split():
            case ["COPY", *sources, target]:
                _copy(sources, source / target)
            case ["RUN", *words]:
                command = " ".join(words).replace("${SERVICE}", service).replace("/opt/convex", str(prefix))
                result = _run("bash", "-euc", command, cwd=source)
                assert result.returncode == 0, f"{line}\n{result.stdout}{result.stderr}"
    return service, prefix


@pytest.mark.slow
def test_every_module_of_the_service_imports_in_its_image(image: tuple[str, Path], tmp_path: Path) -> None:
    service, prefix = image

    result = _run(prefix / "bin" / "python", "-I", "-c", _IMPORT_EVERYTHING, service, cwd=tmp_path)

    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(str(prefix)), "it imported the checkout, not the image"


@pytest.mark.slow
def test_the_command_of_the_service_answers_in_its_image(image: tuple[str, Path], tmp_path: Path) -> None:
    service, prefix = image

    result = _run(prefix / "bin" / "convex", service, "--help", cwd=tmp_path)

    assert result.returncode == 0, result.stderr
    assert "Usage" in result.stdout


@pytest.mark.slow
def test_a_misspelt_variable_of_any_service_refuses_to_start_in_the_image(
    image: tuple[str, Path], tmp_path: Path
) -> None:
    """The image knows the names of all settings, though not the libraries of the other services."""
    service, prefix = image

    result = _run(prefix / "bin" / "convex", service, cwd=tmp_path, CONVEX_SIGNALS_GRUOP="x")

    assert result.returncode == 2
    assert result.stderr == (
        "convex: CONVEX_SIGNALS_GRUOP is not a setting of Convex; see deploy/env for all of them\n"
    )


@pytest.mark.slow
def test_nothing_of_other_services_and_of_development_is_in_the_image(
    image: tuple[str, Path], tmp_path: Path
) -> None:
    service, prefix = image

    unwanted = sorted(_FOREIGN[service] | _DEVELOPMENT)
    result = _run(prefix / "bin" / "python", "-I", "-c", _FIND, *unwanted, cwd=tmp_path)

    assert (result.returncode, result.stdout.split()) == (0, [])


@pytest.mark.slow
def test_every_version_in_the_image_is_the_locked_one(image: tuple[str, Path]) -> None:
    _, prefix = image
    locked = set(
        re.findall(r"^([a-z0-9.-]+)==([^\s;\\]+)", (_ROOT / "requirements.lock").read_text(), re.MULTILINE)
    )

    folders = [
        folder.name.removesuffix(".dist-info")
        for folder in prefix.glob("lib/python*/site-packages/*.dist-info")
    ]
    installed = {
        (name.replace("_", "-"), version) for name, _, version in (f.rpartition("-") for f in folders)
    }

    assert {("convex-alerts", "0.1.0")} == {one for one in installed if one not in locked}


@pytest.fixture
def small_project(tmp_path: Path) -> Path:
    """Copy what the installer reads, so that a test may spoil it."""
    _copy(["deploy/image"], tmp_path / "deploy" / "image")
    _copy(["requirements.lock", "pyproject.toml"], tmp_path)
    return tmp_path


def _install(project: Path, extra: str = "build") -> subprocess.CompletedProcess[str]:
    return _run(project / "deploy/image/install", "dependencies", extra, project / "opt", cwd=project)


@pytest.mark.slow
def test_an_archive_with_another_hash_is_refused(small_project: Path) -> None:
    lock = small_project / "requirements.lock"
    before, pin, after = lock.read_text().partition("\npathspec==")
    hashes, end, rest = after.partition("\npluggy==")
    assert pin
    assert end
    lock.write_text(before + pin + re.sub(r"sha256:[0-9a-f]{8}", "sha256:00000000", hashes) + end + rest)

    result = _install(small_project)

    assert result.returncode != 0
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in result.stderr


@pytest.mark.slow
def test_a_lock_without_a_needed_package_is_refused(small_project: Path) -> None:
    lock = small_project / "requirements.lock"
    lock.write_text(re.sub(r"^pathspec==.*?\n(?=\S)", "", lock.read_text(), flags=re.MULTILINE | re.DOTALL))

    result = _install(small_project)

    assert result.returncode == 2
    assert re.fullmatch(
        r"locked\.py: requirements\.lock does not have pathspec==\S+: make it again\n", result.stderr
    )


def test_a_lock_line_without_hashes_is_refused(small_project: Path) -> None:
    (small_project / "requirements.lock").write_text("numpy==2.4.6\n")

    result = _install(small_project)

    assert result.returncode == 2
    assert result.stderr == "locked.py: requirements.lock has a line without version and hash: numpy==2.4.6\n"


def test_an_unknown_extra_is_one_clear_line(small_project: Path) -> None:
    result = _install(small_project, "singals")

    assert result.returncode == 2
    assert result.stderr.startswith(
        "locked.py: there is no extra 'singals' in pyproject.toml, there are bench, dashboard"
    )
