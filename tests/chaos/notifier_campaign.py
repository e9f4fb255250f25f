"""Kill notifiers at random instants while everything around them fails, and check what they did.

Usage: python -m tests.chaos.notifier_campaign [--scene NAME] [--kills 200] [--seed 1] [--kafka]

====================== ===============================================================
scene                  what it is
====================== ===============================================================
sqlite                 one notifier on SQLite
postgres               two notifiers of one group on PostgreSQL, each killed for itself
full-disk              one notifier on SQLite, whose disk is full at times
cut-connections        two notifiers on PostgreSQL, which loses their connections and restarts
====================== ===============================================================

Receivers answer at random well, with an error, not at all or by a reset; the mail server as well, and it
loses the connection after the dot. In the end everybody is well, and the notifiers finish what is left.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final
from uuid import uuid4

from convex.demo.broker import EmbeddedBroker
from shared.config import KafkaSettings
from shared.kafka.admin import create_topics
from tests.chaos.audit_reader import reading_outcomes
from tests.chaos.event_stream import EventStream
from tests.chaos.notifier_oracle import Facts, faults_of, numbers_of
from tests.chaos.notifier_process import NotifierRun, start_notifier
from tests.chaos.notifier_store import read_store, wait_until_settled
from tests.chaos.random_receivers import RandomReceivers
from tests.chaos.store_troubles import cut_connections, fill_and_free, small_disk
from tests.integration.notifier.conftest import email, webhook, write_subscriptions
from tests.support.kafka_broker import KafkaBroker
from tests.support.mock_cluster import answer_joins_at_once
from tests.support.postgres import PostgresCluster, find_programs

_SUBSCRIPTIONS: Final = frozenset({"desk", "robot", "critical", "ann", "bob"})
_STUCK_SECONDS: Final = 60.0
# The others are killed at any moment of their start.
_KILLED_WHILE_WORKING: Final = 0.8
_STARTED_SECONDS: Final = 10.0
# Short waits, so that much happens between two kills.
_SETTINGS: Final = {
    "retry_delays_seconds": "0.05,0.2,0.5",
    "request_timeout_seconds": 1.0,
    "probe_min_seconds": 0.1,
    "probe_max_seconds": 0.5,
    "smtp": {"timeout_seconds": 1.0, "data_timeout_seconds": 1.0},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """What to do.

    Parameters
    ----------
    trouble
        Runs beside the notifiers until it is cancelled.
    longest_seconds
        Most seconds that a notifier works until it is killed.
    session_seconds
        After this long the group goes on without a member that was killed.
    """

    bootstrap: str
    folder: Path
    database_url: str
    notifiers: int
    kills: int
    seed: int
    trouble: Callable[[Random], Coroutine[None, None, None]] | None = None
    longest_seconds: float = 1.0
    session_seconds: float = 1.0
    events_per_second: float = 5.0
    overlaps_are_faults: bool = True
    own_ends_are_faults: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of a campaign."""

    numbers: dict[str, int]
    faults: list[str]


class _Killer:
    """Keep notifiers running and kill them."""

    def __init__(self, campaign: Campaign, run: NotifierRun, draw: Random) -> None:
        self._campaign = campaign
        self._run = run
        self._draw = draw
        self.kills = 0
        self.own_ends: list[int] = []

    async def kill_until_enough(self) -> None:
        """Start a notifier and kill it, again and again."""
        while self.kills < self._campaign.kills:
            started = start_notifier(self._run)
            process = started.process
            if self._draw.random() < _KILLED_WHILE_WORKING:
                await asyncio.to_thread(started.works.wait, _STARTED_SECONDS)
            seconds = self._draw.uniform(0.0, self._campaign.longest_seconds)
            await asyncio.to_thread(process.join, seconds)
            if process.exitcode is None:
                process.kill()
                self.kills += 1
            else:
                self.own_ends.append(process.exitcode)
            await asyncio.to_thread(process.join)

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Run a notifier for the time of a block and let it stop in order."""
        # Kept: what the process is given must exist until it has started.
        started = start_notifier(self._run)
        process = started.process
        try:
            yield
        finally:
            if process.exitcode is None:
                process.terminate()
            await asyncio.to_thread(process.join, 60)
            if process.exitcode != 0:
                self.own_ends.append(process.exitcode if process.exitcode is not None else -signal.SIGTERM)
                process.kill()


async def run_campaign(campaign: Campaign) -> Report:
    """Run a campaign and check it."""
    draw = Random(campaign.seed)
    stop_publishing = asyncio.Event()
    began = time.monotonic()
    async with RandomReceivers(Random(draw.random())) as receivers, contextlib.AsyncExitStack() as stack:
        write_subscriptions(
            campaign.folder,
            webhook("desk", receivers.url("desk")),
            webhook("robot", receivers.url("robot")),
            webhook("critical", receivers.url("critical"), 'min_severity = "critical"'),
            email("ann", "ann@example.com"),
            email("bob", "bob@example.com"),
        )
        stream = EventStream(
            campaign.bootstrap, Random(draw.random()), events_per_second=campaign.events_per_second
        )
        run = NotifierRun(
            bootstrap=campaign.bootstrap,
            folder=campaign.folder,
            database_url=campaign.database_url,
            group=f"campaign-{uuid4()}",
            mail_port=receivers.mail_port,
            session_seconds=campaign.session_seconds,
            settings=dict(_SETTINGS),
        )
        outcomes = await stack.enter_async_context(reading_outcomes(campaign.bootstrap))
        killer = _Killer(campaign, run, Random(draw.random()))
        publishing = asyncio.create_task(stream.run(stop_publishing))
        trouble = asyncio.create_task(campaign.trouble(Random(draw.random()))) if campaign.trouble else None
        await asyncio.gather(*(killer.kill_until_enough() for _ in range(campaign.notifiers)))
        stop_publishing.set()
        await publishing
        if trouble is not None:
            trouble.cancel()
            await asyncio.gather(trouble, return_exceptions=True)
        receivers.is_well = True
        async with contextlib.AsyncExitStack() as last:
            for _ in range(campaign.notifiers):
                await last.enter_async_context(killer.one())
            faults = await _settled(campaign, len(stream.published))
        # What has been published is read within moments.
        await asyncio.sleep(1.0)
    facts = Facts(
        published=stream.published,
        subscriptions=_SUBSCRIPTIONS,
        store=read_store(campaign.database_url),
        outcomes=outcomes,
        calls=receivers.calls,
        mails=receivers.mails,
        overlaps_are_faults=campaign.overlaps_are_faults,
    )
    numbers = {
        "kills": killer.kills,
        "own_ends": len(killer.own_ends),
        "seconds": round(time.monotonic() - began),
    }
    return Report(
        numbers=numbers | numbers_of(facts), faults=faults + faults_of(facts) + _ends(campaign, killer)
    )


async def _settled(campaign: Campaign, events: int) -> list[str]:
    try:
        await wait_until_settled(campaign.database_url, events=events, stuck_seconds=_STUCK_SECONDS)
    except TimeoutError as error:
        return [str(error)]
    return []


def _ends(campaign: Campaign, killer: _Killer) -> list[str]:
    if killer.own_ends and campaign.own_ends_are_faults:
        return [f"notifiers ended by themselves: {killer.own_ends}"]
    return []


@contextlib.asynccontextmanager
async def broker_of(folder: Path, *, is_apache: bool) -> AsyncIterator[str]:
    """Run a broker with every topic for the time of a block."""
    if is_apache:
        # By default a group may not go on without a member in less than six seconds.
        broker = KafkaBroker(folder / "kafka", settings={"group.min.session.timeout.ms": "500"})
        await asyncio.to_thread(broker.start)
        try:
            await create_topics(KafkaSettings(bootstrap_servers=broker.bootstrap, partitions=4))
            yield broker.bootstrap
        finally:
            await asyncio.to_thread(broker.stop)
        return
    with EmbeddedBroker() as embedded:
        answer_joins_at_once(embedded._producer)
        yield embedded.bootstrap_servers


@contextlib.contextmanager
def _cluster(folder: Path) -> Iterator[PostgresCluster]:
    programs = find_programs()
    if programs is None:
        raise SystemExit("needs PostgreSQL: install the Debian package postgresql")
    cluster = PostgresCluster(programs, folder / "postgres")
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop(mode="immediate")


async def _run_scene(
    scene: str, *, kills: int, seed: int, is_apache: bool, folder: Path, rate: float
) -> Report:
    async with broker_of(folder, is_apache=is_apache) as bootstrap:
        with contextlib.ExitStack() as stack:
            if scene in ("sqlite", "full-disk"):
                disk = folder / "disk"
                disk.mkdir()
                if scene == "full-disk":
                    stack.enter_context(small_disk(disk))
                return await run_campaign(
                    Campaign(
                        bootstrap=bootstrap,
                        folder=folder,
                        database_url=f"sqlite:///{disk}/notifier.db",
                        notifiers=1,
                        kills=kills,
                        seed=seed,
                        trouble=(lambda draw: fill_and_free(disk, draw)) if scene == "full-disk" else None,
                        longest_seconds=10.0 if scene == "full-disk" else 1.0,
                        # One that starts while its disk is full says so and ends.
                        own_ends_are_faults=scene == "sqlite",
                        events_per_second=rate,
                    )
                )
            cluster = stack.enter_context(_cluster(folder))
            cuts = scene == "cut-connections"
            return await run_campaign(
                Campaign(
                    bootstrap=bootstrap,
                    folder=folder,
                    database_url=cluster.url("postgres"),
                    notifiers=2,
                    kills=kills,
                    seed=seed,
                    trouble=(lambda draw: cut_connections(cluster, draw)) if cuts else None,
                    longest_seconds=20.0 if cuts else 2.0,
                    events_per_second=rate,
                    # A notifier that lost its connection counts as ended, while its request is under way.
                    overlaps_are_faults=not cuts,
                    # The embedded broker cannot keep a group of two together; where the store cannot be
                    # reached at the start, a notifier ends.
                    own_ends_are_faults=is_apache and not cuts,
                )
            )


def main() -> int:
    """Run a campaign from the command line; print its numbers and faults."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    scenes = ("sqlite", "postgres", "full-disk", "cut-connections")
    parser.add_argument("--scene", choices=scenes, default="sqlite")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kafka", action="store_true", help="on Apache Kafka, not on the embedded broker")
    parser.add_argument("--rate", type=float, default=5.0, help="events per second")
    parser.add_argument("--keep", type=Path, help="keep stores and logs in this folder")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        # The server of PostgreSQL runs as another user, who must be able to enter.
        folder = arguments.keep or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="convex-chaos-"))
        )
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        report = asyncio.run(
            _run_scene(
                arguments.scene,
                kills=arguments.kills,
                seed=arguments.seed,
                is_apache=arguments.kafka,
                folder=folder,
                rate=arguments.rate,
            )
        )
    sys.stdout.write(json.dumps({"scene": arguments.scene, "seed": arguments.seed} | report.numbers) + "\n")
    for fault in report.faults[:50]:
        sys.stdout.write(f"{fault}\n")
    sys.stdout.write(f"{len(report.faults)} faults\n")
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
