"""Bytes that were once written are read for ever, and the same value writes the same bytes."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from shared.contracts.schemas import json_schemas
from tests.contract.examples import EXAMPLES, GOLDEN, Example

each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.path.stem)


def as_plain(value: object) -> object:
    """Return a value that compares: arrays as lists, dataclasses as dicts with their type's name."""
    if isinstance(value, np.ndarray):
        return [str(value.dtype), value.tolist()]
    if isinstance(value, tuple):
        return [as_plain(each) for each in value]
    if dataclasses.is_dataclass(value):
        fields: dict[str, Any] = {
            field.name: as_plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
        return {type(value).__name__: fields}
    return value


@each_example
def test_value_writes_its_golden_bytes(example: Example) -> None:
    assert example.encode(example.value) == example.path.read_bytes()


@each_example
def test_golden_bytes_read_as_the_value(example: Example) -> None:
    assert as_plain(example.decode(example.path.read_bytes())) == as_plain(example.value)


@each_example
def test_unknown_fields_are_ignored_at_every_depth(example: Example) -> None:
    def widen(value: object) -> object:
        if isinstance(value, dict):
            # A mapping by name has no fields: what is added to it is data.
            extra = (
                {}
                if set(value) & {"z_90", "warning", "corr_252", "compare", "last"} or not value
                else {"later": [1]}
            )
            return {key: widen(each) for key, each in value.items()} | extra
        if isinstance(value, list):
            return [widen(each) for each in value]
        return value

    wider = json.dumps(widen(json.loads(example.path.read_bytes()))).encode()

    assert b'"later"' in wider
    assert as_plain(example.decode(wider)) == as_plain(example.value)


@each_example
def test_schema_and_version_come_first(example: Example) -> None:
    topic, version = example.topic.split(".v")

    assert example.path.read_bytes().startswith(f'{{"schema":"{topic}","v":{version},'.encode())


def test_every_topic_has_golden_bytes_and_no_file_is_left_over() -> None:
    assert {example.topic for example in EXAMPLES} == set(json_schemas())
    assert {path.name for path in GOLDEN.iterdir()} == {example.path.name for example in EXAMPLES}
