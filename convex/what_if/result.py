"""The comparison of two rule files: its openings, its counts, and what is known of chance."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Final

from convex.what_if.comparison import Compared, Place, compare_episodes
from convex.what_if.episode import Episode, episodes_of
from convex.what_if.outcomes import Following, PlaceOutcome
from convex.what_if.runs import Figures, Run, Runs
from services.signals.core.divergence.rules import Rule
from services.signals.core.false_alarms import YEAR, FalseAlarms
from services.signals.core.kinds.registry import KINDS
from shared.domain.divergences import Kind, Severity
from shared.domain.kinds import KIND_TRAITS
from shared.domain.sessions import SessionCalendar

# A quarter: from a few days a rate would be a guess.
LEAST_SESSIONS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The openings of one kind under one set of rules.

    Parameters
    ----------
    per_year
        In 252 of the sessions in which the kind may open; None where there are too few to say so.
    critical
        How many of them reached it.
    median_seconds
        How long those lasted that have ended; None without one.
    by_chance
        How often chance alone opens the rule; None where that has not been computed.
    is_on
        Whether there is a rule.
    """

    count: int
    per_year: float | None
    critical: int
    median_seconds: float | None
    by_chance: FalseAlarms | None
    is_on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OfKind:
    """One kind under both sets of rules.

    Parameters
    ----------
    places
        How many openings there are of each place.
    severity_changes
        Openings of both that reach another severity.
    changed
        Fields of the rule that differ: name, present and new value; ``enabled`` where one has no rule.
    """

    kind: Kind
    present: Side
    new: Side
    places: dict[Place, int]
    severity_changes: int
    changed: tuple[tuple[str, float | bool, float | bool], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """The whole comparison.

    Parameters
    ----------
    years
        The length of the log, of 252 sessions each.
    outcomes
        What followed the openings that differ.
    hits
        Whether an opening was followed by what its kind claims, by its event's id and by sessions after it.
    """

    runs: Runs
    years: float
    compared: tuple[Compared, ...]
    kinds: tuple[OfKind, ...]
    outcomes: tuple[PlaceOutcome, ...]
    hits: dict[str, dict[int, bool | None]]

    @property
    def differing(self) -> tuple[Compared, ...]:
        """The openings that are not at the same instant in both."""
        return tuple(each for each in self.compared if each.place is not Place.SAME)


def what_if(runs: Runs, *, figures: Figures, calendar: SessionCalendar) -> WhatIf:
    """Compare two runs.

    Parameters
    ----------
    figures
        How often chance alone opens a rule, by pair name and rule version.
    """
    present, new = episodes_of(runs.present.events), episodes_of(runs.new.events)
    compared = compare_episodes(present, new)
    following = Following(runs.every_bar, calendar)
    years = len(runs.sessions) / YEAR

    def side(run: Run, episodes: list[Episode], kind: Kind) -> Side:
        rule = next((each for each in run.rules if each.kind is kind), None)
        own = [each for each in episodes if each.key[0] is kind]
        observed = runs.observed[kind]
        lasted = [each.seconds for each in own if each.seconds is not None]
        chance = None if rule is None else figures.get((runs.pair.name, rule.version))
        return Side(
            count=len(own),
            per_year=len(own) * YEAR / observed if observed >= LEAST_SESSIONS else None,
            critical=sum(each.severity is Severity.CRITICAL for each in own),
            median_seconds=median(lasted) if lasted else None,
            by_chance=chance if chance is not None and chance.holds_for(runs.pair) else None,
            is_on=rule is not None,
        )

    return WhatIf(
        runs=runs,
        years=years,
        compared=tuple(compared),
        kinds=tuple(_of_kind(kind, runs, compared, present, new, side) for kind in KINDS),
        outcomes=tuple(following.of_differing(compared)),
        hits={
            each.opened.event_id: following.hits(each.opened)
            for one in compared
            for each in (one.present, one.new)
            if each is not None
        },
    )


def _of_kind(
    kind: Kind,
    runs: Runs,
    compared: list[Compared],
    present: list[Episode],
    new: list[Episode],
    side: Callable[[Run, list[Episode], Kind], Side],
) -> OfKind:
    own = [each for each in compared if each.either.key[0] is kind]
    return OfKind(
        kind=kind,
        present=side(runs.present, present, kind),
        new=side(runs.new, new, kind),
        places={place: sum(each.place is place for each in own) for place in Place},
        severity_changes=sum(each.is_severity_changed for each in own),
        changed=_changes(kind, runs),
    )


def _changes(kind: Kind, runs: Runs) -> tuple[tuple[str, float | bool, float | bool], ...]:
    before, after = (_rule_of(run, kind) for run in (runs.present, runs.new))
    changes: list[tuple[str, float | bool, float | bool]] = []
    if (before is None) != (after is None):
        changes.append(("enabled", before is not None, after is not None))
    if before is not None and after is not None:
        changes += [
            (name, getattr(before, name), getattr(after, name))
            for name in KIND_TRAITS[kind].rule_fields
            if getattr(before, name) != getattr(after, name)
        ]
    return tuple(changes)


def _rule_of(run: Run, kind: Kind) -> Rule | None:
    return next((rule for rule in run.rules if rule.kind is kind), None)
