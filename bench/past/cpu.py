"""CPU time of a whole process, from its start to its end."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.processes import clean_environ

_ROOT = Path(__file__).resolve().parents[2]


def cpu_seconds(arguments: Sequence[str], folder: Path) -> float:
    """Run Python with arguments, and return the seconds of CPU that it took, in user and system mode.

    Bytecode is kept in ``folder``, as an installed package has it: run once before what is measured.

    Raises
    ------
    RuntimeError
        If it ends with an error.
    """
    environ = clean_environ({"PYTHONPYCACHEPREFIX": str(folder / "bytecode")})
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    log = folder / "process.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=_ROOT, env=environ, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        # wait4 has taken the exit status that Popen would wait for.
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{arguments} ended with {process.returncode}:\n{log.read_text()[-3000:]}")
    return usage.ru_utime + usage.ru_stime
