"""The expected number of false alarms of one rule and pair, with the fields of the file."""

from dataclasses import dataclass
from typing import Final

from shared.domain.divergences import Kind
from shared.errors import ConfigError

TABLE: Final = "false_alarms"
"""Name of the file's tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseAlarms:
    """The expected number for one rule and pair, with what a reader needs to evaluate it.

    Parameters
    ----------
    pair, kind, rule_version
        The pair and the rule; another version of the rule has another number.
    per_year
        Openings in 252 sessions, both directions of the kind together.
    standard_error
        Of ``per_year``, from the spread between the paths. It does not include how well the one history from
        which the paths were drawn represents the market.
    correlation
        The constant correlation of the synthetic histories.
    block_length
        Mean length of the bootstrap's blocks, sessions.
    paths, years, seed
        The number of synthetic histories, the years of each that were counted, and the seed of the random
        numbers.
    first_session, last_session, returns
        Of the history: its first and last session, and the number of return pairs between them.

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
