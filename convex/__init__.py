"""Watch pairs of markets, and ask the past: ``convex.backtest(gold, iwm)``.

The names are imported when they are first used, so that the command line starts without pandas. Their types
are in ``__init__.pyi``.
"""

from importlib import import_module

_WHERE = {
    "BacktestResult": "convex.dataframes.result",
    "ConfigError": "shared.errors",
    "InputError": "shared.errors",
    "Kind": "shared.domain.divergences",
    "Rule": "services.signals.core.divergence.rules",
    "backtest": "convex.dataframes.backtest",
}

__all__ = [*_WHERE]


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        found: object = getattr(import_module(_WHERE[name]), name)
    except ModuleNotFoundError as error:
        if error.name in ("pandas", "pyarrow", "exchange_calendars", "statsmodels", "scipy"):
            raise ImportError(
                f"convex.{name} needs {error.name}: pip install 'convex-alerts[research]'"
            ) from error
        raise
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *_WHERE])
