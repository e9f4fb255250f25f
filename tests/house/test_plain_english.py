"""No metaphor stands for a mechanism: each of these words had to be learnt, and has a plain one."""

import re
import subprocess
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]

# The word, and what to write instead.
_METAPHORS = {
    r"voices?": "transition log",
    r"tapes?": "last price",
    r"owe[sd]?|owing": "due, pending",
    r"bur(?:y|ied|ies)": "dead-letter",
    r"bears? (?:it |them |an? \w+ |the \w+ )?out|borne out": "confirm",
    r"grounds": "context",
    r"hears?|heard|unheard": "receive, know",
    r"tells? whether": "return whether",
    r"told": "reported, alerted",
    r"(?<!half-)lives": "states",
    r"judg(?:e|es|ed|ing|ements?)": "evaluate, decide",
}
_WORD = re.compile(r"\b(?:" + "|".join(_METAPHORS) + r")\b", re.IGNORECASE)
# History is not rewritten: nor are the names of fields in records that an older version wrote.
_AS_THEY_WERE = ("docs/decisions/", "CHANGELOG.md", "services/signals/checkpoint/upgrade.py")
_TEXT = (".py", ".md", ".html", ".j2", ".js", ".toml", ".example", ".yml")


def _found(text: str) -> list[str]:
    # Names are words, too: `told_regime`, `JudgeClose`.
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).replace("_", " ")
    return [match[0] for match in _WORD.finditer(spaced)]


@pytest.mark.parametrize(
    "line", ["told_regime = now", "class JudgeClose:", "an event bears it out", "bury(record)"]
)
def test_metaphor_is_found_in_names_and_in_prose(line: str) -> None:
    assert _found(line)


def test_code_and_documents_use_plain_words() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", "convex", "services", "shared", "bench", "docs", "deploy", "*.md"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip(f"needs a git checkout: {listed.stderr.strip()}")
    paths = [
        path
        for path in listed.stdout.split("\0")
        if path.endswith(_TEXT) and not path.startswith(_AS_THEY_WERE) and (_ROOT / path).is_file()
    ]
    found = [
        f"{path}:{number}: {', '.join(words)}: {line.strip()[:90]}"
        for path in paths
        for number, line in enumerate((_ROOT / path).read_text(encoding="utf-8").splitlines(), start=1)
        if (words := _found(line))
    ]

    assert len(paths) > 300
    assert found == []
