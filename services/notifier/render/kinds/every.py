"""Every kind and who tells it."""

from collections.abc import Callable, Mapping
from typing import Final

from services.notifier.render.kinds import (
    correlation_break,
    data_fault,
    hedge_lost,
    opposite_moves,
    ratio_stretch,
    regime_change,
)
from services.notifier.render.telling import Telling
from shared.domain.divergences import DivergenceEvent, Kind

TELLERS: Final[Mapping[Kind, Callable[[DivergenceEvent, str, str], Telling]]] = {
    Kind.RATIO_STRETCH: ratio_stretch.tell,
    Kind.OPPOSITE_MOVES: opposite_moves.tell,
    Kind.CORRELATION_BREAK: correlation_break.tell,
    Kind.HEDGE_LOST: hedge_lost.tell,
    Kind.REGIME_CHANGE: regime_change.tell,
    Kind.DATA_FAULT: data_fault.tell,
}
