from services.notifier.core.admission import admit
from shared.contracts.records import DIVERGENCES
from shared.domain.divergences import Transition
from shared.domain.instants import parse_rfc3339
from tests.integration.convex.conftest import Broker, Convex


def test_test_is_published_under_its_pair_and_its_event_id_is_printed(broker: Broker, convex: Convex) -> None:
    broker.make_topic("divergences.v1")

    ran = convex("test-fire", "--pair", "gold-iwm")

    (record,) = broker.records("divergences.v1")
    event = DIVERGENCES.decode(record.value)
    assert record.key == b"gold-iwm"
    assert ran.out == f"{event.event_id}\n"
    assert f"divergences.v1/{record.partition}/0" in ran.err
    assert (event.type, event.sequence, event.values, event.legs) == (Transition.TEST, 0, {}, ())
    assert parse_rfc3339(event.not_after) - parse_rfc3339(event.occurred_at) == 600 * 10**9
    # What the notifier asks of an event before it delivers it.
    admit(event)


def test_each_test_is_another_event(broker: Broker, convex: Convex) -> None:
    broker.make_topic("divergences.v1")

    assert convex("test-fire").out != convex("test-fire").out


def test_unknown_pair_is_refused_with_those_that_are_known(nowhere: str, convex: Convex) -> None:
    ran = convex("test-fire", "--pair", "oil-gas")

    assert ran.code == 2
    assert ran.err == "convex: --pair oil-gas: is not known; CONVEX_PAIRS has gold-iwm\n"


def test_unreachable_kafka_is_one_clear_line(nowhere: str, convex: Convex) -> None:
    ran = convex("test-fire")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("convex: cannot connect: ")
