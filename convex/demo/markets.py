"""The three sources of the demo's prices: simulated, recorded, or live without a key."""

import json
from dataclasses import dataclass
from pathlib import Path

from services.ingestor.config import IngestorSettings
from services.ingestor.contacts import contacts
from shared.errors import ConfigError
from shared.files.daily.recognition import recognise
from shared.files.daily.table import read_text
from shared.files.ticks.reader import has_tick_header
from shared.pairs.loading import load_pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSource:
    """Where the prices of the demo come from, as settings of the services.

    Parameters
    ----------
    note
        For people: what kind of market it is.
    environ
        Settings of ingestor, signals and notifier.
    contacts
        Each host outside this machine that is contacted, with what for, a line each.
    """

    note: str
    environ: dict[str, str]
    contacts: tuple[str, ...] = ()


def simulated(seed: int) -> MarketSource:
    """Return simulated prices."""
    return MarketSource(
        note="SIMULATED: made-up prices of no real market",
        environ={
            "CONVEX_PAIRS": "simulated",
            "CONVEX_INGESTOR_FEED": "simulated",
            "CONVEX_INGESTOR_SIMULATED_SEED": str(seed),
            "CONVEX_NOTIFIER_TIME_BASE": "replay",
        },
    )


def live() -> MarketSource:
    """Return the live feeds that need no key."""
    # As the demo's ingestor is configured: by defaults, for it inherits no CONVEX_ variable.
    purposes: dict[str, list[str]] = {}
    for contact in contacts(IngestorSettings.model_construct(), load_pairs("live")):
        purposes.setdefault(contact.host, []).append(contact.purpose)
    return MarketSource(
        note="LIVE: PAXG/USD (a gold token, a proxy) and BTC/USD of Kraken, daily bars of Yahoo",
        environ={
            "CONVEX_PAIRS": "live",
            "CONVEX_INGESTOR_FEED": "live",
            "CONVEX_NOTIFIER_TIME_BASE": "live",
        },
        contacts=tuple(f"{host}: {', '.join(each)}" for host, each in purposes.items()),
    )


def recorded(files: list[Path], speed: float) -> MarketSource:
    """Return recorded files.

    Raises
    ------
    ConfigError
        If a file cannot be read, or no file has prices of one of the legs.
    """
    gold = [path for path in files if not _is_other_leg(path)]
    iwm = [path for path in files if path not in gold]
    if not gold or not iwm:
        missing = "gold (ts_utc,bid,ask or date,close)" if not gold else "IWM (date,close,adj_close)"
        raise ConfigError(f"--replay: no file of {missing}; give one more --replay FILE")
    return MarketSource(
        note=f"RECORDED: {', '.join(path.name for path in files)}"
        + (f", {speed:g} times as fast" if speed else ", as fast as possible"),
        environ={
            "CONVEX_PAIRS": "replay",
            "CONVEX_INGESTOR_FEED": "replay",
            "CONVEX_INGESTOR_REPLAY_LEAD_FILES": json.dumps([str(path.resolve()) for path in gold]),
            "CONVEX_INGESTOR_REPLAY_OTHER_FILES": json.dumps([str(path.resolve()) for path in iwm]),
            "CONVEX_INGESTOR_REPLAY_SPEED": repr(speed),
            "CONVEX_NOTIFIER_TIME_BASE": "replay",
        },
    )


def _is_other_leg(path: Path) -> bool:
    """Return whether a file is the ETF's: by its name, or because it has adjusted closes."""
    if has_tick_header(path):
        return False
    if "iwm" in path.name.lower():
        return True
    return recognise(read_text(path), None).adjusted is not None
