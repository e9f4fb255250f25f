"""The same question asked of other libraries: how far each tick's ratio is from its 90 closes.

Each is given the ticks as it takes them best and mids already computed, which ours computes itself. Each
answers with the number of ticks whose ``|z|`` is at or above the warning: no work can be skipped unseen.
"""

from datetime import UTC, datetime, timedelta

import csp
import numpy as np
import pandas as pd
from csp import stats as csp_stats
from csp.impl.pulladapter import PullInputAdapter
from csp.impl.wiring import py_pull_adapter_def
from river import stats as river_stats
from river import utils as river_utils

WINDOW = 90


class Question:
    """What every library is asked.

    Parameters
    ----------
    closes
        ``ln`` ratios of the committed sessions, at least `WINDOW`.
    other
        What the lead's mid is divided by, USD.
    events, mids
        Ticks: nanoseconds since the Unix epoch, USD.
    warning
        Where ``|z|`` counts.
    """

    def __init__(
        self, *, closes: np.ndarray, other: float, events: np.ndarray, mids: np.ndarray, warning: float
    ) -> None:
        self.closes = closes[-WINDOW:]
        self.other = other
        self.events = events
        self.mids = mids
        self.warning = warning

    def head(self, ticks: int) -> "Question":
        """Return the same question about the first ticks."""
        return Question(
            closes=self.closes,
            other=self.other,
            events=self.events[:ticks],
            mids=self.mids[:ticks],
            warning=self.warning,
        )


def pandas_whole(question: Question) -> int:
    """Compute one vectorised expression over all ticks: no stream at all."""
    closes, mids = pd.Series(question.closes), pd.Series(question.mids)
    z = (np.log(mids / question.other) - closes.mean()) / closes.std()
    return int((z.abs() >= question.warning).sum())


def pandas_batches(question: Question, size: int) -> int:
    """Ask for each batch by itself, as a stream would bring them."""
    rolling = pd.Series(question.closes).rolling(WINDOW)
    mean, std = rolling.mean().iloc[-1], rolling.std().iloc[-1]
    hits = 0
    for begin in range(0, len(question.mids), size):
        z = (np.log(pd.Series(question.mids[begin : begin + size]) / question.other) - mean) / std
        hits += int((z.abs() >= question.warning).sum())
    return hits


def numpy_batches(question: Question, size: int) -> int:
    """Compute z of every tick of a batch, as a person would write it by hand."""
    mean, std = question.closes.mean(), question.closes.std(ddof=1)
    hits = 0
    for begin in range(0, len(question.mids), size):
        z = (np.log(question.mids[begin : begin + size] / question.other) - mean) / std
        hits += int((np.abs(z) >= question.warning).sum())
    return hits


def river_fixed(question: Question) -> int:
    """Take one tick at a time against a rolling mean and variance of the closes."""
    mean = river_utils.Rolling(river_stats.Mean(), window_size=WINDOW)
    var = river_utils.Rolling(river_stats.Var(), window_size=WINDOW)
    for close in question.closes.tolist():
        mean.update(close)
        var.update(close)
    hits = 0
    log, sqrt, other, warning = np.log, np.sqrt, question.other, question.warning
    for mid in question.mids.tolist():
        z = (log(mid / other) - mean.get()) / sqrt(var.get())
        if abs(z) >= warning:
            hits += 1
    return hits


def river_moving(question: Question) -> int:
    """Roll as river's documentation does: each tick moves the window, more work and another number."""
    mean = river_utils.Rolling(river_stats.Mean(), window_size=WINDOW)
    var = river_utils.Rolling(river_stats.Var(), window_size=WINDOW)
    for close in question.closes.tolist():
        mean.update(close)
        var.update(close)
    hits = 0
    log, other, warning = np.log, question.other, question.warning
    for mid in question.mids.tolist():
        ratio = float(log(mid / other))
        spread = var.get() ** 0.5
        if spread and abs((ratio - mean.get()) / spread) >= warning:
            hits += 1
        mean.update(ratio)
        var.update(ratio)
    return hits


class _TickSource(PullInputAdapter):
    """Ticks out of Python, one call each, as every feed handler written in Python hands them over."""

    def __init__(self, begin: datetime, mids: list[float]) -> None:
        self._now = begin
        self._mids = iter(mids)
        self._step = timedelta(microseconds=1)
        super().__init__()

    def next(self):
        """Return the next instant and tick, None at the end."""
        mid = next(self._mids, None)
        if mid is None:
            return None
        self._now += self._step
        return (self._now, mid)


_tick_source = py_pull_adapter_def("_tick_source", _TickSource, csp.ts[float], begin=datetime, mids=list)


def _csp_answer(question: Question, mids: object, begin: datetime) -> object:
    instants = np.datetime64(begin, "ns") - np.arange(WINDOW, 0, -1) * np.timedelta64(1, "ms")
    closes = csp.curve(float, (instants, question.closes))
    mean, std = csp_stats.mean(closes, WINDOW), csp_stats.stddev(closes, WINDOW)
    z = (csp.ln(mids / csp.const(question.other)) - mean) / std
    return csp.count(csp.filter(csp.abs(z) >= csp.const(question.warning), z))


def _csp_run(question: Question, graph: object, begin: datetime) -> int:
    found = csp.run(
        graph,
        starttime=begin - timedelta(seconds=1),
        endtime=begin + timedelta(microseconds=len(question.mids) + 1),
    )
    return found["hits"][-1][1] if found["hits"] else 0


_BEGIN = datetime(2014, 5, 1, tzinfo=UTC).replace(tzinfo=None)


def csp_python(question: Question) -> int:
    """Run the graph of csp with the ticks out of a Python source."""

    @csp.graph
    def graph() -> None:
        mids = _tick_source(_BEGIN, question.mids.tolist())
        csp.add_graph_output("hits", _csp_answer(question, mids, _BEGIN), tick_count=1)

    return _csp_run(question, graph, _BEGIN)


def csp_native(question: Question) -> int:
    """Run the graph of csp with the ticks out of numpy arrays that it reads in C++."""
    count = len(question.mids)

    @csp.graph
    def graph() -> None:
        instants = np.datetime64(_BEGIN, "ns") + np.arange(1, count + 1) * np.timedelta64(1, "us")
        mids = csp.curve(float, (instants, question.mids))
        csp.add_graph_output("hits", _csp_answer(question, mids, _BEGIN), tick_count=1)

    return _csp_run(question, graph, _BEGIN)
