"""What the pages for contributors name is there, and a new kind touches no file that they do not list."""

import re
from pathlib import Path

import pytest

_TOP = Path(__file__).parents[2]
_PAGES = (_TOP / "CONTRIBUTING.md", _TOP / "docs" / "contributing.md")
_FOLDERS = ("convex", "deploy", "docs", "services", "shared", "tests", ".ci")
# Files that name a kind in an example or in published figures only.
_MENTIONS = {"services/signals/core/outcomes/ledger.py"}


def _code(page: Path) -> list[str]:
    text = page.read_text()
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    commands = re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    return [*spans, *commands]


def _paths(page: Path) -> set[str]:
    found = re.findall(rf"(?<![\w/.])(?:{'|'.join(_FOLDERS)})/[\w./-]+", "\n".join(_code(page)))
    return {each.rstrip(".").replace("KIND", "hedge_lost") for each in found}


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_every_path_that_a_contributor_is_sent_to_exists(page: Path) -> None:
    paths = _paths(page)

    assert len(paths) > 15
    assert [each for each in sorted(paths) if not (_TOP / each).exists()] == []


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_every_target_of_make_that_a_contributor_is_told_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (_TOP / "Makefile").read_text(), flags=re.MULTILINE))
    told = set(re.findall(r"\bmake ([a-z]+)", "\n".join(_code(page))))

    assert told
    assert told <= targets


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_every_link_of_a_contributor_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://)([^)\s]+)\)", page.read_text()):
        name, _, heading = target.partition("#")
        linked = page.parent / name
        assert linked.exists(), target
        headings = re.findall(r"^#+ (.+)$", linked.read_text(), flags=re.MULTILINE) if heading else []
        assert not heading or heading in {each.lower().replace(" ", "-") for each in headings}, target


def test_the_list_of_files_of_a_kind_is_whole() -> None:
    naming = set()
    for folder in ("convex", "services", "shared"):
        for path in (_TOP / folder).rglob("*.py"):
            code = [
                line for line in path.read_text().splitlines() if not line.lstrip().startswith((">>>", "..."))
            ]
            if re.search(r"\bHEDGE_LOST\b|import hedge_lost\b", "\n".join(code)):
                naming.add(str(path.relative_to(_TOP)))

    assert naming - _MENTIONS <= _paths(_TOP / "docs" / "contributing.md")
