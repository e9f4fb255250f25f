import json
from pathlib import Path
from typing import Any

import pytest

from services.notifier.webhook_bodies.body_template import BodyTemplate
from services.notifier.webhook_bodies.built_in import BUILT_IN
from services.notifier.webhook_bodies.loading import find_template, load_body_template
from shared.contracts.records import DIVERGENCES
from shared.domain.divergences import Direction, DivergenceEvent, Kind, Severity, Transition
from tests.support.builders import divergence
from tests.support.builders_kinds import divergence_of

VALUES: dict[str, dict[str, Any]] = {
    "pagerduty": {},
    "opsgenie": {},
    "traderspost": {"ticker": "GLD", "risk_off": "buy", "risk_on": "sell"},
    "3commas": {
        "exchange": "BINANCE",
        "instrument": "PAXGUSDT",
        "bot_uuid": "b-1",
        "risk_off": "long",
        "risk_on": "short",
    },
}
SECRETS = {"pagerduty": {"routing_key": "R" * 32}, "3commas": {"secret": "sesame"}}


def load(name: str, folder: Path = Path(), **changes: Any) -> BodyTemplate:
    source = find_template(name, folder=folder)
    fields: dict[str, Any] = {
        "values": VALUES.get(name, {}),
        "secrets": SECRETS.get(name, {}),
        "types": source.types,
        "kinds": source.kinds,
    }
    return load_body_template(source, public_url="https://convex.example", **(fields | changes))


def body_of(name: str, event: DivergenceEvent) -> Any:
    return json.loads(load(name).render(DIVERGENCES.encode(event)))


@pytest.mark.parametrize("name", BUILT_IN)
def test_template_that_comes_with_the_notifier_works_for_every_event(name: str) -> None:
    assert load(name)


@pytest.mark.parametrize(
    ("transition", "action"),
    [
        (Transition.OPEN, "trigger"),
        (Transition.ESCALATED, "trigger"),
        (Transition.EASED, "trigger"),
        (Transition.REVISED, "trigger"),
        (Transition.TEST, "trigger"),
        (Transition.CLOSED, "resolve"),
        (Transition.NOT_CONFIRMED, "resolve"),
        (Transition.EXPIRED, "resolve"),
    ],
)
def test_pagerduty_has_one_incident_for_a_divergence(transition: Transition, action: str) -> None:
    event = divergence(type=transition, severity=Severity.CRITICAL)

    body = body_of("pagerduty", event)

    assert body["routing_key"] == "R" * 32
    assert body["event_action"] == action
    assert body["dedup_key"] == event.divergence_id
    assert body["client_url"] == "https://convex.example/compare/gold-vs-iwm"
    assert body["payload"]["severity"] == ("info" if transition is Transition.TEST else "critical")
    assert body["payload"]["source"] == "gold-iwm"
    assert body["payload"]["timestamp"] == event.occurred_at
    assert body["payload"]["custom_details"]["values"] == event.values


@pytest.mark.parametrize(
    ("transition", "severity", "action", "priority"),
    [
        (Transition.OPEN, Severity.WARNING, "create", "P3"),
        (Transition.ESCALATED, Severity.CRITICAL, "create", "P1"),
        (Transition.CLOSED, Severity.WARNING, "close", "P3"),
        (Transition.TEST, Severity.WARNING, "create", "P5"),
    ],
)
def test_opsgenie_has_one_alert_for_a_divergence(
    transition: Transition, severity: Severity, action: str, priority: str
) -> None:
    event = divergence(type=transition, severity=severity)

    body = body_of("opsgenie", event)

    assert (body["action"], body["alias"], body["priority"]) == (action, event.divergence_id, priority)
    assert 0 < len(body["message"]) <= 130
    assert body["tags"] == ["ratio_stretch", "risk_off", severity.value]
    assert all(isinstance(value, str) for value in body["details"].values())


@pytest.mark.parametrize(
    ("transition", "direction", "order", "signal"),
    [
        (Transition.OPEN, Direction.RISK_OFF, "buy", "enter_long"),
        (Transition.OPEN, Direction.RISK_ON, "sell", "enter_short"),
        (Transition.CLOSED, Direction.RISK_OFF, "exit", "exit_long"),
        (Transition.NOT_CONFIRMED, Direction.RISK_ON, "exit", "exit_short"),
        (Transition.EXPIRED, Direction.RISK_OFF, "exit", "exit_long"),
    ],
)
def test_divergence_is_one_trade(
    transition: Transition, direction: Direction, order: str, signal: str
) -> None:
    event = divergence_of(Kind.OPPOSITE_MOVES, direction, type=transition)

    traderspost, three_commas = body_of("traderspost", event), body_of("3commas", event)

    assert (traderspost["ticker"], traderspost["action"]) == ("GLD", order)
    assert traderspost["time"] == event.occurred_at
    assert three_commas == {
        "secret": "sesame",
        "max_lag": "300",
        "timestamp": event.occurred_at,
        "trigger_price": "1304.35",
        "tv_exchange": "BINANCE",
        "tv_instrument": "PAXGUSDT",
        "action": signal,
        "bot_uuid": "b-1",
    }


@pytest.mark.parametrize("name", ["traderspost", "3commas"])
def test_receiver_that_trades_gets_nothing_that_it_would_trade_on_by_mistake(name: str) -> None:
    source = find_template(name, folder=Path())

    assert source.types == frozenset({"open", "closed", "not_confirmed", "expired"})
    assert source.kinds == frozenset({"ratio_stretch", "opposite_moves"})


@pytest.mark.parametrize(
    ("name", "changes", "problem"),
    [
        (
            "pagerduty",
            {"secrets": {}},
            r"^body_template: pagerduty: line 2: routing_key: .* 'routing_key'",
        ),
        ("traderspost", {"values": {}}, r"^body_template: traderspost: line 2: ticker: "),
        (
            "traderspost",
            {"values": VALUES["traderspost"] | {"risk_on": "hold"}},
            r"^template_values\.risk_on: must be buy or sell",
        ),
        (
            "3commas",
            {"values": VALUES["3commas"] | {"tiker": "GLD"}},
            r"^body_template: 3commas: does not use template_values\.tiker; it uses bot_uuid, exchange",
        ),
    ],
)
def test_what_is_missing_is_named_with_its_line(name: str, changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        load(name, **changes)


def test_own_file_is_tried_on_every_event_that_the_subscription_gets(tmp_path: Path) -> None:
    (tmp_path / "own.json").write_text('{\n  "z": "{{ event.values.z_90 }}"\n}\n')

    with pytest.raises(ValueError, match=r"^body_template: own\.json: line 2: z: .* no attribute 'z_90'"):
        load("own.json", tmp_path)

    assert load("own.json", tmp_path, kinds={"ratio_stretch"}, types={"open", "closed"})


def test_own_file_must_work_without_a_number(tmp_path: Path) -> None:
    """At the start of a history a statistic is null, and a template must not fail then."""
    (tmp_path / "own.json").write_text('{"z": "{{ event.values.z_90 | round(1) }}"}')

    with pytest.raises(ValueError, match=r"line 1: z: cannot be computed: TypeError"):
        load("own.json", tmp_path, kinds={"ratio_stretch"}, types={"open"})


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("none.json", r"none\.json cannot be read \(No such file"),
        (
            "pagerdutty",
            "must be one of pagerduty, opsgenie, traderspost, 3commas, or the name of a",
        ),
        (".", "cannot be read"),
        ("binary", "the file is not UTF-8 text"),
        ("", "must be one of"),
        ("a\nb", "must be one of [^\n]*$"),
        ("a" * 300, "must be one of [^a]*pagerduty"),
    ],
)
def test_template_that_is_not_there_is_named(tmp_path: Path, name: str, problem: str) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")

    with pytest.raises(ValueError, match=problem):
        find_template(name, folder=tmp_path)
