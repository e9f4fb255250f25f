"""Build the feeds that the settings ask for."""

from contextlib import AsyncExitStack

from services.ingestor.config import IngestorSettings
from services.ingestor.core.simulation.market import Scenario
from services.ingestor.feeds.ports import Feed
from services.ingestor.feeds.replay.feed import ReplayFeed
from services.ingestor.feeds.simulated.feed import SimulatedFeed
from services.ingestor.live_wiring import live_feeds
from services.ingestor.metrics import IngestorMetrics
from shared.calendars import xnys_calendar
from shared.clock import Clock
from shared.config import KafkaSettings
from shared.domain.instants import to_ns
from shared.domain.pairs import Pair
from shared.errors import ConfigError
from shared.files.timeline import Recording


def feed_names(settings: IngestorSettings) -> tuple[str, ...]:
    """Return the names of the feeds that these settings start; the labels of the metrics."""
    if settings.feed == "live":
        return tuple(dict.fromkeys((settings.gold_feed, "coinbase", settings.bars_source)))
    return (settings.feed,)


async def make_feeds(
    settings: IngestorSettings,
    kafka: KafkaSettings,
    pairs: tuple[Pair, ...],
    *,
    metrics: IngestorMetrics,
    clock: Clock,
    stack: AsyncExitStack,
) -> list[Feed]:
    """Return the feeds, not yet running.

    Raises
    ------
    ConfigError
        If settings and pairs do not fit each other.
    """
    if settings.feed != "live":
        # There is nothing that could be cut off: an alert on a lost connection must not ring.
        metrics.feed_connected.labels(settings.feed).set(1)
    match settings.feed:
        case "replay":
            return [_replay(settings, pairs, clock)]
        case "simulated":
            return [_simulated(settings, pairs, clock)]
        case "live":
            return await live_feeds(settings, kafka, pairs, metrics=metrics, clock=clock, stack=stack)


def _replay(settings: IngestorSettings, pairs: tuple[Pair, ...], clock: Clock) -> ReplayFeed:
    if not settings.replay_lead_files or not settings.replay_other_files:
        raise ConfigError(
            "CONVEX_INGESTOR_REPLAY_LEAD_FILES and CONVEX_INGESTOR_REPLAY_OTHER_FILES must each name a file"
        )
    recording = Recording(
        lead_files=settings.replay_lead_files,
        other_files=settings.replay_other_files,
        start=settings.replay_start,
        end=settings.replay_end,
    )
    return ReplayFeed(
        recording,
        pair=_only_pair(pairs, settings.feed),
        calendar=xnys_calendar(),
        speed=settings.replay_speed,
        is_held_open=settings.replay_hold_open,
        clock=clock,
    )


def _simulated(settings: IngestorSettings, pairs: tuple[Pair, ...], clock: Clock) -> SimulatedFeed:
    pair = _only_pair(pairs, settings.feed)
    if not pair.is_simulated:
        # Made-up prices must never be shown as if they were a market's.
        raise ConfigError(
            f"pair {pair.name} is not marked is_simulated; set CONVEX_PAIRS to simulated or take another feed"
        )
    scenario = Scenario(
        pair=pair,
        seed=settings.simulated_seed,
        start_ns=to_ns(settings.simulated_start),
        speed=settings.simulated_speed,
        ticks_per_second=settings.simulated_ticks_per_second,
    )
    return SimulatedFeed(scenario, calendar=xnys_calendar(), clock=clock)


def _only_pair(pairs: tuple[Pair, ...], feed: str) -> Pair:
    if len(pairs) != 1:
        raise ConfigError(f"the {feed} feed plays exactly one pair, CONVEX_PAIRS has {len(pairs)}")
    return pairs[0]
