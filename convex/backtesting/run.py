"""One backtest, as every command that asks the past runs it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from convex.backtesting.replay import Replayed, replay
from services.signals.core.divergence.rules import Rule
from services.signals.core.false_alarms import FalseAlarms
from shared.calendars import xnys_calendar
from shared.domain.pairs import Pair
from shared.errors import ConfigError
from shared.files.timeline import Recording
from shared.pairs.loading import load_pairs
from shared.version import CODE_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """What a backtest was run with, and what it found.

    Parameters
    ----------
    recording, pair, rules
        What it was run with.
    false_alarms
        How often chance alone opens a rule, by pair name and rule version; its events state them.
    replayed
        What it found.
    """

    recording: Recording
    pair: Pair
    rules: tuple[Rule, ...]
    false_alarms: Mapping[tuple[str, str], FalseAlarms]
    replayed: Replayed


def known_pair(name: str, *, baseline: tuple[float, float] | None = None, prefix: str = "--") -> Pair:
    """Return a pair that files can be replayed for.

    Parameters
    ----------
    baseline
        Share of sessions in which the legs agree, as a band, in the place of the pair's own.
    prefix
        What an error writes before the name of an argument: on the command line ``--``.

    Raises
    ------
    ConfigError
        If there is no such pair, or the band is none.

    Examples
    --------
    >>> known_pair("gold-iwm", baseline=(0.4, 0.6)).agreement_high
    0.6
    >>> known_pair("gold-slv", prefix="")
    Traceback (most recent call last):
        ...
    shared.errors.ConfigError: pair gold-slv: is not known; known are gold-iwm
    """
    pairs = {pair.name: pair for pair in load_pairs("replay")}
    pair = pairs.get(name)
    if pair is None:
        raise ConfigError(f"{prefix}pair {name}: is not known; known are {', '.join(pairs)}")
    if baseline is None:
        return pair
    low, high = baseline
    try:
        return replace(pair, agreement_low=low, agreement_high=high)
    except ConfigError as error:
        raise ConfigError(f"{prefix}baseline {low:g} {high:g}: {error}") from error


def run_backtest(
    recording: Recording,
    *,
    pair: Pair,
    rules: tuple[Rule, ...],
    false_alarms: Mapping[tuple[str, str], FalseAlarms],
    on_progress: Callable[[int, Replayed], None] = lambda _ns, _so_far: None,
) -> Backtest:
    """Replay a recording with this version's code, in the sessions of the New York Stock Exchange.

    Parameters
    ----------
    on_progress
        Called with the event time reached, nanoseconds since the Unix epoch.

    Raises
    ------
    ConfigError
        As `convex.backtesting.replay.replay`.
    """
    replayed = replay(
        recording,
        pair=pair,
        rules=rules,
        calendar=xnys_calendar(),
        code_version=CODE_VERSION,
        false_alarms=false_alarms,
        on_progress=on_progress,
    )
    return Backtest(recording=recording, pair=pair, rules=rules, false_alarms=false_alarms, replayed=replayed)
