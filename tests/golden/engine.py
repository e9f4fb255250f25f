"""What the engine makes of the log of the six pairs, with and without restarts."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from services.signals.core.engine.engine import LeadEngine
from services.signals.core.engine_config import EngineConfig
from services.signals.core.pairs.snapshot import take_snapshot
from services.signals.false_alarms.loading import load_false_alarms
from shared.contracts.records import BARS, DIVERGENCES, SIGNALS
from shared.domain.pairs import Pair
from tests.golden.six_pairs import PAIRS, RULES, log, sessions
from tests.support.builders_market import LEAD
from tests.support.pair_story import restored

_SHOW_EVERY = 250


@dataclass(slots=True)
class Output:
    """What was made of a log.

    Parameters
    ----------
    events, sampled, snapshots
        Values of ``divergences.v1``, ``bars.v1`` and ``signals.v1``.
    last_snapshots
        The newest of each pair.
    suppressed
        By reason, how often something was not acted on.
    """

    events: list[bytes] = field(default_factory=list)
    sampled: list[bytes] = field(default_factory=list)
    snapshots: list[bytes] = field(default_factory=list)
    last_snapshots: list[bytes] = field(default_factory=list)
    suppressed: Counter[str] = field(default_factory=Counter)


def make_engine(pairs: tuple[Pair, ...] = PAIRS) -> LeadEngine:
    """Return a new engine of the six pairs, or of some of them."""
    return LeadEngine(
        LEAD,
        pairs,
        EngineConfig(
            rules=RULES,
            calendar=sessions(),
            code_version="golden",
            false_alarms=load_false_alarms(None),
        ),
    )


def run(*, restarts: Collection[int] = ()) -> Output:
    """Apply the whole log.

    Parameters
    ----------
    restarts
        Records before which the engine is replaced by one that goes on from its checkpoints.
    """
    engine, output = make_engine(), Output()
    for index, record in enumerate(log()):
        if index in restarts:
            engine = restored(engine, make_engine())
        effects = engine.apply(record)
        output.events += [DIVERGENCES.encode(event) for event in effects.events]
        output.sampled += [BARS.encode(each) for each in effects.sampled]
        output.suppressed.update(effects.suppressed)
        output.suppressed["late_ticks"] += effects.late_ticks
        if index % _SHOW_EVERY == 0:
            output.snapshots += _snapshots(engine)
    output.last_snapshots = _snapshots(engine)
    output.snapshots += output.last_snapshots
    return output


def restarts() -> frozenset[int]:
    """Return forty records of the log, drawn with a fixed seed."""
    drawn = np.random.default_rng(7).choice(len(log()), size=40, replace=False)
    return frozenset(drawn.tolist())


def _snapshots(engine: LeadEngine) -> list[bytes]:
    return [
        SIGNALS.encode(take_snapshot(monitor, engine.progress.watermark_ns)) for monitor in engine.monitors
    ]
