"""Two real hours around the payrolls release of 2014-05-02, from files to webhooks and mails."""

from pathlib import Path

import orjson
import pytest
from standardwebhooks.webhooks import Webhook

from tests.support.backtesting import backtest
from tests.support.recordings import cut_daily, cut_ticks
from tests.support.system import SECRET, running_system

# Levels that gold crosses that day: the likely z of the next close stood at 0.41, rose to 0.43, fell below
# 0.2 within seconds of 12:30 UTC, and came back to 0.4.
_RULES = """
[ratio_stretch]
leave = 0.2
warning = 0.36
critical = 0.42
hold_seconds = 60
cooldown_sessions = 0
"""


@pytest.mark.slow
async def test_events_of_the_live_services_equal_the_backtest_byte_for_byte(
    any_broker: str, tmp_path: Path
) -> None:
    ticks = cut_ticks(tmp_path, begin="2014-05-02T12:00", end="2014-05-02T14:00")
    gold, iwm = (cut_daily(tmp_path, leg, last="2014-05-02") for leg in ("gold", "iwm"))
    (tmp_path / "backtest.toml").write_text(_RULES)
    _, expected = backtest(
        tmp_path, "--gold", gold, "--gold", ticks, "--iwm", iwm, "--rules", tmp_path / "backtest.toml"
    )
    transitions = [orjson.loads(line)["type"] for line in expected]
    assert transitions.count("open") >= 2, "the move must open divergences"
    assert "closed" in transitions, "the fall at 12:30 must close one"

    async with running_system(
        any_broker, tmp_path, lead_files=(gold, ticks), other_files=(iwm,), rules=_RULES
    ) as system:
        await system.until(
            lambda: len(system.webhook_ids()) >= len(expected) and len(system.message_ids()) >= len(expected),
            what=f"all {len(expected)} events delivered both ways",
        )
        assert system.events() == expected

        verifier = Webhook(SECRET)
        bodies = []
        for request in system.webhooks.requests:
            verifier.verify(request.body, request.headers)
            bodies.append(request.body)
        assert sorted(bodies) == sorted(expected), "each once, with the log's bytes"
        assert _by_divergence(bodies) == _by_divergence(expected), "in the order of the log per divergence"

        fall = next(line for line in map(orjson.loads, expected) if line["type"] == "closed")
        assert fall["occurred_at"].startswith("2014-05-02T12:30:0"), "closed within seconds of the release"
        for mail in system.mails.mails:
            assert mail.recipients == ("ann@example.com",)
            parts = {part.get_content_type() for part in mail.message.walk()}
            assert {"text/plain", "text/html"} <= parts
        texts = [mail.message.get_body(("plain",)) for mail in system.mails.mails]
        assert all(text is not None and "IWM" in text.get_content() for text in texts)


def _by_divergence(values: list[bytes]) -> dict[str, list[int]]:
    sequences: dict[str, list[int]] = {}
    for event in map(orjson.loads, values):
        sequences.setdefault(event["divergence_id"], []).append(event["sequence"])
    return sequences
