"""Logs: one JSON object per entry, or coloured text on a terminal; secrets are removed."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final, TextIO

import structlog

# Keys that carry credentials by name, and text that carries them by shape (query strings, user info).
_SECRET_KEYS: Final = re.compile(r"(?i)(password|secret|token|authorization|api_?key|signature)")
_SECRET_TEXT: Final = re.compile(r"(?i)((?:token|api_?key|key|secret|password)=)[^&\s]+|(://)[^/@\s]+@")
_ADDRESS: Final = re.compile(r"\b[\w.+-]+@([\w-]+\.[\w.-]+)\b")


def redact(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank out credentials and mail addresses in every value of a log entry.

    Examples
    --------
    >>> redact(None, "", {"event": "fetched", "url": "https://u:p@host/x?token=abc", "to": "ann@example.com"})
    {'event': 'fetched', 'url': 'https://***@host/x?token=***', 'to': '***@example.com'}
    """
    for key, value in entry.items():
        entry[key] = _without_secrets(key, value)
    return entry


def redact_text(text: str) -> str:
    """Blank out credentials and mail addresses in a text.

    Examples
    --------
    >>> redact_text("https://u:p@host/x?token=abc is refused, tell ann@example.com")
    'https://***@host/x?token=*** is refused, tell ***@example.com'
    """
    text = _SECRET_TEXT.sub(lambda match: f"{match[1]}***" if match[1] else f"{match[2]}***@", text)
    return _ADDRESS.sub(r"***@\1", text)


def _without_secrets(key: str, value: Any) -> Any:
    if _SECRET_KEYS.search(key):
        return "***"
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {inner: _without_secrets(str(inner), each) for inner, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_without_secrets("", each) for each in value]
    return value


class OncePerMinute(logging.Filter):
    """Let a library log the same line once a minute.

    While Kafka is away, its client logs a line for each try, a hundred times a second; our own lines show
    when it went and when it came back. Lines are the same if their text before formatting is the same.

    Examples
    --------
    >>> import logging
    >>> def line(text, at, name="aiokafka.conn"):
    ...     record = logging.LogRecord(name, logging.WARNING, "", 0, text, (), None)
    ...     record.created = at
    ...     return record
    >>> quiet = OncePerMinute()
    >>> [quiet.filter(line("cannot connect", at)) for at in (0.0, 1.0, 61.0)]
    [True, False, True]
    >>> [quiet.filter(line("delivery_finished", at, "services.notifier")) for at in (0.0, 1.0)]
    [True, True]
    """

    _NOISY = ("aiokafka", "kafka", "faust", "mode", "httpx", "websockets", "asyncio")

    def __init__(self) -> None:
        super().__init__()
        self._said_at: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the line is to be shown."""
        if not record.name.startswith(self._NOISY):
            return True
        what = (record.name, str(record.msg)[:200])
        if record.created - self._said_at.get(what, -60.0) < 60:
            return False
        # Texts that already hold their values must not grow the memory without end.
        if len(self._said_at) >= 1_000:
            self._said_at.clear()
        self._said_at[what] = record.created
        return True


def configure_logs(service: str, *, level: str = "INFO", to: TextIO | None = None) -> None:
    """Set up structlog for this process; libraries' warnings come out the same way.

    Parameters
    ----------
    to
        Where they go; stdout where None.
    """
    stream = to or sys.stdout
    shared_steps: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        structlog.processors.format_exc_info,
        redact,
    ]
    is_terminal = stream.isatty()
    renderer: Any = structlog.dev.ConsoleRenderer() if is_terminal else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared_steps, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared_steps,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    handler.addFilter(OncePerMinute())
    root = logging.getLogger()
    root.handlers = [handler]
    # Libraries log from WARNING on: their INFO lines do not help an operator.
    root.setLevel(logging.WARNING)
    for name in ("services", "shared", "convex"):
        logging.getLogger(name).setLevel(level)
    structlog.contextvars.bind_contextvars(service=service)
