"""A history and a rule under which every tick makes one event: it escalates or eases the open divergence.

Opening and closing at each tick would not do: after about eight events the divergence counts as flapping,
is held open, and no event follows. A change of severity is never held back.
"""

import math
from pathlib import Path

import numpy as np

from services.signals.core.statistics.zscore import baseline
from shared.calendars import xnys_calendar
from shared.contracts.ticks import encode_tick_record
from shared.domain.bars import Bar, BarBatch, BarsMode
from shared.domain.sessions import bar_final_at_ns

LEAD, OTHER = "PAXG/USD.KRAKEN", "IWM.ARCX"
PAIR = "gold-iwm"
_SESSIONS = 600
_RULES = """\
[ratio_stretch]
leave = 0.25
warning = 0.5
critical = 0.75
hold_seconds = 0
cooldown_sessions = 0
probability = 0.51
"""


def write_rules(folder: Path) -> Path:
    """Write the rule: warning at z 0.5, critical at 0.75, without hold and cooldown.

    With a probability of a half the z that decides is the expected one, within 0.05 of the live one here.
    """
    path = folder / "rules.toml"
    path.write_text(_RULES)
    return path


class Story:
    """Made-up closes up to now, and the two prices between which the ticks go back and forth.

    One price is at z 1, above the critical level; the other at z 0.375, at or below the warning level but
    above the one that closes. The closes move so little that the two are an eighth of a percent apart: the
    ingestor rejects a jump of one percent as an outlier.
    """

    def __init__(self, *, before_ns: int) -> None:
        calendar, chance = xnys_calendar(), np.random.default_rng(7)
        last = calendar.last_closed_before(before_ns - 2 * 86_400 * 10**9)
        sessions = calendar.labels[last - _SESSIONS + 1 : last + 1]
        other = np.round(220 * np.exp(np.cumsum(chance.normal(0, 0.0001, _SESSIONS))), 2)
        lead = np.round(other * np.exp(2.9 + chance.normal(0, 0.002, _SESSIONS)), 2)
        self.history = [
            encode_tick_record(_batch(instrument, sessions, closes))
            for instrument, closes in ((LEAD, lead), (OTHER, other))
        ]
        base = baseline(np.log(lead / other), 90)
        assert base is not None
        self._eased = float(other[-1]) * math.exp(base.mean + 0.375 * base.std)
        self._critical = float(other[-1]) * math.exp(base.mean + base.std)

    def price(self, number: int, *, is_critical: bool) -> float:
        """Return the price of a tick on one side of the levels; a new number is a new price."""
        centre = self._critical if is_critical else self._eased
        return round(centre + number * 0.0005, 4)


def _batch(instrument: str, sessions: tuple[str, ...], closes: np.ndarray) -> BarBatch:
    return BarBatch(
        instrument=instrument,
        mode=BarsMode.HISTORY,
        bars=tuple(
            Bar(
                instrument=instrument,
                session=session,
                close=float(close),
                adj_close=float(close),
                known_at_ns=bar_final_at_ns(session),
                source="bench",
            )
            for session, close in zip(sessions, closes, strict=True)
        ),
    )
