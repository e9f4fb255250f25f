"""Make a webhook's body from a template: a JSON document whose texts may contain expressions.

The document is JSON before its expressions are computed and JSON afterwards: whatever an event contains, the
result is valid. Equal events give equal bytes.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import orjson

from services.notifier.webhook_bodies.event_variables import event_variables
from services.notifier.webhook_bodies.expressions import ExpressionError, Render, compile_text, used_names

MAX_BODY_BYTES: Final = 65_536
_MAX_TEMPLATE_BYTES: Final = 65_536
_MAX_TEXTS: Final = 512
_MAX_DEPTH: Final = 16

# A compiled document: functions in place of texts.
_Compiled = Any


class BodyTemplateError(Exception):
    """A template that is none, or that fails for an event; the message shows no value of either.

    Parameters
    ----------
    line
        Where in the template, from 1; None where it is not known.
    """

    def __init__(self, message: str, *, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    """A text of the document, compiled, and where it is."""

    render: Render
    path: str
    line: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyTemplate:
    """A template together with the values and secrets of one subscription.

    Parameters
    ----------
    values, secrets
        What the expressions know as ``values`` and ``secrets``.
    public_url
        Address of the dashboard, for links.
    """

    document: _Compiled = field(repr=False)
    values: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)
    public_url: str

    def render(self, event: bytes) -> bytes:
        """Return the body for an event, given as it was published.

        Raises
        ------
        BodyTemplateError
            If the template fails for this event, or the body is larger than 64 KiB.
        """
        variables = {
            **event_variables(event, public_url=self.public_url),
            "values": self.values,
            "secrets": self.secrets,
        }
        try:
            body = orjson.dumps(_rendered(self.document, variables, _Budget()))
        except (TypeError, ValueError):
            raise BodyTemplateError("has a value that JSON cannot contain") from None
        if len(body) > MAX_BODY_BYTES:
            raise BodyTemplateError(f"a body has at most {MAX_BODY_BYTES} bytes, was {len(body)}")
        return body


def parse_body_template(
    text: str, *, values: Mapping[str, Any], secrets: Mapping[str, str], public_url: str
) -> BodyTemplate:
    """Return the template that a text is.

    Raises
    ------
    BodyTemplateError
        If it is not JSON, an expression is wrong, or one of the values or secrets is not used.
    """
    document, used_values, used_secrets = _read(text)
    for used, known, source in (
        (used_values, values, "template_values"),
        (used_secrets, secrets, "template_secrets_env"),
    ):
        if unused := sorted(set(known) - used):
            uses = ", ".join(sorted(used)) or "none"
            raise BodyTemplateError(f"does not use {source}.{unused[0]}; it uses {uses}")
    return BodyTemplate(document=document, values=values, secrets=secrets, public_url=public_url)


# Many subscriptions have one template, with values of their own.
@lru_cache(maxsize=64)
def _read(text: str) -> tuple[_Compiled, frozenset[str], frozenset[str]]:
    """Return a template's document, compiled, and the values and secrets that it uses."""
    if len(text.encode("utf-8", errors="replace")) > _MAX_TEMPLATE_BYTES:
        raise BodyTemplateError(f"a template has at most {_MAX_TEMPLATE_BYTES} bytes")
    try:
        document = json.loads(text, object_pairs_hook=_without_repetition, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise BodyTemplateError(f"must be JSON: {error.msg}", line=error.lineno) from None
    except RecursionError:
        raise BodyTemplateError("must be JSON: it is nested too deeply") from None
    if not isinstance(document, dict):
        raise BodyTemplateError("must be a JSON object")
    texts = list(_texts(document))
    if len(texts) > _MAX_TEXTS:
        raise BodyTemplateError(f"a template has at most {_MAX_TEXTS} texts, were {len(texts)}")
    compiled = _compiled(document, text, path="", depth=0)
    used_values, used_secrets = (
        frozenset(name for each in texts for name in used_names(each, variable))
        for variable in ("values", "secrets")
    )
    return compiled, used_values, used_secrets


class _Budget:
    """How many characters of text a body may still have."""

    def __init__(self) -> None:
        self._left = MAX_BODY_BYTES

    def spend(self, value: Any) -> None:
        self._left -= len(value) if isinstance(value, str) else len(orjson.dumps(value))
        if self._left < 0:
            raise BodyTemplateError(f"a body has at most {MAX_BODY_BYTES} bytes")


def _rendered(node: _Compiled, variables: Mapping[str, Any], budget: _Budget) -> Any:
    match node:
        case dict():
            return {key: _rendered(each, variables, budget) for key, each in node.items()}
        case list():
            return [_rendered(each, variables, budget) for each in node]
        case _Text():
            try:
                value = node.render(variables)
            except ExpressionError as error:
                raise BodyTemplateError(f"{node.path}: {error}", line=node.line) from None
            budget.spend(value)
            return value
        case _:
            return node


def _compiled(node: Any, source: str, *, path: str, depth: int) -> _Compiled:
    if depth > _MAX_DEPTH:
        raise BodyTemplateError(f"is nested more than {_MAX_DEPTH} deep")
    match node:
        case dict():
            return {
                key: _compiled(each, source, path=f"{path}.{key}" if path else key, depth=depth + 1)
                for key, each in node.items()
            }
        case list():
            return [
                _compiled(each, source, path=f"{path}[{index}]", depth=depth + 1)
                for index, each in enumerate(node)
            ]
        case str():
            line = _line_of(node, source)
            try:
                return _Text(render=compile_text(node), path=path, line=line)
            except ExpressionError as error:
                raise BodyTemplateError(f"{path}: {error}", line=line) from None
        case _:
            return node


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for each in node.values() if isinstance(node, dict) else node:
            yield from _texts(each)


def _line_of(text: str, source: str) -> int | None:
    """Return the line of the source on which a text first stands."""
    for written in (json.dumps(text, ensure_ascii=False), json.dumps(text)):
        at = source.find(written)
        if at >= 0:
            return source.count("\n", 0, at) + 1
    return None


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise BodyTemplateError("an object has a name twice")
    return document


def _no_constant(_name: str) -> None:
    raise BodyTemplateError("must be JSON, which has no NaN and no Infinity")
