"""What the figures were measured on."""

import os
import platform
from pathlib import Path


def describe_machine() -> str:
    """Return processor, cores, system, Python and how busy the machine is already."""
    cpu = "unknown processor"
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line
        ]
        cpu = names[0] if names else cpu
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return (
        f"{cpu}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}; load before the run {load}"
    )
