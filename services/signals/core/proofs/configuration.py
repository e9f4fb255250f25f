"""The settings that a lead's events depend on, as one digest."""

from collections.abc import Iterable
from dataclasses import asdict
from functools import lru_cache

from services.signals.core.engine_config import EngineConfig
from shared.domain.pairs import Pair
from shared.domain.proofs import canonical_digest
from shared.domain.sessions import SessionCalendar


def configuration_digest(pairs: Iterable[Pair], config: EngineConfig) -> str:
    """Return the digest of what decides a lead's events beside its records.

    That is the version of the program, and, of each pair, all its settings, its rules and their false alarms;
    and the calendar with the declared closures. It does not depend on the order of the pairs.

    Parameters
    ----------
    pairs
        The pairs of the lead.
    """
    return canonical_digest(
        {
            "code_version": config.code_version,
            "calendar": _of_calendar(config.calendar),
            "pairs": [_of_pair(pair, config) for pair in sorted(pairs, key=lambda pair: pair.name)],
        }
    )


# It has thousands of sessions, and every lead has the same one.
@lru_cache(maxsize=4)
def _of_calendar(calendar: SessionCalendar) -> str:
    return canonical_digest([calendar.labels, calendar.open_ns, calendar.close_ns])


def _of_pair(pair: Pair, config: EngineConfig) -> list[object]:
    rules = sorted(config.of_pair(pair.name).rule_versions.items())
    false_alarms = (config.false_alarms.get((pair.name, version)) for _, version in rules)
    return [asdict(pair), rules, [asdict(each) if each is not None else None for each in false_alarms]]
