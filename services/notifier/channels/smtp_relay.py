"""The mail server that all mails go through: a few lines, opened as needed and kept for the next mail.

A mail takes a line that is free, or waits while one is opened. If none can be, all mails that wait get one
answer, and so do those that come until the back-off has passed; the same if a session refuses every mail.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import structlog

from services.notifier.channels.ports import CancelledBeforeSending
from services.notifier.channels.smtp_line import Envelope, LineNotOpened, SmtpLine, open_line
from services.notifier.config import SmtpSecurity, SmtpSettings
from services.notifier.core.answer_text import shown_answer
from services.notifier.core.attempt_result import AttemptResult, Blame, Deferred, FailureReason
from services.notifier.core.relay_backoff import RelayBackoff, RelayFailure
from shared.clock import Clock

log = structlog.get_logger(__name__)

# A line that was unused for this long is checked first: the server may have closed it.
_CHECK_AFTER_SECONDS: Final = 5.0
# In timeouts of one reply: opening takes eight replies at most, and most servers answer at once.
_OPENING_TIMEOUTS: Final = 2.0
_WAIT_TIMEOUTS: Final = 3.0
# Of a mail that found no line in time: every line is busy, and another mail would wait just as long.
_BUSY_RETRY_SECONDS: Final = 5.0


@dataclass(eq=False, slots=True, kw_only=True)
class _Waiter:
    """A mail that waits for a line."""

    recipient: str
    needs_new_line: bool
    line: asyncio.Future[SmtpLine | Deferred]


class SmtpRelay:
    """Send mails over a bounded number of lines.

    Parameters
    ----------
    settings
        The server; ``host`` must be set before anything is sent.
    uniform
        Returns a number in ``[0, 1)``; the randomness is the caller's.
    """

    def __init__(self, settings: SmtpSettings, *, clock: Clock, uniform: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._uniform = uniform
        # One recipient whose checks are slow must not hold every line.
        self._most_per_recipient = max(1, settings.max_connections // 2)
        # When each was used last, the newest at the end.
        self._idle: dict[SmtpLine, float] = {}
        self._busy: dict[SmtpLine, str] = {}
        # Busy lines of before the server was found unusable: they end with their mail.
        self._outdated: set[SmtpLine] = set()
        self._recipients: Counter[str] = Counter()
        # The one that waits longest is the first.
        self._waiting: dict[_Waiter, None] = {}
        self._opening: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tls: ssl.SSLContext | None = None
        self._opens = RelayBackoff()
        self._takes_mails = RelayBackoff()
        self._failure: Deferred | None = None
        self._is_reported = False

    async def send(self, envelope: Envelope, *, needs_check: bool = False) -> AttemptResult:
        """Send one mail and return the result; a network failure is a result, too.

        Parameters
        ----------
        needs_check
            Ask for a sign of life before a line is used again, however short it was idle.

        Raises
        ------
        CancelledBeforeSending
            If this is cancelled while the server cannot have accepted the message.
        """
        for is_second in (False, True):
            line = await self._take(envelope.recipient, needs_new_line=is_second)
            if isinstance(line, Deferred):
                return line
            result = await self._send_on(line, envelope, needs_check=needs_check)
            if result is not None:
                return result
        raise RuntimeError("a new line was taken for one that had carried a mail")

    async def close(self) -> None:
        """Close every line that is not in use."""
        if self._timer is not None:
            self._timer.cancel()
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        lines = tuple(self._idle)
        self._idle.clear()
        await asyncio.gather(*(line.quit() for line in lines))
        # A socket is closed one turn of the loop after its connection.
        await asyncio.sleep(0)

    async def _send_on(
        self, line: SmtpLine, envelope: Envelope, *, needs_check: bool
    ) -> AttemptResult | None:
        """Return None if the line that had carried a mail before was closed: the mail needs another line.

        A server may close a line after a while, or after each mail.
        """
        was_used = line.is_used
        try:
            idle_seconds = self._clock.monotonic() - line.used_at
            is_doubtful = was_used and (needs_check or idle_seconds >= _CHECK_AFTER_SECONDS)
            if is_doubtful and not await line.answers():
                return None
            sent = await line.send(envelope)
            if was_used and sent.was_closed:
                return None
            return self._evaluated(line, sent.result)
        except BaseException as error:
            # Cancelled or failed within the conversation: the next mail must not read this one's reply.
            line.abort()
            if isinstance(error, asyncio.CancelledError) and not line.may_have_accepted:
                raise CancelledBeforeSending from error
            raise
        finally:
            self._give_back(line)

    def _evaluated(self, line: SmtpLine, result: AttemptResult) -> AttemptResult:
        """Take note of what a result says about the server."""
        if isinstance(result, Deferred) and result.blame is Blame.RELAY:
            if line not in self._outdated:
                self._failed(self._takes_mails, result, RelayFailure.OTHER)
                self._drop_idle(tuple(self._idle))
                self._outdated.update(self._busy)
            return replace(result, retry_after_seconds=self._pause_seconds())
        if line not in self._outdated:
            self._takes_mails.succeeded()
            self._recovered()
        return result

    async def _take(self, recipient: str, *, needs_new_line: bool = False) -> SmtpLine | Deferred:
        refusal = self._refusal()
        if refusal is not None:
            return refusal
        future: asyncio.Future[SmtpLine | Deferred] = asyncio.get_running_loop().create_future()
        waiter = _Waiter(recipient=recipient, needs_new_line=needs_new_line, line=future)
        self._waiting = {waiter: None, **self._waiting} if needs_new_line else self._waiting
        self._waiting[waiter] = None
        self._hand_out()
        wait_seconds = _WAIT_TIMEOUTS * self._settings.timeout_seconds
        try:
            if future.done():
                return await future
            async with asyncio.timeout(wait_seconds):
                return await future
        except BaseException as error:
            self._waiting.pop(waiter, None)
            if future.done() and not future.cancelled() and future.exception() is None:
                # Handed out in the same moment.
                line = future.result()
                if isinstance(line, SmtpLine):
                    self._give_back(line)
            if isinstance(error, asyncio.CancelledError):
                raise CancelledBeforeSending from error
            if not isinstance(error, TimeoutError):
                raise
            return Deferred(
                reason=FailureReason.TIMED_OUT,
                blame=Blame.RELAY,
                retry_after_seconds=_BUSY_RETRY_SECONDS,
                detail=f"every line to the mail server was busy for {wait_seconds:g} s",
            )

    def _give_back(self, line: SmtpLine) -> None:
        recipient = self._busy.pop(line)
        self._recipients[recipient] -= 1
        if not self._recipients[recipient]:
            del self._recipients[recipient]
        if line.is_usable and line not in self._outdated:
            line.used_at = self._clock.monotonic()
            self._idle[line] = line.used_at
            self._wake_after(max(1.0, self._settings.idle_seconds))
        else:
            line.abort()
        self._outdated.discard(line)
        self._hand_out()

    def _hand_out(self) -> None:
        """Give free lines to the mails that wait; if they need more, open one."""
        self._drop_unusable()
        refusal = self._refusal()
        if refusal is not None:
            self._answer_all(refusal)
            return
        while self._idle:
            waiter = self._next_waiter(is_new=False)
            if waiter is None:
                break
            # The newest: the others may then grow old and be closed.
            line, _ = self._idle.popitem()
            self._assign(line, waiter)
        waiter = self._next_waiter(is_new=True)
        if waiter is None or self._opening is not None or not self._may_have_another(waiter):
            return
        pause_seconds = self._pause_seconds()
        if pause_seconds > 0:
            self._wake_after(pause_seconds)
            return
        self._opening = asyncio.get_running_loop().create_task(self._open())

    def _may_have_another(self, waiter: _Waiter) -> bool:
        if self._takes_mails.is_failing and (self._idle or self._busy.keys() - self._outdated):
            # One mail goes first.
            return False
        most = self._settings.max_connections
        if waiter.needs_new_line and self._idle and len(self._idle) + len(self._busy) >= most:
            self._drop_idle((next(iter(self._idle)),))
        return len(self._idle) + len(self._busy) < most

    def _next_waiter(self, *, is_new: bool) -> _Waiter | None:
        for waiter in self._waiting:
            if waiter.needs_new_line and not is_new:
                continue
            if self._recipients[waiter.recipient] < self._most_per_recipient:
                return waiter
        return None

    def _assign(self, line: SmtpLine, waiter: _Waiter) -> None:
        del self._waiting[waiter]
        if waiter.line.done():
            # Cancelled in this moment.
            self._idle[line] = line.used_at
            return
        self._busy[line] = waiter.recipient
        self._recipients[waiter.recipient] += 1
        waiter.line.set_result(line)

    async def _open(self) -> None:
        failure = RelayFailure.OTHER
        try:
            async with asyncio.timeout(_OPENING_TIMEOUTS * self._settings.timeout_seconds):
                line = await open_line(self._settings, tls=self._tls_context())
        except LineNotOpened as error:
            result, failure = error.result, error.failure
        except TimeoutError:
            result = _unusable(FailureReason.TIMED_OUT, "the mail server took too long to open a session")
        except (OSError, ValueError) as error:
            result = _unusable(FailureReason.SMTP_UNUSABLE, f"CA certificates: {error}")
        except Exception as error:
            # A fault of this program; the mails that wait must not wait for ever.
            log.exception("smtp_opening_failed")
            result = _unusable(FailureReason.SMTP_UNUSABLE, f"{type(error).__name__}: {error}")
        else:
            self._opening = None
            self._opens.succeeded()
            line.used_at = self._clock.monotonic()
            waiter = self._next_waiter(is_new=True)
            if waiter is None:
                self._idle[line] = line.used_at
            else:
                self._assign(line, waiter)
            self._hand_out()
            return
        self._opening = None
        # The file of CA certificates may have been replaced.
        self._tls = None
        self._failed(self._opens, result, failure)
        self._hand_out()

    def _tls_context(self) -> ssl.SSLContext | None:
        if self._tls is None and self._settings.security is not SmtpSecurity.NONE:
            self._tls = ssl.create_default_context(cafile=self._settings.ca_file)
        return self._tls

    def _pause_seconds(self) -> float:
        now = self._clock.monotonic()
        return max(self._opens.remaining_seconds(now=now), self._takes_mails.remaining_seconds(now=now))

    def _refusal(self) -> Deferred | None:
        """Return what every mail is answered while the server is unusable; None if it may wait for a line."""
        if self._failure is None or self._idle or self._busy.keys() - self._outdated:
            return None
        pause_seconds = self._pause_seconds()
        return replace(self._failure, retry_after_seconds=pause_seconds) if pause_seconds > 0 else None

    def _failed(self, backoff: RelayBackoff, result: Deferred, failure: RelayFailure) -> None:
        backoff.failed(failure, now=self._clock.monotonic(), draw=self._uniform())
        before, self._failure = self._failure, result
        where = f"{self._settings.host}:{self._settings.port}"
        if backoff is self._opens and (self._idle or self._busy.keys() - self._outdated):
            # Such as a limit of connections: mails still go out over the lines that there are.
            log.warning("smtp_line_refused", server=where, reason=result.reason, detail=result.detail)
        elif before is None or not self._is_reported or before.detail != result.detail:
            self._is_reported = True
            log.error("smtp_unusable", server=where, reason=result.reason, detail=result.detail)

    def _recovered(self) -> None:
        if self._opens.is_failing:
            return
        self._failure = None
        if self._is_reported:
            self._is_reported = False
            log.info("smtp_usable", server=f"{self._settings.host}:{self._settings.port}")

    def _answer_all(self, answer: Deferred) -> None:
        for waiter in self._waiting:
            if not waiter.line.done():
                waiter.line.set_result(answer)
        self._waiting.clear()

    def _drop_unusable(self) -> None:
        if self._idle:
            now, longest = self._clock.monotonic(), self._settings.idle_seconds
            self._drop_idle(
                tuple(line for line, at in self._idle.items() if now - at >= longest or not line.is_usable)
            )

    def _drop_idle(self, lines: tuple[SmtpLine, ...]) -> None:
        for line in lines:
            del self._idle[line]
            line.abort()

    def _wake_after(self, seconds: float) -> None:
        """Look again later, unless that is planned for an earlier time."""
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            if self._timer.when() <= loop.time() + seconds:
                return
            self._timer.cancel()
        self._timer = loop.call_later(seconds, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._hand_out()
        if self._idle:
            self._wake_after(max(1.0, self._settings.idle_seconds))


def _unusable(reason: FailureReason, detail: str) -> Deferred:
    return Deferred(reason=reason, blame=Blame.RELAY, detail=shown_answer(detail))
