"""How far a lead's log has been applied, in event time."""

from dataclasses import dataclass
from typing import Final

NEVER: Final = (1 << 63) - 1
"""An event time later than any in a log."""


@dataclass(slots=True, kw_only=True)
class LogProgress:
    """The newest event time that was applied, and the closes that it has passed.

    Parameters
    ----------
    watermark_ns
        The newest event time applied; never goes back.
    next_close
        Ordinal in the calendar of the first session whose close the watermark has not passed; -1 before event
        time has begun.
    """

    watermark_ns: int = 0
    next_close: int = -1
