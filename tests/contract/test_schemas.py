"""What other people's programs validate against."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from shared.contracts.schemas import json_schemas, main, schema_files
from shared.errors import DataError
from shared.kafka.topics import ALL_TOPICS
from tests.contract.examples import EXAMPLES, Example

DOCS = Path(__file__).parents[2] / "docs" / "schemas"
SCHEMAS = json_schemas()


def golden(name: str) -> dict[str, Any]:
    (example,) = (each for each in EXAMPLES if each.path.stem == name)
    loaded: dict[str, Any] = json.loads(example.path.read_bytes())
    return loaded


def is_valid(topic: str, value: object) -> bool:
    return jsonschema.Draft202012Validator(SCHEMAS[topic]).is_valid(value)


def test_docs_are_up_to_date() -> None:
    """If not: python -m shared.contracts.schemas docs/schemas."""
    assert {path.name: path.read_text() for path in DOCS.iterdir()} == schema_files()


def test_command_writes_the_files(tmp_path: Path) -> None:
    main(tmp_path / "new" / "schemas")

    assert {path.name for path in (tmp_path / "new" / "schemas").iterdir()} == set(schema_files())


@pytest.mark.parametrize("topic", SCHEMAS)
def test_schema_is_a_schema(topic: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[topic])


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.path.stem)
def test_golden_bytes_are_valid(example: Example) -> None:
    jsonschema.Draft202012Validator(SCHEMAS[example.topic]).validate(json.loads(example.path.read_bytes()))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.path.stem)
def test_value_of_another_schema_or_version_is_invalid(example: Example) -> None:
    value = json.loads(example.path.read_bytes())

    for change in ({"schema": "other"}, {"v": 2}):
        assert not is_valid(example.topic, value | change)
    for name in ("schema", "v"):
        assert not is_valid(example.topic, {key: value[key] for key in value if key != name})


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("ticks.v1.quotes", {"bid": [0.0, 1.0]}),
        ("ticks.v1.quotes", {"ts_event_ns": []}),
        ("ticks.v1.quotes", {"ts_event_ns": [1.5, 2]}),
        ("ticks.v1.quotes", {"type": "candles"}),
        ("ticks.v1.quotes", {"instrument": ""}),
        ("ticks.v1.trades", {"trade_id": [1, 2]}),
        ("ticks.v1.status", {"state": "ASLEEP"}),
        ("ticks.v1.status", {"watermark_ns": 2_082_758_400_000_000_000}),
        ("ticks.v1.bars", {"mode": "maybe"}),
        ("ticks.v1.bars", {"bars": [{"session": "2020-03-18"}]}),
        ("bars.v1", {"close": None}),
        ("bars.v1", {"status": "rumoured"}),
        ("macro.v1", {"value": "."}),
        ("macro.v1", {"date": None}),
        ("divergences.v1", {"severity": "dire"}),
        ("divergences.v1", {"values": {"z_90": "high"}}),
        ("signals.v1", {"legs": {}}),
        ("deliveries.v1", {"attempts": "many"}),
        ("deadletters.v1", {"partition": "two"}),
        ("divergences.v1", {"sequence": "7"}),
        ("divergences.v1", {"values": {"z_90": True}}),
        ("divergences.v1", {"kind": "mood_swing"}),
        ("divergences.v1", {"direction": "sideways"}),
        ("divergences.v1", {"is_flapping": "yes"}),
        ("divergences.v1", {"significance": {"effective_size": 18.0}}),
        ("divergences.v1", {"hedge": {"ratio": {"value": 0.1}}}),
        ("signals.v1", {"faults": [{"instrument": "IWM.ARCX", "causes": "stale", "since": "now"}]}),
        ("signals.v1", {"outcomes": [{"kind": "hedge_lost"}]}),
    ],
)
def test_what_the_reader_refuses_the_schema_refuses(name: str, change: dict[str, Any]) -> None:
    (example,) = (each for each in EXAMPLES if each.path.stem == name)
    value = golden(name) | change

    assert not is_valid(example.topic, value)
    with pytest.raises(DataError):
        example.decode(json.dumps(value).encode())


def test_asyncapi_document_has_every_topic_that_others_may_read_with_its_schema() -> None:
    document = json.loads((DOCS / "asyncapi.json").read_text())
    topics = {topic.name for topic in ALL_TOPICS} - {"state.v1", "ingestor-lease.v1"}

    assert document["asyncapi"].startswith("3.")
    assert set(document["channels"]) == topics
    for name in topics:
        payload = document["components"]["messages"][name]["payload"]
        assert (DOCS / payload["schema"]["$ref"]).is_file()
    assert document["channels"]["divergences.v1"]["bindings"]["kafka"]["topicConfiguration"] == {
        "cleanup.policy": ["delete"],
        "retention.ms": 90 * 86_400_000,
    }


def test_every_reference_in_the_asyncapi_document_leads_somewhere() -> None:
    document = json.loads((DOCS / "asyncapi.json").read_text())

    def follow(reference: str) -> object:
        at: Any = document
        for part in reference.removeprefix("#/").split("/"):
            at = at[part]
        return at

    references = [operation["channel"]["$ref"] for operation in document["operations"].values()] + [
        message["$ref"] for operation in document["operations"].values() for message in operation["messages"]
    ]
    references += [channel["messages"]["record"]["$ref"] for channel in document["channels"].values()]
    assert references
    for reference in references:
        assert follow(reference)


@pytest.mark.parametrize(
    ("name", "field"),
    [("signals.v1", "sessions_known"), ("divergences.v1", "sequence"), ("deadletters.v1", "offset")],
)
def test_integer_beyond_64_bits_makes_a_dead_letter(name: str, field: str) -> None:
    """Would have caught: it was read, and could not be written by the next hop."""
    (example,) = (each for each in EXAMPLES if each.path.stem == name)

    with pytest.raises(DataError):
        example.decode(json.dumps(golden(name) | {field: 1 << 64}).encode())
