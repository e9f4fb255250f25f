"""The one tree of errors: the class decides what the caller does next.

::

    ServiceError
    ├── ConfigError            refuse to start (exit code 2)
    │   └── InputError           of the Python interface; also a ValueError
    ├── DataError              this record is bad: dead-letter it, go on
    │   ├── DecodeError          bytes do not match any known schema
    │   └── QualityError         well-formed but implausible (not positive, crossed, from the future)
    ├── TransientError         the world is bad: retry with back-off
    │   ├── FeedUnavailable
    │   ├── BrokerUnavailable
    │   ├── StoreUnavailable
    │   └── DeliveryDeferred
    ├── PermanentError         retrying cannot help: dead-letter, alert a person
    │   ├── FeedRefused
    │   └── DeliveryRejected
    └── InvariantError         we are wrong: crash, restart, replay

``reason`` is a snake_case word from a closed set; it is the metric label and the dead letter's reason.
"""


class ServiceError(Exception):
    """Carry a message for people and a reason for machines.

    Parameters
    ----------
    message
        What was wrong, with the value that was seen.
    reason
        A snake_case word from a closed set.

    Examples
    --------
    >>> str(DecodeError("close must be positive, was -1.0", reason="not_positive"))
    'close must be positive, was -1.0'
    """

    default_reason = "error"

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason if reason is not None else self.default_reason


class ConfigError(ServiceError):
    """Refuse to start: a setting or an input file is wrong (exit code 2)."""

    default_reason = "config"


class InputError(ConfigError, ValueError):
    """Refuse an argument of the Python interface: what is wrong, in which row and field, and the remedy."""

    default_reason = "input"


class DataError(ServiceError):
    """Dead-letter this record and go on."""

    default_reason = "data"


class DecodeError(DataError):
    """Bytes that match no known schema."""

    default_reason = "undecodable"


class QualityError(DataError):
    """Well-formed but implausible input: not positive, crossed, out of range, or from the future."""

    default_reason = "implausible"


class TransientError(ServiceError):
    """Retry with back-off: the world is bad, not the record."""

    default_reason = "transient"


class FeedUnavailable(TransientError):
    """A market-data provider cannot be reached or went silent."""

    default_reason = "feed_unavailable"


class BrokerUnavailable(TransientError):
    """Kafka cannot be reached or does not acknowledge."""

    default_reason = "broker_unavailable"


class StoreUnavailable(TransientError):
    """The delivery store cannot be read or written now: locked, full, out of reach."""

    default_reason = "store_unavailable"


class DeliveryDeferred(TransientError):
    """A receiver asks for a later attempt."""

    default_reason = "deferred"


class PermanentError(ServiceError):
    """Stop trying and alert a person."""

    default_reason = "permanent"


class FeedRefused(PermanentError):
    """A provider refuses us for good: bad key, unknown symbol, geo-block."""

    default_reason = "feed_refused"


class DeliveryRejected(PermanentError):
    """A receiver refuses the message for good."""

    default_reason = "rejected"


class InvariantError(ServiceError):
    """Crash, restart and replay: this program is wrong."""

    default_reason = "invariant"
