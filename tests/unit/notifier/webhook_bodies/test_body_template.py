import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.render.renderer import Renderer
from services.notifier.webhook_bodies.body_template import (
    MAX_BODY_BYTES,
    BodyTemplate,
    BodyTemplateError,
    parse_body_template,
)
from services.notifier.webhook_bodies.example_events import example_events, examples_among
from shared.contracts.records import DIVERGENCES
from shared.domain.divergences import Kind, Transition
from tests.support.builders import divergence

RENDERER = Renderer(public_url="https://convex.example")


def template(
    document: Any, values: dict[str, Any] | None = None, secrets: dict[str, str] | None = None
) -> BodyTemplate:
    text = document if isinstance(document, str) else json.dumps(document)
    return parse_body_template(
        text, values=values or {}, secrets=secrets or {}, public_url="https://convex.example"
    )


def rendered(document: Any, event: Any = None, **others: Any) -> Any:
    return json.loads(template(document, **others).render(DIVERGENCES.encode(event or divergence())))


def test_document_keeps_its_form_and_its_texts_are_computed() -> None:
    document = {
        "a": "{{ event.pair }}",
        "b": [1, 2.5, None, True, {"c": "z {{ event.values.z_90 }}"}],
        "d": {},
    }

    assert rendered(document) == {"a": "gold-iwm", "b": [1, 2.5, None, True, {"c": "z 2.31"}], "d": {}}


def test_template_knows_the_event_and_what_it_means() -> None:
    document = {name: "{{ " + name + " }}" for name in ("event", "summary", "link", "is_end", "is_test")}
    event = divergence(type=Transition.CLOSED)

    body = rendered(document, event)

    assert body["event"] == json.loads(DIVERGENCES.encode(event))
    assert body["summary"] == RENDERER.render(event).subject
    assert body["link"] == "https://convex.example/compare/gold-vs-iwm"
    assert (body["is_end"], body["is_test"]) == (True, False)
    assert rendered(document, divergence(type=Transition.TEST))["is_test"] is True
    assert rendered(document, divergence(links={}))["link"] == ""


def test_template_knows_the_values_and_the_secrets_of_the_subscription() -> None:
    body = rendered(
        {"a": "{{ values.team }}", "b": "{{ secrets.key }}"}, values={"team": 7}, secrets={"key": "sesame"}
    )

    assert body == {"a": 7, "b": "sesame"}


def test_secrets_are_not_shown() -> None:
    made = template({"b": "{{ secrets.key }}"}, secrets={"key": "sesame"})

    assert "sesame" not in repr(made)


def test_equal_events_give_equal_bytes() -> None:
    made, again = (template({"b": "{{ event }}", "a": "{{ summary }}"}) for _ in range(2))
    value = DIVERGENCES.encode(divergence())

    assert made.render(value) == again.render(bytes(bytearray(value)))
    assert made.render(value).startswith(b'{"b":{"schema":"divergences"')


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=40))
def test_whatever_an_event_contains_the_body_is_json(text: str) -> None:
    event = divergence(links={"compare": text})
    document = {"a": "{{ event.links.compare }}", "b": '"{{ event.links.compare }}" \\ {{ link }}'}

    body = rendered(document, event)

    assert body["a"] == text
    assert body["b"].startswith(f'"{text}" \\ ')


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", 1, "must be JSON: Expecting value"),
        ("{\n  'a': 1\n}", 2, "must be JSON: Expecting property name"),
        ('{"a": 1,\n"b": 2,\n}', 3, "must be JSON"),
        ("[1]", None, "must be a JSON object"),
        ('"{{ event }}"', None, "must be a JSON object"),
        ('{"a": NaN}', None, "no NaN"),
        ('{"a": 1, "a": 2}', None, "an object has a name twice"),
        ("[" * 60_000, None, "nested too deeply"),
        ('{"a":' * 20 + "1" + "}" * 20, None, "nested more than 16 deep"),
        ('{"a": [' + ", ".join(['"x"'] * 513) + "]}", None, "at most 512 texts, were 513"),
        (json.dumps({"a": "x" * 70_000}), None, "a template has at most 65536 bytes"),
        ('{\n "a": {\n  "b": ["x", "{{ event.pair"]\n }\n}', 3, r"^a\.b\[1\]: "),
        ('{\n\n "ü": "ü {% if x %}"}', 3, "^ü: "),
    ],
)
def test_text_that_is_no_template_is_refused_with_its_line(text: str, line: int | None, problem: str) -> None:
    with pytest.raises(BodyTemplateError, match=problem) as caught:
        template(text)

    assert caught.value.line == line


def test_value_and_secret_that_no_expression_uses_are_refused() -> None:
    with pytest.raises(BodyTemplateError, match=r"does not use template_values\.ticke; it uses ticker"):
        template({"a": "{{ values.ticker }}"}, values={"ticke": "GLD"})
    with pytest.raises(BodyTemplateError, match=r"does not use template_secrets_env\.key; it uses none"):
        template({"a": "b"}, secrets={"key": "sesame"})


def test_template_that_fails_for_an_event_says_where_and_shows_no_value() -> None:
    made = template('{\n "a": "{{ event.values.z_90 - secrets.key }}"\n}', secrets={"key": "sesame"})

    with pytest.raises(BodyTemplateError, match=r"^a: cannot be computed: TypeError$") as caught:
        made.render(DIVERGENCES.encode(divergence()))

    assert caught.value.line == 2


@pytest.mark.parametrize(
    "document",
    [
        {"a": ["{{ event }}"] * 40},
        {"a": "{{ event.legs }}{{ event.values }}" * 8, "b": ["{{ event }}"] * 500},
        {"a": ["{{ event.links.compare }}"] * 2},
    ],
)
def test_body_is_bounded(document: Any) -> None:
    """A receiver refuses a larger body, and ten thousand of them would not fit into memory."""
    value = DIVERGENCES.encode(divergence(links={"compare": "ü" * 20_000}))

    with pytest.raises(BodyTemplateError, match=f"a body has at most {MAX_BODY_BYTES} bytes"):
        template(document).render(value)


def test_text_that_json_cannot_contain_is_refused() -> None:
    with pytest.raises(BodyTemplateError, match="has a value that JSON cannot contain"):
        template('{"a": "\\ud800"}').render(DIVERGENCES.encode(divergence()))
    with pytest.raises(BodyTemplateError, match="has a value that JSON cannot contain"):
        template({"a": 1 << 70}).render(DIVERGENCES.encode(divergence()))


def test_there_is_an_example_of_every_kind_and_type_with_and_without_numbers() -> None:
    events = [event for event, _ in example_events()]

    assert {(event.kind, event.type) for event in events} == {
        (kind, each) for kind in Kind for each in Transition
    }
    assert {event.direction for event in events if event.kind is Kind.DATA_FAULT} == {"lead", "other"}
    assert any(value is None for event in events for value in event.values.values())
    assert any(not event.legs for event in events if event.kind is Kind.DATA_FAULT)
    assert all(replace(DIVERGENCES.decode(value)) == event for event, value in example_events())
    assert len(list(examples_among({"open"}, {"hedge_lost"}))) == 2
    assert len(list(examples_among(None, None))) == len(events)
