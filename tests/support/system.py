"""The whole system in processes of its own, on a given broker, with real receivers, and what it published."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from convex.demo.processes import Processes
from shared.config import KafkaSettings
from shared.contracts.records import DIVERGENCES
from shared.kafka.clients import make_reader
from shared.kafka.topics import DIVERGENCES as DIVERGENCES_TOPIC
from tests.support.receivers import MailSink, WebhookReceiver

SECRET = "whsec_dGVzdC1zZWNyZXQtb2YtdGhlLWVuZC10by1lbmQtdGVzdHM="
MAIL_RECEIVER = "ann@example.com"


@dataclass(slots=True)
class System:
    """A running system.

    Parameters
    ----------
    published
        Values of ``divergences.v1`` in the order of the log, repeats included.
    """

    processes: Processes
    webhooks: WebhookReceiver
    mails: MailSink
    published: list[bytes] = field(default_factory=list)

    def events(self) -> list[bytes]:
        """Return the published values, each identity once, at its first place."""
        first: dict[str, bytes] = {}
        for value in self.published:
            first.setdefault(DIVERGENCES.decode(value).event_id, value)
        return list(first.values())

    def webhook_ids(self) -> set[str]:
        """Return the identities of the webhooks that arrived."""
        return set(self.webhooks.ids)

    def message_ids(self) -> set[str]:
        """Return the identities of the mails that arrived."""
        return {str(mail.message["Message-ID"]) for mail in self.mails.mails}

    async def until(self, is_done: Callable[[], bool], *, what: str, timeout_seconds: float = 90.0) -> None:
        """Wait for something to become true.

        Raises
        ------
        AssertionError
            If it does not in time, with the end of each log.
        """
        try:
            async with asyncio.timeout(timeout_seconds):
                while not is_done():  # noqa: ASYNC110 - what is waited for has no event
                    await asyncio.sleep(0.05)
        except TimeoutError:
            tails = "\n".join(f"-- {name}\n{self.processes.tail(name)}" for name in self.processes.names)
            raise AssertionError(
                f"{what} not seen within {timeout_seconds} s: {len(self.events())} events, "
                f"{len(self.webhook_ids())} webhooks, {len(self.message_ids())} mails\n{tails}"
            ) from None


@asynccontextmanager
async def running_system(
    bootstrap: str,
    folder: Path,
    *,
    lead_files: tuple[Path, ...],
    other_files: tuple[Path, ...],
    rules: str = "",
    start: str | None = None,
    end: str | None = None,
    speed: float = 0.0,
    services: tuple[str, ...] = ("notifier", "signals", "ingestor"),
    webhooks: WebhookReceiver | None = None,
    **environ: str,
) -> AsyncIterator[System]:
    """Run the services on recorded files and read along what they publish.

    Parameters
    ----------
    rules
        Content of the rules file.
    speed
        Multiple of the recorded speed, 0 as fast as possible.
    """
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(webhooks or WebhookReceiver())
        mails = await stack.enter_async_context(MailSink())
        (folder / "rules.toml").write_text(rules)
        (folder / "subscriptions.toml").write_text(
            f"""
[[subscription]]
name = "desk"
channel = "webhook"
url = "{receiver.url}"
secret_env = "TEST_WEBHOOK_SECRET"

[[subscription]]
name = "ann"
channel = "email"
address = "{MAIL_RECEIVER}"
"""
        )
        settings = {
            "CONVEX_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "CONVEX_KAFKA_FETCH_MAX_WAIT_MS": "10",
            # The broker may be shared, and a worker that stopped stays in its group for a while.
            "CONVEX_SIGNALS_GROUP": f"signals-{uuid4()}",
            "CONVEX_NOTIFIER_GROUP": f"notifier-{uuid4()}",
            "CONVEX_PAIRS": "replay",
            "CONVEX_INGESTOR_FEED": "replay",
            "CONVEX_INGESTOR_REPLAY_LEAD_FILES": ",".join(map(str, lead_files)),
            "CONVEX_INGESTOR_REPLAY_OTHER_FILES": ",".join(map(str, other_files)),
            "CONVEX_INGESTOR_REPLAY_SPEED": repr(speed),
            "CONVEX_SIGNALS_RULES_FILE": str(folder / "rules.toml"),
            "CONVEX_SIGNALS_SESSION_TIMEOUT_SECONDS": "6",
            "CONVEX_NOTIFIER_TIME_BASE": "replay",
            "CONVEX_NOTIFIER_DATABASE_URL": f"sqlite:///{folder}/notifier.db",
            "CONVEX_NOTIFIER_SUBSCRIPTIONS_FILE": str(folder / "subscriptions.toml"),
            "CONVEX_NOTIFIER_SMTP__HOST": "127.0.0.1",
            "CONVEX_NOTIFIER_SMTP__PORT": str(mails.port),
            "CONVEX_NOTIFIER_SMTP__SECURITY": "none",
            "CONVEX_NOTIFIER_RETRY_DELAYS_SECONDS": "0.5,1,1,1,1,1,1,1,1",
            "CONVEX_NOTIFIER_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
            "TEST_WEBHOOK_SECRET": SECRET,
            **({"CONVEX_INGESTOR_REPLAY_START": start} if start else {}),
            **({"CONVEX_INGESTOR_REPLAY_END": end} if end else {}),
            **environ,
        }
        system = System(processes=Processes(settings, folder), webhooks=receiver, mails=mails)
        reading = asyncio.create_task(_read(bootstrap, system.published))
        try:
            await system.processes.start(*services)
            yield system
        finally:
            reading.cancel()
            await asyncio.wait({reading})
            await system.processes.stop()


async def _read(bootstrap: str, published: list[bytes]) -> None:
    settings = KafkaSettings(bootstrap_servers=bootstrap, fetch_max_wait_ms=10)
    reader = make_reader(settings, client_id="test-reader")
    reader.subscribe([DIVERGENCES_TOPIC.name])
    await reader.start()
    try:
        while True:
            for records in (await reader.getmany(timeout_ms=100)).values():
                published.extend(record.value for record in records)
    finally:
        await reader.stop()
