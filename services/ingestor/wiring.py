"""Build the feeds that the settings ask for."""

from collections.abc import Mapping
from contextlib import AsyncExitStack

from services.ingestor.config import IngestorSettings
from services.ingestor.core.venues import streaming_feed
from services.ingestor.feeds.ports import Feed
from services.ingestor.feeds.replay.feed import ReplayFeed
from services.ingestor.feeds.simulated.feed import SimulatedFeed
from services.ingestor.feeds.simulated.scenario import Scenario, ticks_of
from services.ingestor.live_feeds import live_feeds
from services.ingestor.metrics import IngestorMetrics
from shared.calendars import xnys_calendar
from shared.clock import Clock
from shared.config import KafkaSettings
from shared.domain.instants import to_ns
from shared.domain.pairs import Pair, routes_of
from shared.errors import ConfigError
from shared.files.timeline import Recording


def streams_of(settings: IngestorSettings, pairs: tuple[Pair, ...]) -> dict[str, str]:
    """Return the feed of each instrument that ticks."""
    match settings.feed:
        case "live":
            found = {instrument: streaming_feed(instrument) for instrument in routes_of(pairs)}
            return {instrument: feed for instrument, feed in found.items() if feed is not None}
        case "simulated":
            return dict.fromkeys(ticks_of(pairs), settings.feed)
        case "replay":
            return {pair.lead: settings.feed for pair in pairs}


def feed_names(settings: IngestorSettings, streams: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the feeds that are started; the labels of the metrics."""
    if settings.feed == "live":
        return tuple(dict.fromkeys((*streams.values(), "coinbase", settings.bars_source)))
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
        for instrument, feed in streams_of(settings, pairs).items():
            metrics.feed_connected.labels(feed, instrument).set(1)
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
        pair=_only_pair(pairs),
        calendar=xnys_calendar(),
        speed=settings.replay_speed,
        is_held_open=settings.replay_hold_open,
        clock=clock,
    )


def _simulated(settings: IngestorSettings, pairs: tuple[Pair, ...], clock: Clock) -> SimulatedFeed:
    for pair in pairs:
        if not pair.is_simulated:
            # Made-up prices must never be shown as if they were a market's.
            raise ConfigError(
                f"pair {pair.name} is not marked is_simulated; set CONVEX_PAIRS to simulated "
                "or take another feed"
            )
    leads = dict.fromkeys(pair.lead for pair in pairs)
    if len(leads) != 1:
        raise ConfigError(
            f"the simulated feed plays pairs of one lead, CONVEX_PAIRS has {len(leads)}: {', '.join(leads)}"
        )
    scenario = Scenario(
        pairs=pairs,
        seed=settings.simulated_seed,
        start_ns=to_ns(settings.simulated_start),
        speed=settings.simulated_speed,
        ticks_per_second=settings.simulated_ticks_per_second,
    )
    return SimulatedFeed(scenario, calendar=xnys_calendar(), clock=clock)


def _only_pair(pairs: tuple[Pair, ...]) -> Pair:
    if len(pairs) != 1:
        raise ConfigError(
            f"the replay feed plays exactly one pair, CONVEX_PAIRS has {len(pairs)}; "
            "the files name no instrument, so nothing could tell which leg of which pair they are of"
        )
    return pairs[0]
