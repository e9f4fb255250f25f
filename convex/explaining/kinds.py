"""Which module works which kind out."""

from collections.abc import Callable
from typing import Final

from convex.explaining import correlation_break, hedge_lost, opposite_moves, ratio_stretch, regime_change
from convex.explaining.market import Market
from convex.explaining.material import Material
from convex.explaining.working import Working
from shared.domain.divergences import Kind

MARKET_KINDS: Final[dict[Kind, Callable[[Material, Market], Working]]] = {
    Kind.RATIO_STRETCH: ratio_stretch.work,
    Kind.OPPOSITE_MOVES: opposite_moves.work,
    Kind.CORRELATION_BREAK: correlation_break.work,
    Kind.HEDGE_LOST: hedge_lost.work,
    Kind.REGIME_CHANGE: regime_change.work,
}
"""Every kind but ``data_fault``, which is worked out without a market."""
