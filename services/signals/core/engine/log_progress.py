"""How far a lead's log has been applied, in event time."""

from dataclasses import dataclass
from typing import Final

NEVER: Final = (1 << 63) - 1
"""An event time that no log reaches."""


@dataclass(slots=True, kw_only=True)
class LogProgress:
    """The newest event time that was applied, and the closes that it has passed.

    Parameters
    ----------
    watermark_ns
        Event time before which nothing more is used; never goes back.
    next_close
        Ordinal of the first session of the calendar whose close the watermark has not passed; -1 before the
        first instant is known.
    """

    watermark_ns: int = 0
    next_close: int = -1
