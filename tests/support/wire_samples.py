"""The samples of providers' frames in ../shared/reference/providers.md, section by section."""

import json
import re
from pathlib import Path
from typing import Final

import pytest

_REFERENCE: Final = Path(__file__).resolve().parents[3] / "shared" / "reference" / "providers.md"


def wire_samples(section: str) -> list[str]:
    """Return the JSON lines of a section such as ``A3``, or skip the test that asks for them."""
    if not _REFERENCE.is_file():
        pytest.skip("needs the protocol reference: ../shared/reference beside the repository")
    text = _REFERENCE.read_text(encoding="utf-8")
    _, _, rest = text.partition(f"\n### {section}. ")
    body = re.split(r"\n#{2,3} ", rest, maxsplit=1)[0]
    lines = [
        line for block in re.findall(r"```json\n(.*?)```", body, re.DOTALL) for line in block.splitlines()
    ]
    samples = [line for line in lines if line.strip()]
    assert samples, section
    for sample in samples:
        json.loads(sample)
    return samples
