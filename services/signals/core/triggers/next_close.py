"""What the kinds of a pair would see at the next close, for every price at which the lead may close."""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from services.signals.core.confirmed import Values
from services.signals.core.divergence.comparison import Comparison, compare
from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.definition import PriceSearch
from services.signals.core.kinds.registry import KINDS, observe
from services.signals.core.legs.hypothetical_close import HypotheticalClose
from services.signals.core.statistics.e_break import AgreementBand
from services.signals.core.statistics.regime import RegimeState, next_regime
from services.signals.core.triggers.price_grid import TICKS_PER_USD, search_range
from services.signals.core.triggers.price_regions import Floats, Region, Ticks, find_regions
from shared.domain.divergences import Kind
from shared.domain.kinds import DIRECTIONS


@dataclass(frozen=True, slots=True)
class Seen:
    """What a kind sees at a close.

    Parameters
    ----------
    comparisons
        By the directions of the kind; None where its statistic is undefined. Empty for a regime change.
    regime, is_rich
        The regime after the close, and whether its z-score is not negative; for a regime change only.
    """

    comparisons: tuple[Comparison | None, ...] = ()
    regime: str | None = None
    is_rich: bool = False


class Regions:
    """The prices at which a kind sees different things, in little memory: there are thousands of pairs.

    Parameters
    ----------
    regions
        Ascending, without a gap.
    """

    __slots__ = ("_first", "_lasts", "_seen")

    def __init__(self, regions: tuple[Region[Seen], ...]) -> None:
        self._first = regions[0].first
        self._lasts = array("q", (region.last for region in regions))
        self._seen = tuple(_shared(region.seen) for region in regions)

    def __iter__(self) -> Iterator[Region[Seen]]:
        """Return the regions, ascending."""
        first = self._first
        for last, seen in zip(self._lasts, self._seen, strict=True):
            yield Region(first, last, seen)
            first = last + 1


# Few are ever different, and all pairs share them.
@lru_cache(maxsize=4_096)
def _shared(seen: Seen) -> Seen:
    return seen


def next_close_regions(
    following: HypotheticalClose,
    *,
    rules: Iterable[Rule],
    regime: RegimeState,
    band: AgreementBand | None,
    last_close: float,
) -> Mapping[Kind, Regions]:
    """Return what each kind would see at the next close, by the lead's price.

    Parameters
    ----------
    following
        The next session.
    rules
        The pair's rules; a kind without one sees nothing.
    regime
        The regime after the newest session that both legs have.
    band
        The pair's baseline.
    last_close
        The lead's newest close, USD; prices within a quarter of it are searched.

    Returns
    -------
    mapping
        By kind. A kind that the lead's close does not decide is absent.
    """
    bounds = search_range(last_close)
    if bounds is None:
        return {}
    return {
        rule.kind: Regions(_regions_of(rule, search, following, regime, band, *bounds))
        for rule in rules
        if (search := KINDS[rule.kind].price_search) is not None
    }


def _regions_of(
    rule: Rule,
    search: PriceSearch,
    following: HypotheticalClose,
    regime: RegimeState,
    band: AgreementBand | None,
    first: int,
    last: int,
) -> tuple[Region[Seen], ...]:
    def margins(ticks: Ticks) -> Floats:
        return search.margins(rule, following, ticks / TICKS_PER_USD)

    def look(tick: int) -> Seen:
        values = search.values(following.at(tick / TICKS_PER_USD), band)
        return what_is_seen(values, rule, regime)

    # Where the lead does not move at all, a statistic of a flat leg is undefined.
    at_rest = round(following.lead_adj_close * TICKS_PER_USD)
    return find_regions(first, last, margins=margins, look=look, pins=(at_rest,))


def what_is_seen(values: Values, rule: Rule, regime: RegimeState) -> Seen:
    """Return what a kind sees at a close, by the code that decides at a commit.

    Parameters
    ----------
    values
        The confirmed statistics that its `PriceSearch` computes.
    regime
        The regime before the close.
    """
    if rule.kind is Kind.REGIME_CHANGE:
        z = values["z_90"]
        return Seen(regime=next_regime(regime, z).name, is_rich=z is not None and z >= 0)
    observations = [observe(rule, direction, values) for direction in DIRECTIONS[rule.kind]]
    return Seen(tuple(None if each is None else compare(each, rule) for each in observations))
