"""One expected number of false alarms, as the file holds it."""

from dataclasses import dataclass
from typing import Final

from shared.domain.divergences import Kind
from shared.errors import ConfigError

TABLE: Final = "false_alarms"
"""What the file's tables are called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseAlarms:
    """The expected number for one rule and pair, with what a reader needs to evaluate it.

    Parameters
    ----------
    pair, kind, rule_version
        What it is about; another version of the rule has another number.
    per_year
        Openings in 252 sessions, both directions of the kind together.
    standard_error
        Of ``per_year``, from the spread between the paths; it knows nothing of how well the one history that
        the paths were drawn from stands for the market.
    correlation
        The one that never changes in the synthetic histories.
    block_length
        Mean length of the bootstrap's blocks, sessions.
    paths, years, seed
        Synthetic histories, the years of each one that were counted, and what chance was drawn from.
    first_session, last_session, returns
        Of the history: its sessions, and how many pairs of returns lie between them.

    Raises
    ------
    ConfigError
        With the field, if a number is out of its range.
    """

    pair: str
    kind: Kind
    rule_version: str
    per_year: float
    standard_error: float
    correlation: float
    block_length: float
    paths: int
    years: int
    seed: int
    first_session: str
    last_session: str
    returns: int

    def __post_init__(self) -> None:
        ranges = {
            "per_year": 0.0 <= self.per_year <= 2 * 252.0,
            "standard_error": 0.0 <= self.standard_error <= 2 * 252.0,
            "correlation": -1.0 <= self.correlation <= 1.0,
            "block_length": 1.0 <= self.block_length < float("inf"),
        }
        for name, is_within in ranges.items():
            if not is_within:
                raise ConfigError(f"{name}: is out of range, was {getattr(self, name)}")
