"""Compile the expressions in a template's texts: Jinja's, without what could run long or reach anything else.

An expression looks fields up, compares, chooses, joins and formats. There are no statements, no calls and no
multiplication, so that its time and its result are bounded by its length and the event's size. Names are
looked up in JSON values alone, never among the attributes of Python objects.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import orjson
from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.runtime import Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

_MAX_LENGTH: Final = 4_096
_MAX_EXPRESSIONS: Final = 16
_ALLOWED: Final = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Const,
    nodes.List,
    nodes.Dict,
    nodes.Pair,
    nodes.Filter,
    nodes.Test,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.CondExpr,
    nodes.Add,
    nodes.Sub,
    nodes.Div,
    nodes.Neg,
    nodes.Concat,
    nodes.Keyword,
)
_FILTERS: Final = (
    "abs",
    "capitalize",
    "default",
    "first",
    "float",
    "int",
    "join",
    "last",
    "length",
    "lower",
    "round",
    "string",
    "title",
    "trim",
    "truncate",
    "upper",
)
_TESTS: Final = ("defined", "undefined", "none", "number", "string", "true", "false", "in", "==", "!=")
_WHOLE: Final = re.compile(r"\s*\{\{-?(?P<expression>.*?)-?\}\}\s*", re.DOTALL)

Render = Callable[[Mapping[str, Any]], Any]


class ExpressionError(Exception):
    """An expression that cannot be compiled or computed; the message shows no value of an event or secret."""


class _JsonEnvironment(ImmutableSandboxedEnvironment):
    """Look names up in objects and lists of JSON alone: ``event.values`` is a field, not a method."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Undefined):
            # A field of a field that does not exist does not exist either, and may have a default.
            return obj
        if isinstance(obj, Mapping) and isinstance(argument, str) and argument in obj:
            return obj[argument]
        is_index = isinstance(argument, int) and not isinstance(argument, bool)
        if isinstance(obj, list) and is_index and -len(obj) <= argument < len(obj):
            return obj[argument]
        return self.undefined(obj=obj, name=argument)


def _in_text(value: Any) -> str:
    """Return a value as a part of a text."""
    match value:
        case str():
            return value
        case None:
            return ""
        case Undefined():
            return str(value)
        case _:
            return _as_json(value)


def _as_json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _make_environment() -> _JsonEnvironment:
    environment = _JsonEnvironment(undefined=StrictUndefined, finalize=_in_text, keep_trailing_newline=True)
    environment.globals = {}
    environment.filters = {name: environment.filters[name] for name in _FILTERS} | {"tojson": _as_json}
    environment.tests = {name: environment.tests[name] for name in _TESTS}
    return environment


_ENVIRONMENT: Final = _make_environment()


def compile_text(text: str) -> Render:
    """Return the function that computes a text of a template.

    A text that is one expression gives its value, of whatever type; any other text gives a text.

    Raises
    ------
    ExpressionError
        If it cannot be compiled.

    Examples
    --------
    >>> compile_text("{{ event.sequence }}")({"event": {"sequence": 7}})
    7
    >>> compile_text("number {{ event.sequence }}")({"event": {"sequence": 7}})
    'number 7'
    """
    if "{{" not in text and "{%" not in text and "{#" not in text:
        return lambda _variables: text
    if len(text) > _MAX_LENGTH:
        raise ExpressionError(f"a text with expressions has at most {_MAX_LENGTH} characters")
    try:
        parsed = _ENVIRONMENT.parse(text)
        outputs = list(_checked(parsed))
        whole = _WHOLE.fullmatch(text) if len(outputs) == 1 else None
        compute: Render = (
            _ENVIRONMENT.compile_expression(whole["expression"], undefined_to_none=False)
            if whole is not None
            else _ENVIRONMENT.from_string(text).render
        )
    except TemplateError as error:
        raise ExpressionError(str(error.message or type(error).__name__)) from None
    except RecursionError:
        raise ExpressionError("its expressions are nested too deeply") from None
    return lambda variables: _computed(compute, variables)


def used_names(text: str, variable: str) -> Iterator[str]:
    """Return the fields of a variable that a text's expressions use."""
    for node in _ENVIRONMENT.parse(text).find_all(nodes.Getattr):
        if isinstance(node.node, nodes.Name) and node.node.name == variable:
            yield node.attr


def _checked(parsed: nodes.Template) -> Iterator[nodes.Expr]:
    """Return the expressions of a text after checking that they have allowed parts only."""
    outputs = [each for output in parsed.find_all(nodes.Output) for each in output.nodes]
    if len(outputs) > 2 * _MAX_EXPRESSIONS:
        raise ExpressionError(f"a text has at most {_MAX_EXPRESSIONS} expressions")
    waiting: list[nodes.Node] = [parsed]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, _ALLOWED):
            raise ExpressionError(f"a template cannot contain {type(node).__name__.lower()}")
        if isinstance(node, nodes.Getitem) and not _is_fixed(node.arg):
            # A computed name could be a secret, which the error of a missing name would show.
            raise ExpressionError("a template can look up a fixed name or number only")
        waiting.extend(node.iter_child_nodes())
    return iter(outputs)


def _is_fixed(argument: nodes.Expr) -> bool:
    return isinstance(argument.node if isinstance(argument, nodes.Neg) else argument, nodes.Const)


def _computed(compute: Render, variables: Mapping[str, Any]) -> Any:
    try:
        value = compute(variables)
        if isinstance(value, Undefined):
            # Raises the error of the name that does not exist.
            str(value)
    except TemplateError as error:
        raise ExpressionError(str(error.message or type(error).__name__)) from None
    except Exception as error:
        # Its text may show a value; its name says enough, for example ZeroDivisionError.
        raise ExpressionError(f"cannot be computed: {type(error).__name__}") from None
    if isinstance(value, float) and not math.isfinite(value):
        raise ExpressionError("is not a finite number")
    return value
