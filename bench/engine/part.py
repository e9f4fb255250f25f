"""(a) Engine ticks/s, in batches of 500 and one by one, against river, csp, pandas and numpy."""

import gc
import time
from collections.abc import Callable

import numpy as np

from bench.engine import peers
from bench.engine.ours import run_engine, warm_engine
from bench.market import Market, batches, load_market
from bench.report import Figure, against, measured
from bench.rounds import interleave
from services.signals.core.divergence.rules import Rule

_BATCH = 500
_OURS, _SINGLE, _RESTLESS = "ours, batches of 500", "ours, one by one", "ours, restless"


def run_part(*, is_quick: bool, on_round: Callable[[str], None]) -> tuple[str, list[Figure]]:
    """Measure, and return what on and the figures."""
    rounds = 3 if is_quick else 7
    market = load_market()
    quotes = market.head(200_000) if is_quick else market.quotes
    few = 10_000 if is_quick else 50_000
    question = peers.Question(
        closes=market.log_ratios(),
        other=market.other_close(),
        events=quotes.ts_event_ns,
        mids=(quotes.bid + quotes.ask) * 0.5,
        warning=Rule().warning,
    )
    _require_same_answers(question, market)
    small, middle = question.head(few), question.head(4 * few)
    full, single = batches(quotes, _BATCH), batches(market.head(few), 1)
    restless_rule = _rule_in_the_middle(question)

    def ours() -> float:
        return run_engine(warm_engine(market), full)

    def ours_single() -> float:
        return run_engine(warm_engine(market), single)

    def ours_restless() -> float:
        return run_engine(warm_engine(market, restless_rule), full)

    results = interleave(
        {
            _OURS: _quietly(ours),
            _SINGLE: _quietly(ours_single),
            _RESTLESS: _quietly(ours_restless),
            "csp, ticks from Python": _peer(peers.csp_python, middle),
            "csp, ticks from C++": _peer(peers.csp_native, question),
            "river, same 90 closes": _peer(peers.river_fixed, small),
            "river, window moves per tick": _peer(peers.river_moving, small),
            "pandas, whole series at once": _peer(peers.pandas_whole, question),
            "pandas, batches of 500": _peer(lambda asked: peers.pandas_batches(asked, _BATCH), question),
            "numpy, batches of 500": _peer(lambda asked: peers.numpy_batches(asked, _BATCH), question),
        },
        rounds,
        on_round,
    )
    return market.label, _figures(results)


def _figures(results: dict[str, list[float]]) -> list[Figure]:
    ours, single = results[_OURS], results[_SINGLE]
    batched = measured("a", "engine, batches of 500", ours, "ticks/s", at_least=20e6)
    alone = measured("a", "engine, one by one", single, "ticks/s")
    restless = measured(
        "a",
        "engine, batches of 500, every threshold crossed all the time",
        results[_RESTLESS],
        "ticks/s",
        note="the same ticks; warning, critical and leave put in the middle of their z, no hold: "
        "the engine's worst case",
    )
    quiet = against(restless, results[_RESTLESS], "engine, quiet levels", ours, at_least=1 / 3)
    python_source = "the source is a Python adapter, as a feed handler in Python would be"
    figures = [batched]
    for name, more in (
        ("csp, ticks from Python", {"at_least": 100, "note": python_source}),
        ("csp, ticks from C++", {"at_least": 100, "note": "csp.curve over numpy arrays: no Python per tick"}),
        ("river, same 90 closes", {}),
        ("pandas, batches of 500", {}),
        ("pandas, whole series at once", {"note": "2 million ticks in one expression: not a stream"}),
        ("numpy, batches of 500", {"note": "z of every tick by hand"}),
    ):
        figures.append(against(batched, ours, name, results[name], **more))
    ones = ("csp, ticks from Python", "river, same 90 closes", "river, window moves per tick")
    return [*figures, alone, *(against(alone, single, name, results[name]) for name in ones), restless, quiet]


def _peer(answer: Callable[[peers.Question], int], question: peers.Question) -> Callable[[], float]:
    def run() -> float:
        began = time.process_time()
        answer(question)
        return len(question.mids) / (time.process_time() - began)

    return _quietly(run)


def _quietly(run: Callable[[], float]) -> Callable[[], float]:
    def collected_before() -> float:
        gc.collect()
        return run()

    return collected_before


def _rule_in_the_middle(question: peers.Question) -> Rule:
    """Put every level where the ticks are, so that as many of them as possible have to be evaluated."""
    ratios = np.log(question.mids / question.other)
    z = np.abs((ratios - question.closes.mean()) / question.closes.std(ddof=1))
    leave, warning, critical = (float(level) for level in np.quantile(z, (0.45, 0.5, 0.55)))
    return Rule(
        leave=leave, warning=warning, critical=critical, hold_seconds=0, cooldown_sessions=0, probability=0.5
    )


def _require_same_answers(question: peers.Question, market: Market) -> None:
    """Stop the benchmark when the libraries do not compute the same thing."""
    head = question.head(20_000)
    answers = {
        name: answer(head)
        for name, answer in (
            ("numpy", lambda asked: peers.numpy_batches(asked, _BATCH)),
            ("pandas", peers.pandas_whole),
            ("pandas in batches", lambda asked: peers.pandas_batches(asked, _BATCH)),
            ("river", peers.river_fixed),
            ("csp from Python", peers.csp_python),
            ("csp from C++", peers.csp_native),
        )
    }
    assert len(set(answers.values())) == 1, f"answers differ: {answers}"
    engine = warm_engine(market)
    for record in batches(market.head(len(head.mids)), _BATCH):
        engine.apply(record)
    ours = engine.monitors[0].statistics.live_z()
    theirs = (np.log(head.mids[-1] / head.other) - head.closes.mean()) / head.closes.std(ddof=1)
    assert ours is not None
    assert abs(ours - theirs) < 1e-9, f"z of the last tick: {ours} and {theirs}"
