"""``convex.backtest``: the command of that name for a program that has its data in memory."""

import numbers
import os
import re
from collections.abc import Callable
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal, TypeAlias, TypeVar

import pandas as pd

from convex.backtesting.run import known_pair, run_backtest
from convex.dataframes.legs import Legs, read_leg
from convex.dataframes.result import BacktestResult
from convex.dataframes.rules import Rules, read_rules
from services.signals.false_alarms.loading import load_false_alarms
from shared.domain.pairs import Pair
from shared.errors import ConfigError, InputError
from shared.files.file_note import FileNote
from shared.files.reading_options import DateOrder, DecimalMark, ReadingOptions
from shared.files.timeline import Recording

_READING_OPTION: Final = re.compile(r"--(format|date-order|decimal|timezone|skip-bad-rows)\b")

_Choice = TypeVar("_Choice", bound=StrEnum)

Day: TypeAlias = str | date | datetime | pd.Timestamp | None


def backtest(
    gold: Legs,
    iwm: Legs,
    *,
    rules: Rules = None,
    start: Day = None,
    end: Day = None,
    pair: str = "gold-iwm",
    baseline: tuple[float, float] | None = None,
    false_alarms: str | os.PathLike[str] | None = None,
    format: str | None = None,  # noqa: A002 - the name of the command's option
    date_order: Literal["dmy", "mdy", "ymd"] | None = None,
    decimal: Literal["point", "comma"] | None = None,
    timezone: str | None = None,
    skip_bad_rows: bool = False,
) -> BacktestResult:
    """Run the engine of the live service over history, and return what it would have sent.

    The numbers are those of the command ``convex backtest`` on files with the same rows, to the last bit.

    Parameters
    ----------
    gold, iwm
        Daily closes: a DataFrame with the column ``close`` and, optionally, ``adj_close``, a Series of
        closes, or the path of a file; its index has the dates. What ``yfinance.download`` returns for one
        ticker is such a DataFrame. For gold also quotes: a DataFrame with the columns ``bid`` and ``ask``
        whose index has instants with a zone. Or a list: quotes are replayed after the daily history.
    rules
        Path of a rules file, a dictionary of its structure, such as ``{"ratio_stretch": {"warning": 2.5}}``,
        or `convex.Rule` objects; by default the published rules.
    start, end
        First and last session in which divergences may open; earlier ones only fill the windows. A date, or
        text such as ``"2019-06-03"``.
    pair
        The pair whose names and figures to use.
    baseline
        Share of sessions in which the legs agree, as a band; by default that of the pair.
    false_alarms
        Path of a file that ``convex calibrate`` wrote; by default the shipped figures.
    format, date_order, decimal, timezone
        As the options of the command: how to read files. ``date_order`` also is that of dates that are
        texts, and ``timezone`` the zone of an index of times that has none.
    skip_bad_rows
        Leave out single rows without a usable price, and single quotes with a wrong instant, and count them
        in `BacktestResult.notes`.

    Raises
    ------
    convex.InputError
        One line with the argument or file, row, field and remedy. It is a `ValueError`.

    Examples
    --------
    Two years of two made-up legs, which have nothing to do with each other:

    >>> import numpy as np
    >>> import pandas as pd
    >>> import convex
    >>> days = pd.bdate_range("2018-01-02", periods=504)
    >>> random = np.random.default_rng(7)
    >>> gold = pd.Series(1_300 * np.exp(random.normal(0, 0.008, 504).cumsum()), index=days)
    >>> iwm = pd.Series(150 * np.exp(random.normal(0, 0.012, 504).cumsum()), index=days)
    >>> result = convex.backtest(gold, iwm, rules={"ratio_stretch": {"warning": 2.5}}, start="2019-01-02")
    >>> result
    <BacktestResult of gold-iwm: 236 sessions, 2019-01-02 to 2019-12-06, 6 events>
    >>> result.events.loc[result.events["type"] == "open", ["session", "kind", "direction", "value"]]
         session            kind   direction       value
    0 2019-01-07   ratio_stretch     risk_on   -2.645297
    2 2019-04-23   ratio_stretch    risk_off    2.641502
    4 2019-09-10  evidence_break  tightening  302.117011
    5 2019-10-17   ratio_stretch     risk_on   -2.570619
    >>> convex.backtest(gold, iwm.where(iwm > 140))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    shared.errors.InputError: iwm: row 26 (2018-02-07): close: is missing; leave such rows out, ...
    """
    notes: list[FileNote] = []
    _require_band(baseline)
    try:
        chosen = known_pair(pair, baseline=baseline, prefix="")
        recording = _recording(
            gold,
            iwm,
            pair=chosen,
            between=_between(start, end),
            reading=ReadingOptions(
                format=format,
                date_order=_one_of("date_order", DateOrder, date_order),
                decimal=_one_of("decimal", DecimalMark, decimal),
                timezone=timezone,
                skip_bad_rows=skip_bad_rows,
            ),
            on_note=notes.append,
        )
        found = run_backtest(
            recording,
            pair=chosen,
            rules=read_rules(rules, pair=pair),
            false_alarms=load_false_alarms(None if false_alarms is None else Path(false_alarms)),
        )
    except InputError:
        raise
    except ConfigError as error:
        raise InputError(_in_python(str(error))) from error
    # The report has a place for what was noticed about the input.
    found.replayed.notes[:0] = notes
    return BacktestResult(found, notes=tuple(_in_python(str(note)) for note in found.replayed.notes))


def _recording(
    gold: Legs,
    iwm: Legs,
    *,
    pair: Pair,
    between: tuple[date | None, date | None],
    reading: ReadingOptions,
    on_note: Callable[[FileNote], None],
) -> Recording:
    lead_files, lead_held = read_leg(
        "gold", gold, instrument=pair.lead, is_lead=True, reading=reading, on_note=on_note
    )
    other_files, other_held = read_leg(
        "iwm", iwm, instrument=pair.other, is_lead=False, reading=reading, on_note=on_note
    )
    return Recording(
        lead_files=lead_files,
        other_files=other_files,
        start=between[0],
        end=between[1],
        reading=reading,
        lead_held=lead_held,
        other_held=other_held,
    )


def _between(start: Day, end: Day) -> tuple[date | None, date | None]:
    first, last = _day("start", start), _day("end", end)
    if first is not None and last is not None and first > last:
        raise InputError(f"start {first}: is after end {last}")
    return first, last


def _day(name: str, given: Day) -> date | None:
    if given is None:
        return None
    if isinstance(given, str):
        try:
            return date.fromisoformat(given)
        except ValueError as error:
            raise InputError(f"{name} {given[:40]!r}: must be a date like '2019-06-03'") from error
    # NaT is a datetime, too.
    if isinstance(given, datetime) and not pd.isna(given):
        return given.date()
    if isinstance(given, date) and not isinstance(given, datetime):
        return given
    raise InputError(f"{name}: must be a date or text like '2019-06-03', was {type(given).__name__}")


def _require_band(given: object) -> None:
    band = given if isinstance(given, tuple | list) else ()
    if given is not None and not (len(band) == 2 and all(isinstance(each, numbers.Real) for each in band)):
        raise InputError(f"baseline {str(given)[:40]}: must be two numbers, such as (0.4, 0.6)")


def _one_of(name: str, known: type[_Choice], given: str | None) -> _Choice | None:
    if given is None:
        return None
    try:
        return known(given)
    except ValueError as error:
        names = ", ".join(each.value for each in known)
        raise InputError(f"{name} {given!r}: is not known; known are {names}") from error


def _in_python(text: str) -> str:
    """Return an error with the command's options as a program writes them.

    Examples
    --------
    >>> _in_python("gold.csv: row 2: date: may be 1 June or 6 January; give --date-order dmy or mdy")
    'gold.csv: row 2: date: may be 1 June or 6 January; give date_order dmy or mdy'
    """
    return _READING_OPTION.sub(lambda option: option[1].replace("-", "_"), text)
