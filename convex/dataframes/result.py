"""What a backtest found, as DataFrames, as the typed events, and as the files of the command."""

import os
from functools import cached_property
from pathlib import Path

import pandas as pd

from convex.backtesting.outcomes_csv import outcomes_bytes
from convex.backtesting.replay import events_bytes
from convex.backtesting.report.beside import beside_file
from convex.backtesting.run import Backtest
from convex.backtesting.stats_csv import stats_bytes
from convex.dataframes.chance import chance_table
from convex.dataframes.tables import events_table, outcomes_table, statistics_table
from convex.report_of_backtest import report_of_backtest
from convex.result_files import Outputs
from services.signals.core.divergence.rules import Rule
from shared.domain.divergences import DivergenceEvent
from shared.errors import InputError


class BacktestResult:
    """What a backtest found.

    Each DataFrame is made when it is first asked for.

    Parameters
    ----------
    backtest
        The run.
    notes
        What was noticed about the input, in sentences.
    """

    def __init__(self, backtest: Backtest, *, notes: tuple[str, ...] = ()) -> None:
        self._backtest = backtest
        self._notes = notes

    @cached_property
    def statistics(self) -> pd.DataFrame:
        """The statistics of each session: the columns of ``--stats``, indexed by session.

        NaN is an undefined value. ``regime`` is a category.
        """
        return statistics_table(self._backtest.replayed.rows)

    @cached_property
    def events(self) -> pd.DataFrame:
        """One row for each event, in the order in which they would have been sent."""
        return events_table(self.event_values, self._backtest.pair)

    @property
    def event_values(self) -> tuple[DivergenceEvent, ...]:
        """The events with all that they state."""
        return tuple(self._backtest.replayed.events)

    @property
    def event_lines(self) -> bytes:
        """The events as JSON lines, in the bytes of ``--events``."""
        return events_bytes(self._backtest.replayed.events)

    @cached_property
    def outcomes(self) -> pd.DataFrame:
        """What followed the openings: one row for each kind, direction and horizon."""
        return outcomes_table(self._backtest.replayed.outcomes)

    def chance(self, *, paths: int = 50) -> pd.DataFrame:
        """Return how often each rule opened, beside how often chance alone opens it, as the report says it.

        Parameters
        ----------
        paths
            Synthetic histories that are made of these closes, at least 2, which take some seconds; 0 takes
            the figures of ``false_alarms``, which were made from other data.

        Returns
        -------
        DataFrame
            Indexed by ``kind``; rates in 252 sessions with 95 % intervals, NaN where they are not known:
            openings of a kind that was decided in less than a year of sessions, or chance where there is no
            figure for a rule. ``exceeds_chance`` is whether the lower end of the openings is above the upper
            end of chance. Closes that gave the figures gave the openings, too: that is in sample. With fewer
            than 505 sessions of daily closes the figures are those of ``false_alarms``. ``attrs["source"]``
            says in sentences whose figures these are.

        Raises
        ------
        convex.InputError
            If ``paths`` is 1 or negative.
        """
        _require_paths("paths", paths)
        return chance_table(self._backtest, paths=paths)

    @property
    def suppressed(self) -> dict[str, int]:
        """How often a decision or an input was not acted on, by reason."""
        return dict(sorted(self._backtest.replayed.suppressed.items()))

    @property
    def notes(self) -> tuple[str, ...]:
        """What was noticed about the input and is no error: sentences."""
        return self._notes

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that it was run with."""
        return self._backtest.rules

    def write(
        self,
        *,
        stats: str | os.PathLike[str] | None = None,
        events: str | os.PathLike[str] | None = None,
        outcomes: str | os.PathLike[str] | None = None,
        report: str | os.PathLike[str] | None = None,
        report_paths: int = 50,
    ) -> None:
        """Write the files of the command, all of them or none.

        Parameters
        ----------
        stats, events, outcomes, report
            Where to write the statistics (CSV), the events (JSON lines), what followed the openings (CSV) and
            the report (HTML), which links to the others.
        report_paths
            Synthetic histories from which the report computes how often chance alone opens each kind; 0 shows
            the figures of the events.

        Raises
        ------
        convex.InputError
            If there is nothing to write.
        convex.ConfigError
            If a file cannot be written.
        """
        _require_paths("report_paths", report_paths)
        backtest = self._backtest
        contents: dict[Path, bytes] = {}
        beside: list[tuple[Path, str]] = []
        if stats is not None:
            contents[Path(stats)] = stats_bytes(backtest.replayed.rows)
            beside.append((Path(stats), "the statistics of each session"))
        if events is not None:
            contents[Path(events)] = self.event_lines
            beside.append((Path(events), "every event, one a line"))
        if outcomes is not None:
            contents[Path(outcomes)] = outcomes_bytes(backtest.replayed.outcomes)
            beside.append((Path(outcomes), "what followed the openings"))
        places = [*contents, *([] if report is None else [Path(report)])]
        if not places:
            raise InputError("write: needs a path; give stats, events, outcomes or report")
        inputs = [*backtest.recording.lead_files, *backtest.recording.other_files]
        with Outputs(places, inputs=inputs) as outputs:
            if report is not None:
                links = [beside_file(path, Path(report), what) for path, what in beside]
                contents[Path(report)] = report_of_backtest(backtest, paths=report_paths, beside=links)
            outputs.write([contents[path] for path in places])

    def __repr__(self) -> str:
        rows = self._backtest.replayed.rows
        return (
            f"<BacktestResult of {self._backtest.pair.name}: {len(rows):,} sessions, "
            f"{rows[0][0]} to {rows[-1][0]}, {len(self.event_values):,} events>"
        )


def _require_paths(name: str, paths: int) -> None:
    if paths == 1 or paths < 0:
        raise InputError(f"{name} {paths}: must be 2 or more, or 0 for none")
