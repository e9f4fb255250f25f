"""Whether this process may publish now, where several ingestors share the work."""

from typing import Protocol


class PublishingRight(Protocol):
    """What a writer asks before it publishes."""

    def may_publish(self) -> bool:
        """Return whether this process may publish now."""
        ...

    async def until_may_publish(self) -> bool:
        """Wait while it may not yet; return False once another process publishes instead."""
        ...


class RightLapsed(Exception):
    """The right to publish lapsed before an attempt to send."""
