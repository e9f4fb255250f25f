"""Write the JSON Schema of every topic, and an AsyncAPI document of all of them.

``python -m shared.contracts.schemas docs/schemas`` writes the files; a test compares them with the code.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from shared.contracts.asyncapi import asyncapi_document
from shared.contracts.records import BARS, DEADLETTERS, DELIVERIES, DIVERGENCES, MACRO, PROOFS, SIGNALS
from shared.contracts.ticks import MAX_DETAIL, SCHEMA, VERSION
from shared.domain.bars import Bar, BarsMode
from shared.domain.instants import INSTANTS_END_NS
from shared.domain.ticks import AuthorityReason, FeedFaultKind, FeedState

Schema = dict[str, Any]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TEXT: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": 64}
_INSTANT: Final[Schema] = {"type": "integer", "minimum": 0, "exclusiveMaximum": INSTANTS_END_NS}
_INSTANTS: Final[Schema] = {"type": "array", "minItems": 1, "items": _INSTANT}
_PRICES: Final[Schema] = {
    "type": "array",
    "minItems": 1,
    "items": {"type": "number", "exclusiveMinimum": 0},
}


def json_schemas() -> dict[str, Schema]:
    """Return the JSON Schema of each topic's values by the topic's name; ``state.v1`` is internal to signals.

    Examples
    --------
    >>> json_schemas()["divergences.v1"]["$id"]
    'convex:divergences:v1'
    """
    return {"ticks.v1": _ticks_schema()} | {
        f"{contract.schema}.v{contract.version}": contract.json_schema()
        for contract in (BARS, MACRO, SIGNALS, DIVERGENCES, DELIVERIES, PROOFS, DEADLETTERS)
    }


def schema_files() -> dict[str, str]:
    """Return the text of each generated file by its name."""
    documents: dict[str, Schema] = {f"{topic}.json": schema for topic, schema in json_schemas().items()}
    documents["asyncapi.json"] = asyncapi_document()
    return {name: json.dumps(document, indent=2) + "\n" for name, document in documents.items()}


def _ticks_schema() -> Schema:
    bars = TypeAdapter(Bar).json_schema(ref_template="#/$defs/{model}")
    definitions = bars.pop("$defs")
    ticks = {"feed": _TEXT, "ts_event_ns": _INSTANTS, "ts_received_ns": _INSTANTS}
    return {
        "$schema": _DIALECT,
        "$id": f"convex:{SCHEMA}:v{VERSION}",
        "title": "TickRecord",
        "description": "Everything one lead's pairs are computed from, in one order. Columns of a record are "
        "of one length; prices are USD.",
        "oneOf": [
            _record(
                "quotes", "Best bids and asks; a bid is not above its ask.", **ticks, bid=_PRICES, ask=_PRICES
            ),
            _record(
                "trades",
                "Trades; trade_id is empty text where the venue gives none.",
                **ticks,
                price=_PRICES,
                size=_PRICES,
                trade_id={"type": "array", "minItems": 1, "items": {"type": "string"}},
            ),
            _record(
                "status",
                "What the feed is doing, and the event time before which no more ticks are expected.",
                feed=_TEXT,
                state={"enum": [state.value for state in FeedState]},
                watermark_ns=_INSTANT,
            ),
            _record(
                "authority",
                "From here on the instrument's ticks and status are those of this feed, until the next such "
                "record.",
                feed=_TEXT,
                since_ns=_INSTANT,
                reason={"enum": [reason.value for reason in AuthorityReason]},
                previous={"anyOf": [_TEXT, {"type": "null"}]},
            ),
            _record(
                "fault",
                "A fault of the instrument's data that the ingestor sees begins or ends; detail says how.",
                feed=_TEXT,
                fault={"enum": [kind.value for kind in FeedFaultKind]},
                is_open={"type": "boolean"},
                at_ns=_INSTANT,
                detail={"type": "string", "maxLength": MAX_DETAIL},
            ),
            _record(
                "bars",
                "Daily bars of one leg, ascending by session: history fills windows, live bars decide.",
                mode={"enum": [mode.value for mode in BarsMode]},
                bars={"type": "array", "items": {"$ref": "#/$defs/Bar"}},
            ),
        ],
        "$defs": {**definitions, "Bar": bars},
    }


def _record(kind: str, description: str, **fields: Schema) -> Schema:
    properties: Schema = {
        "schema": {"const": SCHEMA},
        "v": {"const": VERSION},
        "type": {"const": kind},
        "instrument": _TEXT,
        **fields,
    }
    return {
        "title": kind,
        "description": description,
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }


def main(folder: Path) -> None:
    """Write every file into a folder, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in schema_files().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
