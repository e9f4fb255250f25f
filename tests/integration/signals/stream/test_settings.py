"""Settings that could only fail inside Faust are refused; the rest reach it."""

from typing import Any

import pytest

from services.signals.stream.faust_app import StreamSettings
from tests.integration.signals.stream.harness import Recorder, new_app


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("bootstrap_servers", " ", "bootstrap_servers must not be empty"),
        ("group", "", "group must not be empty"),
        ("instance_id", "", "instance_id must not be empty"),
        ("input_topic", "", "input_topic must not be empty"),
        ("session_timeout_seconds", 0.0, "session_timeout_seconds must be positive, was 0.0"),
        ("session_timeout_seconds", 31.0, "must not exceed the request timeout 30.0, was 31.0"),
        ("rebalance_timeout_seconds", -1.0, "rebalance_timeout_seconds must be positive, was -1.0"),
        ("commit_interval_seconds", 0.0, "commit_interval_seconds must be positive, was 0.0"),
        ("fetch_max_wait_ms", 0, "fetch_max_wait_ms must be at least 1, was 0"),
    ],
)
def test_unusable_setting_is_refused(field: str, value: Any, message: str) -> None:
    settings = {"bootstrap_servers": "127.0.0.1:9092", "group": "signals", "instance_id": "signals-0"}
    with pytest.raises(ValueError, match=message):
        StreamSettings(**{**settings, field: value})


async def test_app_is_configured_against_loss_and_stalls() -> None:
    app = new_app("kafka-1:9092, kafka-2:9092", Recorder(), session_timeout_seconds=9.0)
    app.finalize()
    conf = app.conf
    assert [(url.host, url.port) for url in conf.broker] == [("kafka-1", 9092), ("kafka-2", 9092)]
    assert {
        "guarantee": conf.processing_guarantee.value,
        "member": conf.consumer_group_instance_id,
        "reset": conf.consumer_auto_offset_reset,
        "session": (conf.broker_session_timeout, conf.broker_heartbeat_interval),
        "declares_topics": conf.topic_allow_declare,
        "web": conf.web_enabled,
        "wait_empty": conf.stream_wait_empty,
    } == {
        "guarantee": "at_least_once",
        "member": "signals-0",
        "reset": "earliest",
        "session": (9.0, 3.0),
        "declares_topics": False,
        "web": False,
        "wait_empty": True,
    }
    (agent,) = app.agents.values()
    assert agent.concurrency == 1
    assert agent.get_topic_names() == ("ticks.v1",)
    assert len(app.tables) == 0
