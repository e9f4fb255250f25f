"""Data fault: the prices of a leg cannot be trusted.

It is about the data, not the market: no statistic decides it, and no claim is made about what follows.
"""

from typing import Final

from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.definition import KindDefinition
from shared.domain.divergences import Kind

DATA_FAULT: Final = KindDefinition(default_rule=Rule(kind=Kind.DATA_FAULT, confirmed_valid_seconds=4 * 3_600))
