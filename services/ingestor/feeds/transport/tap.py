"""Where a feed hands a copy of what a provider sent, before anything is made of it; for recordings."""

from typing import Protocol


class Tap(Protocol):
    """Takes copies of frames and answers; never waits and never raises, so that it cannot harm a feed."""

    def frame(
        self,
        *,
        feed: str,
        received_ns: int,
        raw: bytes | str,
        symbols: tuple[str, ...] = (),
        connection: int = 0,
    ) -> None:
        """Take one frame of a stream, or the body of one answer of a polled venue.

        Parameters
        ----------
        feed
            The venue's name, such as ``kraken``.
        received_ns
            When it was read, nanoseconds since the Unix epoch.
        raw
            As the venue sent it.
        symbols
            What the connection was opened for, in the order in which its protocol was made.
        connection
            Tells the connections of one feed apart: a protocol's state begins anew with each.
        """
        ...

    def answer(self, *, feed: str, received_ns: int, url: str, status: int, raw: bytes) -> None:
        """Take one answer to a request for bars, missed trades or macro series.

        Parameters
        ----------
        feed
            The provider's name, such as ``yahoo``.
        url
            With its query: keys in it are removed before it is stored.
        """
        ...


class NoTap:
    """Takes nothing: no recording was asked for."""

    def frame(
        self,
        *,
        feed: str,
        received_ns: int,
        raw: bytes | str,
        symbols: tuple[str, ...] = (),
        connection: int = 0,
    ) -> None:
        """Do nothing."""

    def answer(self, *, feed: str, received_ns: int, url: str, status: int, raw: bytes) -> None:
        """Do nothing."""
