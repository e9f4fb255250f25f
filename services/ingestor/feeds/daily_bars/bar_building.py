"""Make bars of a provider's rows: which rows, on which scale, and what is counted on the way."""

from collections.abc import Callable, Sequence
from typing import Final

import structlog

from services.ingestor.core.adjusted_closes import adjusted_rows
from services.ingestor.core.daily_rows import PulledRows, Row, select_rows
from services.ingestor.core.plausible_adjustments import plausible_adjustments
from services.ingestor.feeds.ports import Sink
from services.ingestor.metrics import IngestorMetrics
from shared.domain.bars import Bar, BarStatus
from shared.domain.sessions import bar_final_at_ns
from shared.errors import DecodeError, QualityError

log = structlog.get_logger(__name__)

# More than a whole history of rows; beyond that they are reported again.
_MOST_REPORTED: Final = 1_000


class BarBuilder:
    """Makes the bars of one instrument from one provider's rows.

    Parameters
    ----------
    is_session
        Whether the exchange trades on a day.
    is_split_adjusted
        As in `BarSource`.
    """

    def __init__(
        self,
        source: str,
        *,
        instrument: str,
        is_session: Callable[[str], bool],
        is_split_adjusted: bool,
        metrics: IngestorMetrics,
    ) -> None:
        self._source = source
        self._instrument = instrument
        self._is_session = is_session
        self._is_split_adjusted = is_split_adjusted
        self._metrics = metrics
        self._reported: set[str] = set()
        self._implausible: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())

    def bars(
        self,
        pulled: PulledRows,
        sessions: Sequence[str],
        *,
        usual_volume: float | None,
        now_ns: int,
        sink: Sink,
    ) -> list[Bar]:
        """Return the bars of some sessions, ascending, on a scale on which the newest is not adjusted.

        A row that cannot be used becomes a dead letter, once: it comes again with each pull.
        """
        for text in pulled.unreadable:
            self._reject(text, DecodeError(f"{self._source}: a row cannot be read: {text[:100]}"), sink)
        selected = select_rows(
            pulled.rows, sessions=sessions, is_session=self._is_session, usual_volume=usual_volume
        )
        for reason, count in selected.dropped.items():
            self._metrics.bars_received.labels(self._instrument, reason).inc(count)
        if selected.dropped:
            log.warning(
                "rows_dropped", feed=self._source, instrument=self._instrument, **dict(selected.dropped)
            )
        self._report_implausible(selected.rows, pulled)
        rows = adjusted_rows(
            selected.rows,
            splits=pulled.splits,
            dividends=pulled.dividends,
            is_split_adjusted=self._is_split_adjusted,
        )
        made = (self._bar(row, now_ns, sink) for row in rows)
        return [bar for bar in made if bar is not None]

    def _report_implausible(self, rows: Sequence[Row], pulled: PulledRows) -> None:
        found = plausible_adjustments(
            rows,
            splits=pulled.splits,
            dividends=pulled.dividends,
            is_split_adjusted=self._is_split_adjusted,
        )
        received = self._metrics.bars_received
        received.labels(self._instrument, "side_fields_dropped").inc(len(found.unadjusted))
        received.labels(self._instrument, "action_ignored").inc(len(found.ignored))
        said = (found.unadjusted, found.ignored)
        if said != self._implausible and any(said):
            log.warning(
                "implausible_adjustments",
                feed=self._source,
                instrument=self._instrument,
                adjusted_closes=found.unadjusted[-5:],
                actions=found.ignored[-5:],
            )
        self._implausible = said

    def _bar(self, row: Row, now_ns: int, sink: Sink) -> Bar | None:
        final_at_ns = bar_final_at_ns(row.session)
        is_final = final_at_ns <= now_ns
        try:
            bar = Bar(
                instrument=self._instrument,
                session=row.session,
                close=row.close,
                adj_close=row.close if row.adj_close is None else row.adj_close,
                known_at_ns=final_at_ns if is_final else now_ns,
                status=BarStatus.FINAL if is_final else BarStatus.PROVISIONAL,
                source=self._source,
                open=row.open,
                high=row.high,
                low=row.low,
                volume=row.volume,
            )
        except QualityError as error:
            self._reject(repr(row), error, sink)
            return None
        if (row.open, row.high, row.low, row.volume) != (bar.open, bar.high, bar.low, bar.volume):
            # The close is good; a value beside it cannot be right.
            self._metrics.bars_received.labels(self._instrument, "side_fields_dropped").inc()
        return bar

    def _reject(self, text: str, error: DecodeError | QualityError, sink: Sink) -> None:
        self._metrics.bars_received.labels(self._instrument, "rejected").inc()
        if text not in self._reported:
            if len(self._reported) >= _MOST_REPORTED:
                self._reported.clear()
            self._reported.add(text)
            sink.reject(feed=self._source, raw=text.encode(), error=error)
