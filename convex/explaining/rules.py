"""How long each rule's cooldown is: an event carries its rule's version and levels, not its cooldown."""

from pathlib import Path

from services.signals.rules_file import load_rules


def cooldowns_of(path: Path | None) -> dict[str, int]:
    """Return the cooldown in sessions by rule version, of a rules file or of the published rules.

    Raises
    ------
    ConfigError
        If the file cannot be used.
    """
    return {rule.version: rule.cooldown_sessions for rule in load_rules(path)}
