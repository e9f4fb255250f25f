"""Which openings two runs over one log share, and which only one of them has.

====================================================== ===================
openings of one kind and direction                     place
====================================================== ===================
at the same instant                                    ``same``
open at one instant, the new one opened before         ``earlier``
open at one instant, the new one opened after          ``later``
no partner: only under the present rules               ``only_present``
no partner: only under the new rules                   ``only_new``
====================================================== ===================

Each opening has at most one partner: first those of the same instant are paired, then each of the rest with
the first that is free and overlaps it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from convex.what_if.episode import Episode
from shared.domain.divergences import Direction, Kind
from shared.domain.instants import NS_PER_SECOND


class Place(StrEnum):
    """Where an opening is."""

    SAME = "same"
    EARLIER = "earlier"
    LATER = "later"
    ONLY_PRESENT = "only_present"
    ONLY_NEW = "only_new"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """An opening under the present rules, under the new ones, or both.

    Parameters
    ----------
    is_open_elsewhere
        Of an opening without a partner: whether one of its kind and direction, with another partner, was open
        under the other rules then.
    """

    place: Place
    present: Episode | None
    new: Episode | None
    is_open_elsewhere: bool = False

    @property
    def either(self) -> Episode:
        """The opening under the present rules; under the new ones where there is none."""
        either = self.present or self.new
        assert either is not None  # noqa: S101 - there is at least one
        return either

    @property
    def at_ns(self) -> int:
        """When the earlier of the two opened."""
        return min(each.opened_ns for each in (self.present, self.new) if each is not None)

    @property
    def later_by_seconds(self) -> float | None:
        """By how much the new one opened later; None without a partner."""
        if self.present is None or self.new is None:
            return None
        return (self.new.opened_ns - self.present.opened_ns) / NS_PER_SECOND

    @property
    def is_severity_changed(self) -> bool:
        """Whether both have it and reach another severity."""
        return (
            self.present is not None
            and self.new is not None
            and (self.present.severity is not self.new.severity)
        )


def compare_episodes(present: Iterable[Episode], new: Iterable[Episode]) -> list[Compared]:
    """Return each opening of two runs once, by time."""
    olds, news = _by_key(present), _by_key(new)
    found = [compared for key in dict.fromkeys((*olds, *news)) for compared in _of_key(olds[key], news[key])]
    order = list(Kind)
    return sorted(found, key=lambda each: (each.at_ns, order.index(each.either.key[0]), each.either.key[1]))


def _of_key(present: Sequence[Episode], new: Sequence[Episode]) -> list[Compared]:
    free = list(new)
    partners: dict[int, Episode] = {}
    for is_partner in (_opened_together, Episode.overlaps):
        for index, old in enumerate(present):
            at = next((at for at, each in enumerate(free) if is_partner(old, each)), None)
            if index not in partners and at is not None:
                partners[index] = free.pop(at)
    found = []
    for index, old in enumerate(present):
        match = partners.get(index)
        found.append(
            Compared(
                place=Place.ONLY_PRESENT if match is None else _place(old, match),
                present=old,
                new=match,
                is_open_elsewhere=match is None and any(each.is_open_at(old.opened_ns) for each in new),
            )
        )
    return found + [
        Compared(
            place=Place.ONLY_NEW,
            present=None,
            new=each,
            is_open_elsewhere=any(old.is_open_at(each.opened_ns) for old in present),
        )
        for each in free
    ]


def _opened_together(one: Episode, other: Episode) -> bool:
    return one.opened_ns == other.opened_ns


def _place(present: Episode, new: Episode) -> Place:
    if present.opened_ns == new.opened_ns:
        return Place.SAME
    return Place.EARLIER if new.opened_ns < present.opened_ns else Place.LATER


def _by_key(episodes: Iterable[Episode]) -> defaultdict[tuple[Kind, Direction], list[Episode]]:
    found: defaultdict[tuple[Kind, Direction], list[Episode]] = defaultdict(list)
    for each in episodes:
        found[each.key].append(each)
    return found
