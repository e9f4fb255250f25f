"""Processes under measurement: each contestant has one of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[1]


def clean_environ(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment without settings of a shell that would change a service unseen."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CONVEX_")}
    return {**inherited, **(more or {})}


def run_reader(module: str, *arguments: str, timeout_seconds: float = 180.0) -> dict[str, Any]:
    """Run a module as a process and return the JSON of its last line."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=_ROOT,
        env=clean_environ(),
        capture_output=True,
        text=True,
        timeout=timeout_seconds,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise RuntimeError(
            f"{module} ended with {done.returncode}:\n{done.stderr[-3000:]}\n{done.stdout[-500:]}"
        )
    found: dict[str, Any] = json.loads(lines[-1])
    return found


@contextmanager
def running(arguments: list[str], environ: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Keep a process for as long as the block lasts; ask it to stop afterwards."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=_ROOT,
            env=clean_environ(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def require_running(process: subprocess.Popen[bytes], log: Path) -> None:
    """Raise with the end of its log when a process has ended by itself."""
    if process.poll() is not None:
        raise RuntimeError(f"{process.args} ended with {process.returncode}:\n{log.read_text()[-3000:]}")
