"""One JSON object per fact, and no secret in any of them."""

import json
import subprocess
import sys
from typing import Any

import pytest

from shared.logs import redact


def shown(**entry: Any) -> Any:
    return redact(None, "", dict(entry))


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "sasl_password",
        "api_key",
        "apiKey",
        "Authorization",
        "webhook_secret",
        "token",
        "signature",
    ],
)
def test_value_under_a_secret_name_is_blanked(key: str) -> None:
    assert shown(**{key: "hunter2"}) == {key: "***"}
    assert shown(**{key: ["hunter2"]}) == {key: "***"}


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("https://u:hunter2@host/x", "https://***@host/x"),
        ("https://host/x?token=hunter2&page=2", "https://host/x?token=***&page=2"),
        ("wss://host/?apiKey=hunter2", "wss://host/?apiKey=***"),
        ("GET /q?key=hunter2 failed", "GET /q?key=*** failed"),
        ("to ann.lee+x@mail.example.com now", "to ***@mail.example.com now"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_secret_in_a_text_is_blanked(text: str, redacted: str) -> None:
    assert shown(event=text) == {"event": redacted}


def test_nested_values_are_looked_into() -> None:
    """Would have caught: headers and lists of URLs were printed as they were."""
    entry = shown(
        headers={"Authorization": "Bearer hunter2", "Host": "h"},
        urls=["https://u:hunter2@host", ("https://host?token=hunter2",)],
        attempt=2,
    )

    assert entry == {
        "headers": {"Authorization": "***", "Host": "h"},
        "urls": ["https://***@host", ["https://host?token=***"]],
        "attempt": 2,
    }


PROGRAM = """
import logging, structlog
from shared.logs import configure_logs
configure_logs("sample", level="INFO")
log = structlog.get_logger("services.sample")
log.info("thing_done", url="https://u:hunter2@host", count=2)
log.debug("not_shown")
logging.getLogger("library").warning("lost %s", "https://u:hunter2@host")
logging.getLogger("library").info("chatter")
for logger in (log, logging.getLogger("library")):
    try:
        raise ValueError("https://u:hunter2@host")
    except ValueError:
        logger.exception("thing_failed")
"""


def test_every_line_of_a_process_is_json_without_secrets() -> None:
    out = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)

    lines = [json.loads(line) for line in out.stdout.splitlines()]

    assert [line["event"] for line in lines] == [
        "thing_done", "lost https://***@host", "thing_failed", "thing_failed",
    ]  # fmt: skip
    assert [line["level"] for line in lines] == ["info", "warning", "error", "error"]
    assert {line["service"] for line in lines} == {"sample"}
    assert lines[0]["url"] == "https://***@host"
    for failed in lines[2:]:
        assert "ValueError: https://***@host" in failed["exception"]
    assert "hunter2" not in out.stdout + out.stderr
