"""Check a run of notifiers that were killed: the store, the audit topic and what the receivers got."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from shared.domain.deliveries import DeliveryOutcome
from tests.chaos.notifier_store import Row, StoreRows
from tests.chaos.random_receivers import Call, TakenMail

_FINAL: Final = frozenset({"delivered", "rejected", "gone", "expired", "superseded", "unknown"})
_ENDED_UNSENT: Final = frozenset({"expired", "superseded"})
# From the check that it is not too late until the message arrives, on a machine that is busy.
_UNDER_WAY_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that can be seen of a run from outside.

    Parameters
    ----------
    published
        The bytes of each event, by its id.
    subscriptions
        The names of all of them.
    """

    published: Mapping[str, bytes]
    subscriptions: frozenset[str]
    store: StoreRows
    outcomes: Sequence[DeliveryOutcome]
    calls: Sequence[Call]
    mails: Sequence[TakenMail]
    overlaps_are_faults: bool = True


def numbers_of(facts: Facts) -> dict[str, int]:
    """Return how much happened."""
    webhooks = Counter((call.subscription, call.webhook_id) for call in facts.calls)
    taken = Counter(mail.message_id for mail in facts.mails)
    states = Counter(f"ended_{row['state']}" for row in facts.store.deliveries)
    return {
        "events": len(facts.published),
        "deliveries": len(facts.store.deliveries),
        "suppressed": len(facts.store.suppressions),
        "requests": len(facts.calls),
        "webhooks_repeated": sum(count > 1 for count in webhooks.values()),
        "webhooks_repeated_after_2xx": sum(count > 1 for count in _well_answered(facts).values()),
        "mails": len(facts.mails),
        "mails_twice": sum(count > 1 for count in taken.values()),
        "unknown_attempts": sum(row["answer"] == "unknown" for row in facts.store.attempts),
        "overlaps": sum(1 for _ in _overlaps(facts)),
        **dict(sorted(states.items())),
    }


def faults_of(facts: Facts) -> list[str]:
    """Return what must not be, in words; empty if all is well."""
    checks = (
        _incomplete,
        _numbers_with_gaps,
        _identities,
        _attempts,
        _copies,
        _too_late,
        _disorder,
        _audit,
    )
    faults = [fault for check in checks for fault in check(facts)]
    return faults + (list(_overlaps(facts)) if facts.overlaps_are_faults else [])


def _incomplete(facts: Facts) -> Iterator[str]:
    """Find events without their deliveries, and deliveries without an end."""
    stored = {row["event_id"]: bytes(row["value"]) for row in facts.store.events}
    if stored != dict(facts.published):
        yield f"{len(facts.published)} events were published, {len(stored)} are stored, or bytes differ"
    decided: defaultdict[str, list[str]] = defaultdict(list)
    for row in (*facts.store.deliveries, *facts.store.suppressions):
        decided[row["event_id"]].append(row["subscription"])
    for event_id in facts.published:
        if sorted(decided[event_id]) != sorted(facts.subscriptions):
            yield f"event {event_id} was decided for {sorted(decided[event_id])}"
    for row in facts.store.deliveries:
        if row["state"] not in _FINAL or row["ended_at_ns"] is None:
            yield f"delivery {row['delivery_id']} has the state {row['state']}"


def _numbers_with_gaps(facts: Facts) -> Iterator[str]:
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    for row in facts.store.deliveries:
        numbers[row["subscription"]].append(row["endpoint_sequence"])
    for subscription, some in numbers.items():
        if sorted(some) != list(range(1, facts.store.endpoint_sequences[subscription] + 1)):
            yield f"the numbers of {subscription} have a gap or a repeat"


def _identities(facts: Facts) -> Iterator[str]:
    """Find an event under two ids, and repeats that differ."""
    event_of = {body: event_id for event_id, body in facts.published.items()}
    numbers = {
        (row["subscription"], row["event_id"]): row["endpoint_sequence"] for row in facts.store.deliveries
    }
    for call in facts.calls:
        if event_of.get(call.body) != call.webhook_id:
            yield f"{call.subscription} got {call.webhook_id} with another body"
        if numbers.get((call.subscription, call.webhook_id)) != call.number:
            yield f"{call.subscription} got {call.webhook_id} with the number {call.number}"
    recipients: defaultdict[str, set[str]] = defaultdict(set)
    for mail in facts.mails:
        recipients[mail.message_id].add(mail.recipient)
    known = {row["message_id"] for row in facts.store.deliveries}
    for message_id, some in recipients.items():
        if len(some) > 1 or message_id not in known:
            yield f"the mail {message_id} went to {sorted(some)}"


def _attempts(facts: Facts) -> Iterator[str]:
    """Find attempts that began and of which nothing is known."""
    rows = Counter(row["delivery_id"] for row in facts.store.attempts)
    calls = Counter((call.subscription, call.webhook_id) for call in facts.calls)
    taken = Counter(mail.message_id for mail in facts.mails)
    for row in facts.store.deliveries:
        name = f"{row['channel']} delivery {row['delivery_id']} ({row['state']})"
        # One that the store has as begun, without having said so, may end before it is sent.
        unsent = 1 if row["state"] in _ENDED_UNSENT else 0
        if not row["attempts"] - unsent <= rows[row["delivery_id"]] <= row["attempts"]:
            yield f"{name} has {row['attempts']} attempts and {rows[row['delivery_id']]} rows of them"
        sent = taken[row["message_id"]] if row["channel"] == "email" else calls[_key(row)]
        if sent > rows[row["delivery_id"]]:
            yield f"{name} was sent {sent} times, more often than it was noted"
        if row["state"] == "delivered" and not rows[row["delivery_id"]]:
            yield f"{name} was delivered without an attempt"


def _copies(facts: Facts) -> Iterator[str]:
    """Find copies that no unknown attempt explains, and what was delivered without having arrived."""
    unknown = Counter(row["delivery_id"] for row in facts.store.attempts if row["answer"] == "unknown")
    # An answer that came with or after the end of the connection is deferred, not unknown, for a webhook.
    lost = Counter(row["delivery_id"] for row in facts.store.attempts if row["answer"] != "delivered")
    well = _well_answered(facts)
    taken = Counter(mail.message_id for mail in facts.mails)
    for row in facts.store.deliveries:
        is_mail = row["channel"] == "email"
        copies = taken[row["message_id"]] if is_mail else well[(row["subscription"], row["event_id"])]
        doubts = unknown[row["delivery_id"]] if is_mail else lost[row["delivery_id"]]
        name = f"{row['channel']} delivery {row['delivery_id']} ({row['state']})"
        if row["state"] == "delivered" and not copies:
            yield f"{name} did not arrive"
        if copies > doubts + (row["state"] == "delivered"):
            yield f"{name} arrived {copies} times with {doubts} attempts in doubt"
        if is_mail and copies > 2:
            yield f"{name} arrived {copies} times"


def _too_late(facts: Facts) -> Iterator[str]:
    expires = {(row["subscription"], row["event_id"]): row["expires_at_ns"] for row in facts.store.deliveries}
    mail_expires = {row["message_id"]: row["expires_at_ns"] for row in facts.store.deliveries}
    for call in facts.calls:
        late = call.began_at_ns - expires.get((call.subscription, call.webhook_id), call.began_at_ns)
        if late > _UNDER_WAY_NS:
            yield f"{call.subscription} got {call.webhook_id} {late / 1e9:.3f} s too late"
    for mail in facts.mails:
        late = mail.took_at_ns - mail_expires.get(mail.message_id, mail.took_at_ns)
        if late > _UNDER_WAY_NS:
            yield f"the mail {mail.message_id} was sent {late / 1e9:.3f} s too late"


def _disorder(facts: Facts) -> Iterator[str]:
    """Find an older message of a divergence after a newer one."""
    for lane, some in _lanes(facts).items():
        for before, after in pairwise(some):
            if after[0] < before[0]:
                yield f"{lane} got the sequence {after[0]} after {before[0]}"


def _overlaps(facts: Facts) -> Iterator[str]:
    for lane, some in _lanes(facts).items():
        for (_, before), (_, after) in pairwise(some):
            if before.ended_at_ns is None or after.began_at_ns < before.ended_at_ns:
                yield f"{lane} got {after.webhook_id} while {before.webhook_id} was not answered"


def _audit(facts: Facts) -> Iterator[str]:
    published: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for outcome in facts.outcomes:
        published[(outcome.event_id, outcome.subscription)].add(f"{outcome.outcome}/{outcome.reason}")
    decided = {
        (row["event_id"], row["subscription"]): f"{row['state']}/{row['last_reason']}"
        for row in facts.store.deliveries
    } | {
        (row["event_id"], row["subscription"]): f"suppressed/{row['reason']}"
        for row in facts.store.suppressions
    }
    for key, said in decided.items():
        if published[key] != {said}:
            yield f"the audit topic has {sorted(published[key])} of {key}, the store {said}"
    for key in published.keys() - decided.keys():
        yield f"the audit topic has {key}, the store has not"


def _key(row: Row) -> tuple[str, str]:
    return row["subscription"], row["event_id"]


def _well_answered(facts: Facts) -> Counter[tuple[str, str]]:
    return Counter(
        (call.subscription, call.webhook_id)
        for call in facts.calls
        if call.status is not None and 200 <= call.status < 300
    )


def _lanes(facts: Facts) -> dict[tuple[str, str], list[tuple[int, Call]]]:
    """Return the requests of each divergence at each subscription, as they came, with their sequence."""
    events = {row["event_id"]: (row["divergence_id"], row["sequence"]) for row in facts.store.events}
    lanes: defaultdict[tuple[str, str], list[tuple[int, Call]]] = defaultdict(list)
    for call in facts.calls:
        if call.webhook_id in events:
            divergence_id, sequence = events[call.webhook_id]
            lanes[(call.subscription, divergence_id)].append((sequence, call))
    return dict(lanes)
