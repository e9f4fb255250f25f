"""The documents say what the code does: examples run, fields and columns are there, links lead somewhere."""

import base64
import json
import re
import time
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from convex.backtesting.outcomes_csv import OUTCOME_COLUMNS
from convex.backtesting.stats_csv import COLUMNS
from services.notifier.core.attempt_result import Delivered, Gone, Rejected
from services.notifier.core.http_answer import classify_http_answer
from services.notifier.core.signing import parse_secret, webhook_signature
from services.notifier.subscriptions.file import load_subscriptions
from services.notifier.subscriptions.targets import WebhookTarget
from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.registry import CONTEXT_KINDS, DEFAULT_RULES
from services.signals.rules_file import load_rules, load_rules_of_pairs, read_rules_file
from shared.contracts.records import DIVERGENCES
from shared.domain.divergences import DivergenceEvent, Kind, Transition
from shared.domain.kinds import KIND_TRAITS
from shared.errors import ConfigError
from shared.pairs.loading import load_pairs
from tests.support.builders import divergence

_TOP = Path(__file__).parents[3]
_DOCS = sorted([*(_TOP / "docs").rglob("*.md"), _TOP / "CHANGELOG.md", _TOP / "deploy" / "README.md"])
_SECRET = "whsec_" + base64.b64encode(b"a secret of the tests, 32 bytes!").decode()

Receive = Callable[[str, dict[str, str], bytes, set[str]], tuple[int, dict[str, Any] | None]]


def blocks(name: str, language: str) -> list[str]:
    text = (_TOP / "docs" / name).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def receive() -> Receive:
    """Return the receiver that webhooks.md shows."""
    (example,) = blocks("webhooks.md", "python")
    names: dict[str, Any] = {}
    exec(compile(example, "webhooks.md", "exec"), names)  # noqa: S102 - our own document
    receiver: Receive = names["receive"]
    return receiver


def sent(event: DivergenceEvent) -> tuple[dict[str, str], bytes]:
    """Return a webhook as the notifier sends it."""
    body, now = DIVERGENCES.encode(event), int(time.time())
    signature = webhook_signature(
        body, message_id=event.event_id, timestamp_seconds=now, keys=[parse_secret(_SECRET)]
    )
    return {
        "webhook-id": event.event_id,
        "webhook-timestamp": str(now),
        "webhook-signature": signature,
    }, body


def lasting(minutes: float, **changes: Any) -> DivergenceEvent:
    until = datetime.now(UTC) + timedelta(minutes=minutes)
    return divergence(not_after=until.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), **changes)


def test_receiver_of_the_document_takes_an_event_once(receive: Receive) -> None:
    event = lasting(60)
    headers, body = sent(event)
    seen: set[str] = set()

    assert receive(_SECRET, headers, body, seen) == (204, json.loads(body))
    assert receive(_SECRET, headers, body, seen) == (204, None)


def test_receiver_of_the_document_refuses_what_was_changed_on_the_way(receive: Receive) -> None:
    headers, body = sent(lasting(60))

    assert receive(_SECRET, headers, body.replace(b"warning", b"critica"), set()) == (401, None)
    assert classify_http_answer(401) == Rejected(reason=classify_http_answer(403).reason)  # type: ignore[union-attr]  # it is refused


def test_receiver_of_the_document_does_nothing_about_late_events_and_tests(receive: Receive) -> None:
    for event in (lasting(-1), lasting(60, type=Transition.TEST)):
        headers, body = sent(event)
        assert receive(_SECRET, headers, body, set()) == (204, None)


def test_answers_mean_what_the_document_says() -> None:
    assert classify_http_answer(299) == Delivered()
    assert classify_http_answer(410) == Gone()
    assert type(classify_http_answer(301)) is type(classify_http_answer(418)) is Rejected


def test_receivers_with_a_format_of_their_own_get_what_the_document_shows(tmp_path: Path) -> None:
    text = (_TOP / "docs" / "webhooks.md").read_text().partition("## Receivers with a format of their own")[2]
    tables = re.findall(r"^```toml\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    shown = re.findall(r"^```json\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    path = tmp_path / "subscriptions.toml"
    path.write_text("".join(tables))
    (tmp_path / "own.json").write_text(shown[-1])
    own = tmp_path / "own.toml"
    own.write_text("""
[[subscription]]
name = "own"
channel = "webhook"
url = "https://own.example/"
secret_env = "OWN_SECRET"
body_template = "own.json"
template_values = { team = 1 }
template_secrets_env = { api_key = "OWN_KEY" }
""")
    environ = dict.fromkeys([*re.findall(r'"([A-Z_]+)"', text), "OWN_SECRET", "OWN_KEY"], _SECRET)

    targets = load_subscriptions(path, environ=environ) + load_subscriptions(own, environ=environ)

    assert len(targets) == len(shown) == 5
    for target, document in zip(targets[:-1], shown[:-1], strict=True):
        assert isinstance(target, WebhookTarget)
        assert target.body_template is not None
        body = json.loads(target.body_template.render(DIVERGENCES.encode(divergence())))
        assert list(json.loads(document)) == list(body)


def test_every_field_of_the_body_is_explained() -> None:
    text = (_TOP / "docs" / "webhooks.md").read_text()
    schema = DIVERGENCES.json_schema()
    fields = set(schema["properties"])
    for each in schema["$defs"].values():
        fields |= set(each.get("properties", {})) | set(each.get("enum", []))

    assert {field for field in fields if f"`{field}`" not in text} == set()
    names = {*divergence().values, *Rule().thresholds}
    assert {name for name in names if f"`{name}`" not in text} == set()


def test_every_column_of_the_statistics_is_explained() -> None:
    text = (_TOP / "docs" / "backtest.md").read_text()

    assert [column for column in COLUMNS if f"`{column}`" not in text] == []
    # Of an interval both ends are named once, by what follows the name of the value.
    values = {re.sub(r"_(low|high)$", "", column) for column in OUTCOME_COLUMNS}
    assert [value for value in sorted(values) if f"`{value}" not in text] == []


def test_pairs_and_rules_of_the_document_are_usable_and_the_defaults_true(tmp_path: Path) -> None:
    pairs, rules, *_ = blocks("configuration.md", "toml")
    (tmp_path / "pairs.toml").write_text(pairs)
    (tmp_path / "rules.toml").write_text(rules)

    assert load_pairs(str(tmp_path / "pairs.toml"))[0].lead == "PAXG/USD.KRAKEN"
    assert load_rules(tmp_path / "rules.toml") == DEFAULT_RULES
    # Every field is shown.
    tables = tomllib.loads(rules)
    assert {
        Kind(name) for name, table in tables.items() if table.pop("enabled", True) is False
    } == CONTEXT_KINDS
    shown = {Kind(name): set(table) for name, table in tables.items()}
    assert shown == {kind: set(traits.rule_fields) for kind, traits in KIND_TRAITS.items()}


def test_tables_of_pairs_and_budgets_of_the_document_are_known_to_the_rules_file(tmp_path: Path) -> None:
    _, _, of_pairs, budgets = blocks("configuration.md", "toml")
    (tmp_path / "pairs.toml").write_text(of_pairs)
    (tmp_path / "budgets.toml").write_text(budgets)

    rules = load_rules_of_pairs(tmp_path / "pairs.toml", [pair.name for pair in load_pairs("live")])

    assert set(rules.of_pair) == {"gold-tlt", "gold-bitcoin"}
    assert read_rules_file(tmp_path / "budgets.toml").budgets_of("gold-iwm") == {Kind.CORRELATION_BREAK: 0.5}
    with pytest.raises(ConfigError, match="find them with: convex calibrate"):
        load_rules(tmp_path / "budgets.toml")


def test_rule_out_of_order_is_refused_as_anywhere(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text("[ratio_stretch]\nleave = 2.5\n")

    with pytest.raises(ConfigError, match="needs 0 <= leave < warning < critical"):
        load_rules(tmp_path / "rules.toml")


@pytest.mark.parametrize("path", _DOCS, ids=lambda path: str(path.relative_to(_TOP)))
def test_links_lead_to_files_and_headings_that_exist(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?://)([^)\s]+)\)", path.read_text()):
        name, _, heading = target.partition("#")
        linked = (path.parent / name).resolve() if name else path
        assert linked.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.+)$", linked.read_text(), flags=re.MULTILINE)
            assert heading in {_anchor(each) for each in headings}, target


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
