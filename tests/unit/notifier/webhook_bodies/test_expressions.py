import time
from typing import Any

import pytest

from services.notifier.webhook_bodies.expressions import ExpressionError, compile_text, used_names

VARIABLES: dict[str, Any] = {
    "event": {
        "pair": "gold-iwm",
        "values": {"z_90": 2.3149, "corr_252": None, "items": 1},
        "legs": [{"price": 1304.35}, {"price": 111.34}],
        "is_flapping": False,
        "quoted": 'a "quoted" line\nand another \\ <b>',
        "significance": None,
    },
    "secrets": {"key": "sesame"},
    "values": {"empty": "", "big": 1e308},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("", ""),
        ("{{ event.pair }}", "gold-iwm"),
        ("pair {{ event.pair }}!", "pair gold-iwm!"),
        ("{{ event.values.z_90 }}", 2.3149),
        ("{{ event.values.z_90 | round(2) }}", 2.31),
        ("z {{ event.values.z_90 | round(2) }}", "z 2.31"),
        ("{{ event.values.corr_252 }}", None),
        ("corr {{ event.values.corr_252 }}", "corr "),
        ("{{ event.is_flapping }}", False),
        ("flapping {{ event.is_flapping }}", "flapping false"),
        ("{{ event.values.items }}", 1),
        ("{{ event['pair'] }}", "gold-iwm"),
        ("{{ event.legs[1].price }}", 111.34),
        ("{{ event.legs[-1].price }}", 111.34),
        ("{{ event.legs }}", [{"price": 1304.35}, {"price": 111.34}]),
        ("legs {{ event.legs }}", 'legs [{"price":1304.35},{"price":111.34}]'),
        ("{{ event.legs | tojson }}", '[{"price":1304.35},{"price":111.34}]'),
        ("{{ event.quoted }}", 'a "quoted" line\nand another \\ <b>'),
        ("{{ event.none | default('-') }}", "-"),
        ("{{ event.significance.correlation.value | default(none) }}", None),
        ("{{ event.legs[7].price | default(0) }}", 0),
        ("{{ 'a' if event.pair == 'gold-iwm' else 'b' }}", "a"),
        ("{{ event.pair ~ '/' ~ 1 }}", "gold-iwm/1"),
        ("{{ event.legs[0].price - event.legs[1].price | int }}", 1193.35),
        ("{{ -(event.legs | length) / 4 }}", -0.5),
        ("{{ {'a': [event.pair, 1]} }}", {"a": ["gold-iwm", 1]}),
        ("{{ event.values.corr_252 is none and event.nope is undefined and not event.is_flapping }}", True),
        ("{{ '}}' }}", "}}"),
        ("a{# a comment #}b", "ab"),
    ],
)
def test_expression_has_the_value_and_the_type_that_it_says(text: str, expected: Any) -> None:
    value = compile_text(text)(VARIABLES)

    assert value == expected
    assert type(value) is type(expected) or isinstance(value, str)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{{ event.nope }}", "has no attribute 'nope'"),
        ("a {{ event.nope }}", "has no attribute 'nope'"),
        ("{{ nope }}", "'nope' is undefined"),
        ("{{ event.pair.upper }}", "has no attribute 'upper'"),
        ("{{ event.values.keys }}", "has no attribute 'keys'"),
        ("{{ event.__class__ }}", "has no attribute '__class__'"),
        ("{{ event['__class__'] }}", "has no attribute '__class__'"),
        ("{{ event.legs['0'] }}", "has no"),
        ("{{ event.legs[true] }}", "has no"),
        ("{{ event.legs[7] }}", "has no element 7"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{{ event.pair - 1 }}", "cannot be computed: TypeError"),
        ("{{ secrets.key | round }}", "cannot be computed: TypeError"),
        ("{{ values.big + values.big }}", "not a finite number"),
    ],
)
def test_expression_that_fails_says_why_without_a_value(text: str, problem: str) -> None:
    render = compile_text(text)

    with pytest.raises(ExpressionError, match=problem) as caught:
        render(VARIABLES)

    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "{{ event.pair",
        "{{ }}",
        "{{ event..pair }}",
        "{% for x in event.legs %}{{ x }}{% endfor %}",
        "{% if true %}a{% endif %}",
        "{% set x = 1 %}",
        "{% include 'x' %}",
        "{% macro m() %}{% endmacro %}",
        "{{ range(100000) }}",
        "{{ event.pair.upper() }}",
        "{{ 'a' * 1000000000 }}",
        "{{ [0] * 1000000000 }}",
        "{{ 2 ** 100000 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ 'a' | center(1000000000) }}",
        "{{ 'a' | indent(1000000000) }}",
        "{{ event.pair | replace('', 'b') }}",
        "{{ event | attr('__class__') }}",
        "{{ event | map(attribute='pair') }}",
        "{{ event[secrets.key] }}",
        "{{ event.pair[0:2] }}",
        "{{ self }}{{ self() }}",
        "{{ event is sameas(event) }}",
        "{{ lipsum }}{{ lipsum() }}",
        "{{ " + "(" * 1_000 + "1" + ")" * 1_000 + " }}",
        "{{ " + "-" * 3_000 + "1 }}",
        "{{ 1 }}" * 33,
        "{{ '" + "a" * 5_000 + "' }}",
    ],
)
def test_expression_that_could_run_long_or_reach_anything_else_is_refused(text: str) -> None:
    began = time.perf_counter()

    with pytest.raises(ExpressionError):
        compile_text(text)

    assert time.perf_counter() - began < 5


def test_names_that_are_used_are_known() -> None:
    assert list(used_names("{{ values.a }} {{ secrets.b ~ values.c.d }} values.e", "values")) == ["a", "c"]
