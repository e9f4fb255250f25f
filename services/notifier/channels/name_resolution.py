"""Look up the addresses of receivers' names, so that a slow name server delays only its own receivers.

`socket.getaddrinfo` blocks for up to half a minute and cannot be stopped. So each lookup has a thread of its
own, and

- a name is looked up once at a time, for everybody who waits for it;
- an attempt waits only for a while, then it has failed; the lookup goes on, and the next attempt finds its
  answer;
- a name whose last lookup was slow is looked up by a few threads that such names share: many of them wait for
  each other, and nobody else waits for them;
- the number of threads and of names that wait for one is limited.

The threads are daemons, so they do not hold up the end of the process. Names come from the operator's file,
so there are never more of them than receivers.
"""

import asyncio
import contextlib
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Final

from services.notifier.core.address_guard import NetworkAddress

# A blocking function that returns the addresses of a name as text.
LookUp = Callable[[str], Iterable[str]]

# Far above any number of attempts in flight: only hundreds of new names that all hang can use them up.
_THREADS: Final = 512
_THREADS_FOR_SLOW_NAMES: Final = 16
_MAX_WAITING: Final = 4_096
# A healthy lookup takes a few hundredths of a second, one that was repeated after a lost packet five seconds.
_SLOW_SECONDS: Final = 1.0
# Long enough for the retry after a lookup that took too long; short enough for a receiver that moves.
_KEPT_SECONDS: Final = 30.0


class NameNotResolved(OSError):
    """A name has no address, or its name server did not answer in time."""


class _Threads:
    """A limited number of threads, and the names that wait for one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.running = 0
        self.waiting: deque[str] = deque()

    @property
    def has_free(self) -> bool:
        return self.running < self._most


class NameResolution:
    """Resolve names in threads of its own; made in a running event loop.

    Parameters
    ----------
    wait_seconds
        How long one attempt waits for an address.
    look_up
        What asks the name server.
    """

    def __init__(self, *, wait_seconds: float, look_up: LookUp | None = None) -> None:
        self._wait_seconds = wait_seconds
        self._look_up = look_up or _look_up_by_system
        self._loop = asyncio.get_running_loop()
        self._threads = _Threads(_THREADS)
        self._threads_for_slow = _Threads(_THREADS_FOR_SLOW_NAMES)
        self._slow: set[str] = set()
        self._in_flight: dict[str, asyncio.Future[tuple[NetworkAddress, ...] | NameNotResolved]] = {}
        self._kept: dict[str, tuple[NetworkAddress, ...]] = {}

    async def addresses(self, host: str) -> tuple[NetworkAddress, ...]:
        """Return the addresses of a name, at least one, in the order of preference.

        Raises
        ------
        NameNotResolved
            If it has none, or if they are not known in time.
        """
        kept = self._kept.get(host)
        if kept is not None:
            return kept
        lookup = self._in_flight.get(host) or self._begin(host)
        await asyncio.wait({lookup}, timeout=self._wait_seconds)
        if not lookup.done():
            raise NameNotResolved(f"{host}: no answer from DNS within {self._wait_seconds:g} s")
        answer = lookup.result()
        if isinstance(answer, NameNotResolved):
            # A new one for each attempt: a raised exception keeps what it passed through.
            raise NameNotResolved(str(answer))
        return answer

    def forget(self, host: str) -> None:
        """Look a name up again the next time: its receiver may have moved."""
        self._kept.pop(host, None)

    def _begin(self, host: str) -> asyncio.Future[tuple[NetworkAddress, ...] | NameNotResolved]:
        lookup: asyncio.Future[tuple[NetworkAddress, ...] | NameNotResolved] = self._loop.create_future()
        threads = self._threads_for_slow if host in self._slow else self._threads
        if threads.has_free:
            self._in_flight[host] = lookup
            self._start(host, threads)
        elif len(threads.waiting) < _MAX_WAITING:
            self._in_flight[host] = lookup
            threads.waiting.append(host)
        else:
            lookup.set_result(NameNotResolved(f"{host}: too many names are being looked up"))
        return lookup

    def _start(self, host: str, threads: _Threads) -> None:
        threads.running += 1
        slow_timer = self._loop.call_later(_SLOW_SECONDS, self._slow.add, host)
        thread = threading.Thread(
            target=self._run, args=(host, threads, slow_timer), name=f"lookup-{host}"[:40], daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:
            # The system allows no more threads.
            self._loop.call_soon(self._ended, host, threads, slow_timer, NameNotResolved(f"{host}: {error}"))

    def _run(self, host: str, threads: _Threads, slow_timer: asyncio.TimerHandle) -> None:
        answer: tuple[NetworkAddress, ...] | NameNotResolved = NameNotResolved(f"{host}: the lookup failed")
        try:
            answer = _checked(host, self._look_up(host))
        except (OSError, ValueError) as error:
            # ValueError: not a name, such as one with an empty label or one of more than 63 characters.
            answer = NameNotResolved(f"{host}: {error}")
        finally:
            # The loop may have ended while this thread waited.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._ended, host, threads, slow_timer, answer)

    def _ended(
        self,
        host: str,
        threads: _Threads,
        slow_timer: asyncio.TimerHandle,
        answer: tuple[NetworkAddress, ...] | NameNotResolved,
    ) -> None:
        threads.running -= 1
        if self._loop.time() < slow_timer.when():
            self._slow.discard(host)
        slow_timer.cancel()
        if not isinstance(answer, NameNotResolved):
            self._kept[host] = answer
            self._loop.call_later(_KEPT_SECONDS, self.forget, host)
        self._in_flight.pop(host).set_result(answer)
        if threads.waiting:
            self._start(threads.waiting.popleft(), threads)


def _checked(host: str, texts: Iterable[str]) -> tuple[NetworkAddress, ...]:
    # A link-local address may come with a zone, which is no part of the address.
    addresses = tuple(ip_address(text) for text in dict.fromkeys(each.partition("%")[0] for each in texts))
    if not addresses:
        raise NameNotResolved(f"{host} has no address")
    return addresses


def _look_up_by_system(host: str) -> list[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
