"""A newcomer finds a behaviour by the words of the question, and each walk of the document is true."""

import ast
import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PRODUCT = ("convex", "services", "shared")

# The question, the words in the path that it leads to, and the file that answers.
_QUESTIONS = (
    ("Where is a tick rejected?", "tick validation", "services/ingestor/core/tick_validation.py"),
    (
        "Where is a tick with a wild price filtered?",
        "tick filter",
        "services/signals/core/legs/tick_filter.py",
    ),
    ("Where is gold sampled at the close?", "close sampling", "services/signals/core/legs/close_sampling.py"),
    (
        "Where does a divergence open on a close?",
        "divergence on_close",
        "services/signals/core/divergence/on_close.py",
    ),
    (
        "Where does a divergence open on a live price?",
        "divergence on_price",
        "services/signals/core/divergence/on_price.py",
    ),
    (
        "Where does a data fault open a divergence?",
        "divergence data_fault",
        "services/signals/core/divergence/on_data_fault.py",
    ),
    ("When is a divergence flapping?", "flapping", "services/signals/core/divergence/flapping.py"),
    (
        "What does the kind hedge lost observe in signals?",
        "signals kinds hedge_lost",
        "services/signals/core/kinds/hedge_lost.py",
    ),
    (
        "By which statistic is the regime known?",
        "statistics regime",
        "services/signals/core/statistics/regime.py",
    ),
    ("How is an old checkpoint upgraded?", "checkpoint upgrade", "services/signals/checkpoint/upgrade.py"),
    ("What happens to a stream in a rebalance?", "stream rebalance", "services/signals/stream/rebalance.py"),
    ("Where does the notifier decide about a retry?", "notifier retry", "services/notifier/core/retry.py"),
    ("What is the result of an attempt?", "attempt_result", "services/notifier/core/attempt_result.py"),
    ("Who gets an event?", "routing", "services/notifier/core/routing.py"),
    ("How is a webhook signed?", "signing", "services/notifier/core/signing.py"),
    ("When is a connection healthy?", "connection_health", "services/ingestor/core/connection_health.py"),
    ("Where is a bar found to be corrected?", "bar_corrections", "services/ingestor/core/bar_corrections.py"),
    ("Where is a duplicate tick dropped?", "duplicates", "services/ingestor/core/duplicates_and_gaps.py"),
    ("How is a number written in a text?", "text numbers", "shared/text/numbers.py"),
)
# Where the word in the path is not the word of the question: what a reader of the field looks for.
_SYNONYMS = {
    "validation": "rejected",
    "sampling": "sampled",
    "kinds": "kind",
    "statistics": "statistic",
    "routing": "who gets",
    "signing": "signed",
    "health": "healthy",
    "corrections": "corrected",
    "duplicates": "duplicate",
    "numbers": "number",
}


def _product_files() -> list[str]:
    found = [
        path.relative_to(_ROOT).as_posix() for folder in _PRODUCT for path in (_ROOT / folder).rglob("*.py")
    ]
    return [path for path in found if not path.endswith("__init__.py")]


@pytest.mark.parametrize(("question", "words", "answer"), _QUESTIONS, ids=[each[0] for each in _QUESTIONS])
def test_words_of_the_question_lead_to_one_file(question: str, words: str, answer: str) -> None:
    parts = words.replace("_", " ").split()
    assert [part for part in parts if _SYNONYMS.get(part, part) not in question.lower()] == []
    assert [path for path in _product_files() if all(word in path for word in words.split())] == [answer]


_HOP = re.compile(r"^\| *\d+ *\|.*\| *`(?P<file>[\w/.]+\.py)` *\| *`(?P<name>[\w.]+)` *\|")
_WALKS = ("A tick", "A bar", "An event", "A delivery")


def _hops(walk: str) -> list[tuple[str, str]]:
    text = (_ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    section = re.search(rf"^## {walk}, hop by hop\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)
    assert section is not None, f"docs/architecture.md has no section about {walk.lower()}"
    rows = [line for line in section[1].splitlines() if re.match(r"^\| *\d", line)]
    hops = [(match["file"], match["name"]) for row in rows if (match := _HOP.match(row))]
    assert len(hops) == len(rows), f"a hop without a file and a function: {walk}"
    return hops


def _defined_in(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            names.add(node.name)
            names |= {
                f"{node.name}.{each.name}"
                for each in node.body
                if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
            }
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


@pytest.mark.parametrize("walk", _WALKS)
def test_each_hop_of_a_walk_is_a_function_of_its_file(walk: str) -> None:
    hops = _hops(walk)

    assert len(hops) >= 4
    missing = [
        f"{file}: {name}"
        for file, name in hops
        if not (_ROOT / file).is_file() or name not in _defined_in(_ROOT / file)
    ]
    assert missing == []


@pytest.mark.parametrize("walk", _WALKS)
def test_walk_goes_forward_and_does_not_come_back(walk: str) -> None:
    files = [file for file, _ in _hops(walk)]
    stretches = [file for index, file in enumerate(files) if index == 0 or files[index - 1] != file]

    assert sorted(set(stretches)) == sorted(stretches)
