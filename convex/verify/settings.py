"""The settings that a lead's events depend on: of this installation, or of the time that is verified."""

from pathlib import Path

from convex.settings import read_settings
from convex.verify.lead_replay import Settings
from services.signals.config import SignalsSettings
from services.signals.core.engine_config import EngineConfig
from services.signals.false_alarms.loading import load_false_alarms
from services.signals.rules_file import load_rules_of_pairs
from shared.calendars import xnys_calendar
from shared.pairs.loading import PairsSettings, load_pairs
from shared.version import CODE_VERSION


def read_verification_settings(
    *, pairs: str | None, rules: Path | None, false_alarms: Path | None
) -> Settings:
    """Return the settings; what is None is as signals would read it from the environment.

    Raises
    ------
    ConfigError
        If a variable or a file cannot be used.
    """
    signals = read_settings(SignalsSettings)
    known = load_pairs(pairs if pairs is not None else read_settings(PairsSettings).pairs)
    by_pair = load_rules_of_pairs(rules or signals.rules_file, [pair.name for pair in known])
    return Settings(
        pairs=known,
        config=EngineConfig(
            rules=by_pair.general,
            rules_of_pair=by_pair.of_pair,
            false_alarms=load_false_alarms(false_alarms or signals.false_alarms_file),
            calendar=xnys_calendar(),
            code_version=CODE_VERSION,
        ),
    )
