"""Kill -9 in the middle of everything, on Apache Kafka: the same identities as an undisturbed run."""

import asyncio
from pathlib import Path

import pytest

from shared.contracts.records import DIVERGENCES
from tests.e2e.test_payrolls import _RULES
from tests.support.backtesting import backtest
from tests.support.receivers import Answer, WebhookReceiver
from tests.support.recordings import cut_daily, cut_ticks
from tests.support.system import System, running_system

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.chaos]


@pytest.fixture
def recording(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Return ticks, gold and IWM of the payrolls hours."""
    ticks = cut_ticks(tmp_path, begin="2014-05-02T12:00", end="2014-05-02T14:00")
    # No bar after the ticks: at a multiple of the recorded speed the night would take minutes.
    return (
        ticks,
        cut_daily(tmp_path, "gold", last="2014-05-01"),
        cut_daily(tmp_path, "iwm", last="2014-05-01"),
    )


def _undisturbed(folder: Path, recording: tuple[Path, Path, Path]) -> list[bytes]:
    ticks, gold, iwm = recording
    (folder / "backtest.toml").write_text(_RULES)
    arguments = ("--gold", gold, "--gold", ticks, "--iwm", iwm, "--rules", folder / "backtest.toml")
    return backtest(folder, *arguments)[1]


async def _until_all_delivered(system: System, count: int) -> None:
    await system.until(
        lambda: len(system.webhook_ids()) >= count and len(system.message_ids()) >= count,
        what=f"all {count} events delivered both ways",
        timeout_seconds=120,
    )
    # What would come twice under another identity comes now.
    await asyncio.sleep(2)


async def _message_ids(
    bootstrap: str, folder: Path, recording: tuple[Path, Path, Path], count: int
) -> set[str]:
    ticks, gold, iwm = recording
    async with running_system(
        bootstrap, folder, lead_files=(gold, ticks), other_files=(iwm,), rules=_RULES
    ) as system:
        await _until_all_delivered(system, count)
        return system.message_ids()


async def test_killing_signals_in_mid_replay_changes_no_identity(
    fresh_kafka: str, embedded_broker: str, tmp_path: Path, recording: tuple[Path, Path, Path]
) -> None:
    expected = _undisturbed(tmp_path, recording)
    (tmp_path / "undisturbed").mkdir()
    message_ids = await _message_ids(embedded_broker, tmp_path / "undisturbed", recording, len(expected))
    ticks, gold, iwm = recording
    # Two hours in half a minute: the kills land between first and last event.
    async with running_system(
        fresh_kafka, tmp_path, lead_files=(gold, ticks), other_files=(iwm,), rules=_RULES, speed=240
    ) as system:
        for seen in (1, 3, 4):
            await system.until(lambda seen=seen: len(system.events()) >= seen, what=f"event {seen}")  # type: ignore[misc]  # bound now
            await system.processes.kill("signals")
            await system.processes.start("signals")
        await _until_all_delivered(system, len(expected))
        assert system.events() == expected
        ids = {DIVERGENCES.decode(value).event_id for value in expected}
        assert system.webhook_ids() == ids
        assert system.message_ids() == message_ids
        assert len(message_ids) == len(expected)


async def test_killing_the_notifier_between_store_and_send_changes_no_identity(
    fresh_kafka: str, embedded_broker: str, tmp_path: Path, recording: tuple[Path, Path, Path]
) -> None:
    expected = _undisturbed(tmp_path, recording)
    (tmp_path / "undisturbed").mkdir()
    message_ids = await _message_ids(embedded_broker, tmp_path / "undisturbed", recording, len(expected))
    ticks, gold, iwm = recording
    # The first webhook gets no answer: its event is stored and committed, its delivery is not recorded.
    receiver = WebhookReceiver(Answer(wait_seconds=8, is_cut=True))
    async with running_system(
        fresh_kafka, tmp_path, lead_files=(gold, ticks), other_files=(iwm,), rules=_RULES, webhooks=receiver
    ) as system:
        await system.until(lambda: len(receiver.requests) >= 1, what="a webhook under way")
        await system.processes.kill("notifier")
        await system.processes.start("notifier")
        await _until_all_delivered(system, len(expected))
        assert system.webhook_ids() == {DIVERGENCES.decode(value).event_id for value in expected}
        assert system.message_ids() == message_ids
        bodies: dict[str, set[bytes]] = {}
        for request in receiver.requests:
            bodies.setdefault(request.headers["webhook-id"], set()).add(request.body)
        assert all(len(each) == 1 for each in bodies.values()), "a repeat has the same bytes"
