"""Render the mail to the owner of a subscription about its receiver: what happened, and what to do."""

import shlex
from dataclasses import dataclass
from typing import Final

from services.notifier.core.attempt_result import FailureReason
from services.notifier.core.notices import Notice, ReceiverCondition
from services.notifier.render.environment import make_environment
from services.notifier.render.renderer import Rendered
from shared.domain.deliveries import Channel
from shared.domain.instants import NS_PER_SECOND, format_rfc3339
from shared.text.durations import format_duration
from shared.text.instants import format_instant_in_words

_WHY: Final = {
    FailureReason.REQUEST_TIMEOUT: "it answered 408 Request Timeout",
    FailureReason.TOO_EARLY: "it answered 425 Too Early",
    FailureReason.RATE_LIMITED: "it answered 429 Too Many Requests",
    FailureReason.SERVER_ERROR: "it answered with a server error (5xx)",
    FailureReason.DNS_FAILED: "its host name could not be resolved",
    FailureReason.CONNECT_FAILED: "no connection could be made",
    FailureReason.TIMED_OUT: "it did not answer in time",
    FailureReason.CONNECTION_LOST: "it closed the connection without an answer",
    FailureReason.ADDRESS_REFUSED: "its address is not one that webhooks may reach",
    FailureReason.SMTP_DEFERRED: "the mail server asked to try later",
    FailureReason.SMTP_UNUSABLE: "the mail server refuses Convex",
    FailureReason.UNKNOWN: "the answer was lost after the message had been sent",
    FailureReason.INTERNAL: "an error within Convex, which its log describes",
    FailureReason.GONE: "it answered 410 Gone",
    FailureReason.DISABLED: "it answered with the header webhook-delivery: disable",
}
_PAUSED_NEXT: Final = (
    "Convex tries again by itself. When the receiver works again, it gets the newest state of each "
    "divergence first, and you get another mail."
)
_RECOVERED_NEXT: Final = (
    "A message whose deadline passed meanwhile was not delivered and will not be. A receiver by webhook can "
    "fetch what it missed with GET /v1/events."
)
_WHAT: Final = {Channel.WEBHOOK: "webhook", Channel.EMAIL: "e-mail subscription"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that the owner may do: why, and the command for it."""

    text: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeView:
    """Everything that a notice shows.

    Parameters
    ----------
    tone
        ``warning``, ``critical`` or ``calm``.
    """

    subject: str
    badge: str
    tone: str
    headline: str
    sentences: tuple[str, ...]
    steps: tuple[Step, ...]
    facts: tuple[tuple[str, str], ...]


class NoticeRenderer:
    """Write notices from the templates in `templates`; equal notices give equal mails."""

    def __init__(self) -> None:
        environment = make_environment()
        self._text = environment.get_template("notice.txt.j2")
        self._html = environment.get_template("notice.html.j2")

    def render(self, notice: Notice, *, receiver: str) -> Rendered:
        """Return the mail about a notice.

        Parameters
        ----------
        receiver
            What the owner knows the receiver by: a host or a mail address, nothing secret.
        """
        view = notice_view(notice, receiver=receiver)
        return Rendered(
            subject=" ".join(view.subject.split()),
            text=self._text.render(view=view),
            html=self._html.render(view=view),
        )


def notice_view(notice: Notice, *, receiver: str) -> NoticeView:
    """Return the content of the mail about a notice."""
    name = f"{_WHAT[notice.channel]} {notice.subscription}"
    since = format_instant_in_words(format_rfc3339(notice.since_ns))
    lasted = format_duration((notice.at_ns - notice.since_ns) / NS_PER_SECOND)
    facts = (
        ("Subscription", notice.subscription),
        ("Receiver", receiver),
        ("Since", since),
        ("Noticed", format_instant_in_words(format_rfc3339(notice.at_ns))),
        ("Reason", notice.reason or "-"),
        ("Notice", notice.notice_id),
    )
    match notice.condition:
        case ReceiverCondition.PAUSED:
            return NoticeView(
                subject=f"Convex cannot deliver to the {name}",
                badge="failing",
                tone="warning",
                headline=f"The {name} has failed for {lasted}",
                sentences=(
                    f"No attempt to deliver to {receiver} has succeeded since {since}.",
                    *([f"The last attempt failed because {_why(notice.reason)}."] if notice.reason else []),
                    _waiting(notice.waiting),
                    _PAUSED_NEXT,
                ),
                steps=(
                    Step(text="See what waits", command=_command("list --subscription", notice)),
                    Step(text="Try again at once", command=_command("retry", notice)),
                ),
                facts=facts,
            )
        case ReceiverCondition.RECOVERED:
            return NoticeView(
                subject=f"Convex can deliver to the {name} again",
                badge="works again",
                tone="calm",
                headline=f"The {name} works again",
                sentences=(
                    f"It had failed for {lasted}, since {since}.",
                    _still_waiting(notice.waiting),
                    _RECOVERED_NEXT,
                ),
                steps=(
                    Step(
                        text="See what was not delivered",
                        command=_command("list --state expired --subscription", notice),
                    ),
                ),
                facts=facts,
            )
        case ReceiverCondition.GONE:
            return NoticeView(
                subject=f"Convex no longer sends to the {name}",
                badge="switched off",
                tone="critical",
                headline=f"The {name} wants no more messages",
                sentences=(
                    f"At {since}, {_why(notice.reason)}. That asks Convex to send it nothing any more.",
                    _ended(notice.waiting),
                    "Later events are not sent to it, until you switch it on again.",
                ),
                steps=(
                    Step(
                        text="If this was not intended, repair the receiver, then switch it on again",
                        command=_command("enable", notice),
                    ),
                ),
                facts=facts,
            )


def _why(reason: str) -> str:
    try:
        return _WHY[FailureReason(reason)]
    except (ValueError, KeyError):
        return f"of the reason {reason}"


def _command(words: str, notice: Notice) -> str:
    return f"convex deliveries {words} {shlex.quote(notice.subscription)}"


def _waiting(count: int) -> str:
    if count == 0:
        return "No message waits for it now."
    return f"{_messages(count)} for it; each is tried until its own deadline."


def _still_waiting(count: int) -> str:
    if count == 0:
        return "No message waits for it any more."
    return f"{_messages(count)} for it and {'is' if count == 1 else 'are'} being sent now."


def _messages(count: int) -> str:
    return "1 message waits" if count == 1 else f"{count:,} messages wait"


def _ended(count: int) -> str:
    if count == 0:
        return "No message was waiting for it."
    if count == 1:
        return "1 message that waited for it was not delivered."
    return f"{count:,} messages that waited for it were not delivered."
