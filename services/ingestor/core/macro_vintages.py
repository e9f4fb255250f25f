"""Which of the values that a source has now are news: dates we had not, and values that were revised.

A source that states vintages (FRED) says for each value from which date on it was in force. Asked for a
window of vintages, it answers with values that were in force when the window began as if they were new then:
they are no news. Any other source is compared with the newest vintage that is known, and its news has the
present date as its vintage.

Nothing is ever removed: a source that no longer has old dates leaves ours as they are.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from shared.domain.instants import from_ns, to_ns
from shared.domain.macro import Observation, is_date
from shared.errors import QualityError

# FRED's dates are those of St. Louis.
_VINTAGES_ZONE: Final = ZoneInfo("America/Chicago")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A value as a source reports it.

    Parameters
    ----------
    date
        What it is of, ``YYYY-MM-DD``.
    value
        None where the source has a row for the date, but no value.
    vintage
        From when on the source had it, ``YYYY-MM-DD``; None where it does not say.
    """

    date: str
    value: float | None
    vintage: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What is new in one answer of a source.

    Parameters
    ----------
    added
        The first vintage of a date.
    revised
        A further vintage of a date, or another value for the same vintage.
    unchanged
        How many readings were known.
    rejected
        Readings that are implausible, and why.
    """

    added: tuple[Observation, ...]
    revised: tuple[Observation, ...]
    unchanged: int
    rejected: tuple[tuple[Reading, QualityError], ...]


class SeriesVintages:
    """Every known vintage of one series.

    Examples
    --------
    >>> series = SeriesVintages("fred:DFII10", unit="percent", source="fred")
    >>> first = Reading(date="2024-05-24", value=2.13, vintage="2024-05-28")
    >>> len(series.compare([first], now_ns=0).added)
    1
    >>> still = Reading(date="2024-05-24", value=2.13, vintage="2024-06-01")
    >>> other = Reading(date="2024-05-24", value=2.14, vintage="2024-06-03")
    >>> news = series.compare([still, other], now_ns=0)
    >>> news.unchanged, [each.key for each in news.revised]
    (1, ['fred:DFII10|2024-05-24|2024-06-03'])
    """

    def __init__(self, series: str, *, unit: str, source: str, known: Iterable[Observation] = ()) -> None:
        self._series = series
        self._unit = unit
        self._source = source
        # For each date its vintages, ascending, and their values.
        self._known: dict[str, tuple[list[str], list[float | None]]] = {}
        for observation in known:
            self._keep(observation)

    def newest_vintage(self) -> str | None:
        """Return the newest vintage of any date; None when nothing is known."""
        return max((vintages[-1] for vintages, _ in self._known.values()), default=None)

    def newest_date(self) -> str | None:
        """Return the newest date that has a value; None when there is none."""
        return max((day for day, (_, values) in self._known.items() if values[-1] is not None), default=None)

    def compare(self, readings: Iterable[Reading], *, now_ns: int) -> News:
        """Return what is news, and count it as known from now on."""
        today = from_ns(now_ns).date().isoformat()
        added: list[Observation] = []
        revised: list[Observation] = []
        rejected: list[tuple[Reading, QualityError]] = []
        unchanged = 0
        # A later vintage is compared with the one before it.
        for reading in sorted(readings, key=lambda each: (each.date, each.vintage or "")):
            if not self._is_news(reading):
                unchanged += 1
                continue
            try:
                observation = self._observation(reading, today=today, now_ns=now_ns)
            except QualityError as error:
                rejected.append((reading, error))
                continue
            (revised if reading.date in self._known else added).append(observation)
            self._keep(observation)
        return News(added=tuple(added), revised=tuple(revised), unchanged=unchanged, rejected=tuple(rejected))

    def _is_news(self, reading: Reading) -> bool:
        if reading.date not in self._known:
            return True
        vintages, values = self._known[reading.date]
        if reading.vintage is None:
            # An empty cell of a source without vintages takes no value back.
            return reading.value is not None and reading.value != values[-1]
        in_force = bisect_right(vintages, reading.vintage) - 1
        return in_force < 0 or reading.value != values[in_force]

    def _observation(self, reading: Reading, *, today: str, now_ns: int) -> Observation:
        known_at_ns = now_ns
        if reading.vintage is not None and is_date(reading.vintage):
            known_at_ns = min(now_ns, _end_of(reading.vintage))
        return Observation(
            series=self._series,
            date=reading.date,
            vintage=today if reading.vintage is None else reading.vintage,
            value=reading.value,
            unit=self._unit,
            source=self._source,
            known_at_ns=known_at_ns,
        )

    def _keep(self, observation: Observation) -> None:
        vintages, values = self._known.setdefault(observation.date, ([], []))
        place = bisect_right(vintages, observation.vintage)
        if place and vintages[place - 1] == observation.vintage:
            values[place - 1] = observation.value
        else:
            vintages.insert(place, observation.vintage)
            values.insert(place, observation.value)


def _end_of(vintage: str) -> int:
    """Return the end of a vintage's day: it came at some time of that day, and we do not know when."""
    return max(0, to_ns(datetime.combine(date.fromisoformat(vintage), time(23, 59, 59), _VINTAGES_ZONE)))
