"""What people call an event's legs: by the pairs of this installation, or the shipped ones."""

from convex.explaining.material import Titles
from shared.domain.divergences import DivergenceEvent
from shared.pairs.loading import SHIPPED, load_pairs


def titles_of(event: DivergenceEvent, *sets: str) -> Titles:
    """Return the titles of the first pair that has the event's name and legs, else their symbols.

    Parameters
    ----------
    sets
        Files or shipped sets of pairs to look into before the shipped ones.
    """
    instruments = [leg.instrument for leg in event.legs]
    for name in (*sets, *SHIPPED):
        for pair in load_pairs(name):
            if pair.name == event.pair and set(instruments) <= {pair.lead, pair.other}:
                return Titles(lead=pair.lead_title, other=pair.other_title)
    symbols = [each.rpartition(".")[0] for each in instruments]
    lead, other = (*symbols, "the lead", "the other leg")[:2] if len(symbols) > 1 else ("lead", "other")
    return Titles(lead=lead, other=other)
