from services.notifier.core.expiry import TimeBase, deadline_ns
from tests.support.builders import divergence

# 2014-05-02T16:35:10Z, from `date -u -d @1399048510`.
NOT_AFTER_NS = 1_399_048_510_000_000_000
FIRST_SEEN_NS = 1_700_000_000_000_000_000
FOUR_HOURS_NS = 4 * 3_600 * 1_000_000_000


def test_live_event_expires_at_its_not_after() -> None:
    deadline = deadline_ns(divergence(), first_seen_ns=FIRST_SEEN_NS, time_base=TimeBase.LIVE)

    assert deadline == NOT_AFTER_NS


def test_replayed_event_lives_as_long_after_receipt_as_it_did_then() -> None:
    deadline = deadline_ns(divergence(), first_seen_ns=FIRST_SEEN_NS, time_base=TimeBase.REPLAY)

    assert deadline == FIRST_SEEN_NS + FOUR_HOURS_NS
