"""Why an instrument's prices come from one feed and not from another, in words."""

from typing import Final

from shared.domain.ticks import AuthorityReason
from shared.text.instants import format_short_instant

_WITH_PREVIOUS: Final = {
    AuthorityReason.PREFERRED_IS_BACK: "it is preferred to {previous} and works again",
    AuthorityReason.OTHER_STALE: "{previous} went silent",
    AuthorityReason.OTHER_REFUSED: "{previous} refused the connection",
    AuthorityReason.OTHER_DISAGREES: "{previous} disagreed with the other feeds",
}


def describe_source(since: str, reason: AuthorityReason | None, previous: str | None) -> str:
    """Return since when a feed is used, and why.

    Parameters
    ----------
    since
        RFC 3339 instant.
    previous
        The feed before it; None where there was none.

    Examples
    --------
    >>> describe_source("2020-03-19T14:02:00.000000Z", AuthorityReason.OTHER_STALE, "coinbase")
    'since 19 Mar 14:02 UTC (coinbase went silent)'
    >>> describe_source("2020-03-19T14:02:00.000000Z", AuthorityReason.FIRST, None)
    'since 19 Mar 14:02 UTC'
    >>> describe_source("2020-03-19T14:02:00.000000Z", AuthorityReason.TAKEN_OVER, "kraken")
    'since 19 Mar 14:02 UTC (another ingestor took over)'
    """
    text = f"since {format_short_instant(since)}"
    if reason is AuthorityReason.TAKEN_OVER:
        return f"{text} (another ingestor took over)"
    if reason is None or previous is None or reason not in _WITH_PREVIOUS:
        return text
    return f"{text} ({_WITH_PREVIOUS[reason].format(previous=previous)})"
