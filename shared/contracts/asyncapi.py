"""All topics in one AsyncAPI 3 document: what is on each, who writes it, who reads it."""

from typing import Any, Final

from shared.kafka.topics import ALL_TOPICS, LEASE, STATE, Topic

_BINDING_VERSION: Final = "0.5.0"
# Topic: what it carries, who sends, who receives.
_ROLES: Final[dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]]] = {
    "ticks.v1": (
        "Quotes, trades, feed status and bars of one lead, in the one order that decides.",
        ("ingestor",),
        ("signals",),
    ),
    "bars.v1": ("Each daily bar, new or changed.", ("ingestor", "signals"), ("ingestor",)),
    "macro.v1": ("Each macro observation of each vintage.", ("ingestor",), ("ingestor",)),
    "signals.v1": ("The latest statistics of each pair, for display.", ("signals",), ("dashboard",)),
    "divergences.v1": (
        "What happened to each divergence; the value is the body of the webhooks, byte for byte.",
        ("signals",),
        ("notifier", "dashboard"),
    ),
    "deliveries.v1": ("How each delivery ended.", ("notifier",), ("dashboard",)),
    "proofs.v1": (
        (
            "What the events of each day stand on, as digests that chain. Under keys with |state| are copies "
            "of checkpoints, which are internal to signals."
        ),
        ("signals",),
        (),
    ),
    "deadletters.v1": ("Input that could not be used, and why.", ("ingestor", "signals", "notifier"), ()),
}
# The headers: values that depend on the run and not on the log; ASCII text.
_RUN_HEADERS: Final = (
    "origin_topic",
    "origin_partition",
    "origin_offset",
    "ts_received_ns",
)


def asyncapi_document() -> dict[str, Any]:
    """Return the document; the payloads are in the JSON Schema files beside it.

    Examples
    --------
    >>> sorted(asyncapi_document()["channels"])[:2]
    ['bars.v1', 'deadletters.v1']
    """
    public = [topic for topic in ALL_TOPICS if topic not in (STATE, LEASE)]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Convex",
            "version": "1",
            "description": "Topics of Convex. A reader ignores fields that it does not know; what it cannot "
            "read goes to deadletters.v1. state.v1 is internal to signals.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in public},
        "operations": {
            f"{service}.{action}.{topic.name}": _operation(service, action, topic)
            for topic in public
            for action, services in zip(("send", "receive"), _ROLES[topic.name][1:], strict=True)
            for service in services
        },
        "components": {"messages": {topic.name: _message(topic) for topic in public}},
    }


def _channel(topic: Topic) -> dict[str, Any]:
    configuration: dict[str, Any] = {"cleanup.policy": topic.config["cleanup.policy"].split(",")}
    if "retention.ms" in topic.config:
        configuration["retention.ms"] = int(topic.config["retention.ms"])
    return {
        "address": topic.name,
        "description": _ROLES[topic.name][0],
        "messages": {"record": {"$ref": f"#/components/messages/{topic.name}"}},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "topicConfiguration": configuration,
                "bindingVersion": _BINDING_VERSION,
            }
        },
    }


def _operation(service: str, action: str, topic: Topic) -> dict[str, Any]:
    return {
        "action": action,
        "summary": f"{service} {action}s",
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "messages": [{"$ref": f"#/channels/{topic.name}/messages/record"}],
    }


def _message(topic: Topic) -> dict[str, Any]:
    message: dict[str, Any] = {
        "name": topic.name,
        "contentType": "application/json",
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"./{topic.name}.json"},
        },
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": topic.key},
                "bindingVersion": _BINDING_VERSION,
            }
        },
    }
    if topic.name == "divergences.v1":
        message["headers"] = {
            "type": "object",
            "properties": {name: {"type": "string"} for name in _RUN_HEADERS},
        }
    return message
