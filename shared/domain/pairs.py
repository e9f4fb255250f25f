"""A pair: two instruments, and which of them leads."""

import re
from dataclasses import dataclass

from shared.errors import ConfigError

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
# The venue of simulated instruments.
_SIMULATED = "SIMULATED"
_INSTRUMENT = re.compile(r"[A-Z0-9:/^=_-]{1,24}\.[A-Z0-9-]{1,24}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementBand:
    """The baseline of a pair's relationship: between which values the probability of agreement lies.

    The legs agree in a session if both move to the same side of their means.

    Parameters
    ----------
    low, high
        ``0 < low < high < 1``.

    Examples
    --------
    >>> AgreementBand(low=0.5, high=0.4)
    Traceback (most recent call last):
        ...
    ValueError: a band needs 0 < low < high < 1, was 0.5 and 0.4
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0.0 < self.low < self.high < 1.0:
            raise ValueError(f"a band needs 0 < low < high < 1, was {self.low} and {self.high}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two legs: the lead ticks and owns the partition; the other is known by its bars, and may tick too.

    Whether an instrument ticks is a matter of the instrument, not of the pair: of its venue in a live
    market, of its symbol in a simulated one.

    Parameters
    ----------
    name
        Slug such as ``gold-iwm``; the key of everything the pair produces.
    title
        For people, such as ``Gold vs IWM``.
    lead, other
        Instruments, ``<SYMBOL>.<VENUE>``.
    lead_title, other_title
        For people, such as ``Gold`` and ``IWM``.
    is_simulated
        Both legs are made up, and of venue ``SIMULATED``; shown wherever the pair is.
    is_proxy
        A leg stands for something it is not (a gold token for gold); shown on the pair's page.
    agreement_low, agreement_high
        The baseline of the pair's relationship: the share of sessions in which both legs move to the same
        side of their means, as a band. ``evidence_break`` tests it; a pair without a baseline has no such
        divergence.

    Examples
    --------
    >>> Pair(name="gold-iwm", title="Gold vs IWM", lead="XAU/USD.REPLAY", other="IWM.REPLAY",
    ...      lead_title="Gold", other_title="IWM").lead
    'XAU/USD.REPLAY'
    """

    name: str
    title: str
    lead: str
    other: str
    lead_title: str
    other_title: str
    is_simulated: bool = False
    is_proxy: bool = False
    agreement_low: float | None = None
    agreement_high: float | None = None

    @property
    def agreement(self) -> AgreementBand | None:
        """Return the baseline; None for a pair that states none."""
        if self.agreement_low is None or self.agreement_high is None:
            return None
        return AgreementBand(low=self.agreement_low, high=self.agreement_high)

    @property
    def page(self) -> str:
        """Return the path of the pair's comparison page, such as ``/compare/gold-vs-iwm``."""
        return "/compare/" + "-vs-".join(self.name.split("-", 1))

    def __post_init__(self) -> None:
        if not _SLUG.fullmatch(self.name):
            raise ConfigError(f"a pair's name is words joined by hyphens, was {self.name!r}")
        for instrument in (self.lead, self.other):
            if not _INSTRUMENT.fullmatch(instrument):
                raise ConfigError(f"an instrument of pair {self.name} is SYMBOL.VENUE, was {instrument!r}")
        if self.lead == self.other:
            raise ConfigError(f"pair {self.name} needs two different instruments, was {self.lead} twice")
        low, high = self.agreement_low, self.agreement_high
        if (low is None) != (high is None):
            raise ConfigError(f"pair {self.name} needs both agreement_low and agreement_high, or neither")
        if low is not None and high is not None and not 0.05 <= low < high <= 0.95:
            raise ConfigError(
                f"the baseline of pair {self.name} is 0.05 <= agreement_low < agreement_high <= 0.95, "
                f"was {low} and {high}"
            )
        # A message shows only the instruments, so the venue must say the same as ``is_simulated``.
        venues = {instrument.rpartition(".")[2] for instrument in (self.lead, self.other)}
        if self.is_simulated and venues != {_SIMULATED}:
            raise ConfigError(
                f"pair {self.name} is marked is_simulated, so both its instruments are SYMBOL.{_SIMULATED}, "
                f"were {self.lead} and {self.other}; rename them or take the mark away"
            )
        if not self.is_simulated and _SIMULATED in venues:
            raise ConfigError(
                f"pair {self.name} has an instrument of venue {_SIMULATED}, were {self.lead} and "
                f"{self.other}; set is_simulated = true or name its real venue"
            )


def routes_of(pairs: tuple[Pair, ...]) -> dict[str, tuple[str, ...]]:
    """Return, for each instrument, the leads whose log must carry its ticks, statuses and bars.

    Everything a pair needs is in one partition, in one order: that of its lead. A leg of several
    leads is in each of their logs; an instrument that leads is in its own as well.

    Examples
    --------
    >>> pair = Pair(name="gold-iwm", title="", lead="XAU/USD.SIM", other="IWM.SIM",
    ...             lead_title="", other_title="")
    >>> routes_of((pair,))
    {'XAU/USD.SIM': ('XAU/USD.SIM',), 'IWM.SIM': ('XAU/USD.SIM',)}
    """
    routes: dict[str, list[str]] = {}
    for pair in pairs:
        for instrument in (pair.lead, pair.other):
            leads = routes.setdefault(instrument, [])
            if pair.lead not in leads:
                leads.append(pair.lead)
    return {instrument: tuple(leads) for instrument, leads in routes.items()}
