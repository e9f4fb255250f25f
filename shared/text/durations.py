"""Lengths of time as people read them: ``1 min 15 s``, ``16 h 35 min``, ``3 d 11 h``."""

from typing import Final

from shared.text.numbers import DASH

_UNITS: Final = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def format_duration(seconds: float | None, *, missing: str = DASH) -> str:
    """Return a length of time in its two largest units, rounded down.

    A unit of zero is left out: ``2 h``, not ``2 h 0 min``. Numbers are not padded: ``1 min 1 s``. The script
    of the dashboard's page counts ages in the same form.

    Parameters
    ----------
    missing
        What to show for a length of time that is not known.

    Examples
    --------
    >>> [format_duration(seconds) for seconds in (59.9, 61, 300, 75_845, 7_200, 300_000, None)]
    ['59 s', '1 min 1 s', '5 min', '21 h 4 min', '2 h', '3 d 11 h', '—']

    Clocks differ a little, so an age can be slightly negative; it is shown as the shortest one:

    >>> format_duration(0.4), format_duration(-5)
    ('under 1 s', 'under 1 s')
    """
    if seconds is None:
        return missing
    rest = int(max(seconds, 0.0))
    for index, (unit, length) in enumerate(_UNITS):
        if rest >= length:
            text = f"{rest // length} {unit}"
            for smaller, smaller_length in _UNITS[index + 1 : index + 2]:
                count = rest % length // smaller_length
                text += f" {count} {smaller}" if count else ""
            return text
    return "under 1 s"
