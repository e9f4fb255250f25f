from convex.dataframes.backtest import backtest
from convex.dataframes.result import BacktestResult
from services.signals.core.divergence.rules import Rule
from shared.domain.divergences import Kind
from shared.errors import ConfigError, InputError

__all__ = ["BacktestResult", "ConfigError", "InputError", "Kind", "Rule", "backtest"]
