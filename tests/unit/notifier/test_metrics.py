"""The notifier's metrics: every label is there at the start, and nothing in a label names a receiver."""

import math

import pytest
from prometheus_client import CollectorRegistry

from services.notifier.core.attempt_result import FailureReason, Unknown
from services.notifier.core.notices import ReceiverCondition
from services.notifier.core.routing import Suppression
from services.notifier.metrics import API_STATUSES, NotifierMetrics
from shared.domain.deliveries import Channel
from tests.unit.notifier.test_notices import notice


class Setup:
    """Metrics on a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.metrics = NotifierMetrics(self.registry, topic="divergences.v1")

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"convex_notifier_{name}", labels)


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("delivery_attempts_total", {"channel": "webhook", "outcome": Unknown.name}),
        ("internal_errors_total", {"channel": "email"}),
        ("receivers_paused", {"channel": "webhook"}),
        ("receivers_gone", {}),
        ("ready_deliveries", {"channel": "email"}),
        ("store_behind_total", {}),
        ("store_commit_seconds_count", {}),
        *[("notifications_suppressed_total", {"reason": each.value}) for each in Suppression],
        *[
            ("notifications_failed_total", {"channel": "email", "reason": each.value})
            for each in FailureReason
        ],
        *[
            ("notices_total", {"condition": each.value, "is_mailed": is_mailed})
            for each in ReceiverCondition
            for is_mailed in ("true", "false")
        ],
        *[("api_requests_total", {"status": str(each)}) for each in API_STATUSES],
    ],
)
def test_label_is_known_at_the_start_and_zero(name: str, labels: dict[str, str]) -> None:
    assert Setup().value(name, **labels) == 0


def test_all_is_well_until_something_else_is_known() -> None:
    setup = Setup()

    assert (setup.value("store_available"), setup.value("relay_usable")) == (1, 1)
    assert math.isnan(setup.value("oldest_pending_timestamp_seconds", channel="webhook") or 0)


def test_gauges_follow_what_they_are_set_to() -> None:
    setup = Setup()
    setup.metrics.set_store_available(is_available=False)
    setup.metrics.set_relay_usable(False)
    setup.metrics.set_gone(3)
    setup.metrics.set_queue(Channel.WEBHOOK, ready=7, paused=2)

    assert (setup.value("store_available"), setup.value("relay_usable")) == (0, 0)
    assert setup.value("receivers_gone") == 3
    assert setup.value("ready_deliveries", channel="webhook") == 7
    assert setup.value("receivers_paused", channel="webhook") == 2


def test_notices_and_answers_are_counted() -> None:
    setup = Setup()
    setup.metrics.count_notice(notice(), True)
    setup.metrics.count_notice(notice(condition=ReceiverCondition.GONE), False)
    setup.metrics.count_api_request(401)
    setup.metrics.count_unencodable()

    assert setup.value("notices_total", condition="paused", is_mailed="true") == 1
    assert setup.value("notices_total", condition="gone", is_mailed="false") == 1
    assert setup.value("api_requests_total", status="401") == 1
    labels = {"topic": "deliveries.v1", "reason": "unencodable"}
    assert setup.registry.get_sample_value("convex_kafka_dead_lettered_total", labels) == 1


def test_no_label_takes_what_names_a_receiver() -> None:
    registry = Setup().registry
    names = {label for family in registry.collect() for each in family.samples for label in each.labels}

    assert names <= {
        "channel",
        "reason",
        "outcome",
        "le",
        "topic",
        "partition",
        "version",
        "service",
        "condition",
        "is_mailed",
        "status",
    }
