"""The notebook of the documents runs, and what it shows is what a run gives."""

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

_NOTEBOOK = Path(__file__).parents[3] / "docs" / "notebooks" / "first_hour.ipynb"
_NUMBER = re.compile(r"-?\d+\.\d+(?:e[+-]?\d+)?")


def _texts(notebook: Any) -> list[tuple[int, str]]:
    """Return what each cell shows as text, by the number of the cell; pictures are drawn anew everywhere."""
    shown = []
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            text = output.get("text") or output.get("data", {}).get("text/plain", "")
            if "image/png" not in output.get("data", {}):
                shown.append((number, str(text)))
    return shown


@pytest.mark.slow
# The kernel is a process of the library's own; what it warns about is not ours.
@pytest.mark.filterwarnings("ignore")
def test_the_notebook_runs_and_shows_what_it_was_committed_with() -> None:
    notebook = nbformat.read(_NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]  # it has no types
    committed = _texts(notebook)

    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()

    found = _texts(notebook)
    assert [number for number, _ in found] == [number for number, _ in committed]
    for (number, text), (_, wanted) in zip(found, committed, strict=True):
        assert _NUMBER.sub("#", text).split() == _NUMBER.sub("#", wanted).split(), f"cell {number}"
        numbers, of_committed = _NUMBER.findall(text), _NUMBER.findall(wanted)
        assert [*map(float, numbers)] == pytest.approx([*map(float, of_committed)], rel=1e-6), number
    everything = "\n".join(text for _, text in found)
    assert "True" in everything, "files and data frames gave different events"
    assert "chance alone may explain" in everything


def test_the_notebook_says_that_its_prices_are_made_up_and_has_outputs_without_an_error() -> None:
    text = _NOTEBOOK.read_text()
    notebook = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]  # it has no types
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]

    assert "The prices are made up." in text
    assert outputs
    assert {output["output_type"] for output in outputs} <= {"stream", "execute_result", "display_data"}
    assert all(output.get("name") != "stderr" for output in outputs)
