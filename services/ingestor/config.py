"""Everything an operator can change about the ingestor, with units in the names."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from services.ingestor.provider_settings import ProviderSettings
from shared.config import HealthSettings
from shared.files.reading_options import DateOrder, DecimalMark

# An instrument, and where its ticks come from: ``<venue>`` or ``<venue>:<symbol there>``, best first.
FeedLists = Annotated[dict[str, tuple[str, ...]], NoDecode]
BarsSource = Literal["yahoo", "tiingo", "alpaca", "massive", "twelvedata", "alpha_vantage", "stooq"]
Paths = Annotated[tuple[Path, ...], NoDecode]
# Part of an address: a provider's name, a colon, and the provider's name of the series.
MacroSeries = Annotated[
    tuple[Annotated[str, StringConstraints(pattern=r"^[a-z]+:[A-Za-z0-9_.-]{1,64}$")], ...], NoDecode
]

_FEED_LISTS_FORM: Final = 'write {"PAXG/USD.KRAKEN": ["kraken", "coinbase"]}'
_LONGEST_SHOWN: Final = 60


class IngestorSettings(ProviderSettings):
    """Where ticks and bars come from, and how much may wait for Kafka."""

    model_config = SettingsConfigDict(
        env_prefix="CONVEX_INGESTOR_", env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    feed: Literal["live", "replay", "simulated"] = Field(
        default="live", description="Live providers, recorded files, or a simulated market."
    )
    health: HealthSettings = Field(default_factory=HealthSettings, description="Probes and metrics.")

    queue_max_ticks: int = Field(
        default=200_000,
        ge=2_000,
        description="Ticks of a lead that may wait for Kafka; then the oldest quotes are dropped first.",
    )
    is_one_of_several: bool = Field(
        default=False,
        description="Several ingestors run: the one that holds the lease runs the feeds, and another takes "
        "over within ten seconds. False: this is the only one.",
    )
    status_interval_seconds: float = Field(
        default=0.8, gt=0, le=1, description="Time between two status records of an instrument."
    )
    flush_timeout_seconds: float = Field(
        default=10.0, gt=0, le=300, description="At a stop, how long to go on sending the records that wait."
    )

    replay_lead_files: Paths = Field(
        default=(), description="Daily or tick CSV of the lead: comma-separated paths or a JSON list."
    )
    replay_other_files: Paths = Field(
        default=(), description="Daily CSV of the other leg: comma-separated paths or a JSON list."
    )
    replay_start: date | None = Field(
        default=None, description="First session to replay; sessions before it are history."
    )
    replay_end: date | None = Field(default=None, description="Last session to replay.")
    replay_speed: float = Field(
        default=1.0, ge=0, description="Multiple of the recorded speed; 0 is as fast as possible."
    )
    replay_hold_open: bool = Field(
        default=True, description="After the end of the files, go on with status records instead of stopping."
    )

    replay_format: str | None = Field(
        default=None, description="Format of the files, as --format of convex backtest; found out otherwise."
    )
    replay_date_order: DateOrder | None = Field(
        default=None, description="dmy, mdy or ymd: the order of the date where no row of a file shows it."
    )
    replay_decimal: DecimalMark | None = Field(
        default=None, description="point or comma: the decimal mark where no row of a file shows it."
    )
    replay_timezone: str | None = Field(
        default=None, description="IANA name of the zone of times that are written without one."
    )
    replay_skip_bad_rows: bool = Field(
        default=False,
        description="Leave out single bad rows of the files and log how many, instead of stopping.",
    )

    simulated_seed: int = Field(default=1, ge=0, description="The same seed gives the same market.")
    simulated_speed: float = Field(
        default=900.0, gt=0, le=100_000, description="Simulated seconds per second while XNYS is open."
    )
    simulated_ticks_per_second: float = Field(
        default=100.0, gt=0, le=10_000, description="Quotes of the lead per second of wall time."
    )
    simulated_start: datetime = Field(
        default=datetime.fromisoformat("2025-03-12T13:30:00-04:00"),
        description="Simulated instant of the first tick; inside an XNYS session, with a time zone.",
    )

    feeds: FeedLists = Field(
        default={},
        description="Feeds of an instrument, best first, as JSON; an item is a venue or venue:symbol: "
        '{"PAXG/USD.KRAKEN": ["kraken", "coinbase"]}. Not set: the venue of the instrument.',
    )
    cross_checks: FeedLists = Field(
        default={},
        description="Feeds whose price is only compared, never used, as JSON: "
        '{"PAXG/USD.KRAKEN": ["swissquote:XAU/USD"]}.',
    )
    failover_after_seconds: float = Field(
        default=3.0, gt=0, le=60, description="A feed that is dead for this long is left for another."
    )
    return_after_seconds: float = Field(
        default=60.0,
        gt=0,
        le=3_600,
        description="A preferred feed that has lived for this long is taken from again; twice that after "
        "each return that fails.",
    )
    ack_timeout_seconds: float = Field(
        default=5.0, gt=0, description="No acknowledgement of a subscription for this long: reconnect."
    )
    first_data_timeout_seconds: float = Field(
        default=15.0, gt=0, description="No data for this long after the acknowledgement: reconnect."
    )
    idle_timeout_seconds: float = Field(
        default=10.0, gt=0, description="No frame of any kind for this long: reconnect."
    )
    stale_after_seconds: float = Field(
        default=120.0, gt=0, description="No tick for this long in an open market: the feed is STALE."
    )
    resubscribe_after_seconds: float = Field(
        default=300.0, gt=0, description="No tick for this long in an open market: reconnect."
    )
    allowed_lateness_seconds: float = Field(
        default=2.0, ge=0, description="How far the watermark is behind the clock."
    )
    reconnect_base_seconds: float = Field(
        default=1.0,
        gt=0,
        description="Upper limit of the first wait before a reconnect; doubles with each failure.",
    )
    reconnect_cap_seconds: float = Field(
        default=60.0, gt=0, description="Upper limit of any wait before a reconnect."
    )

    bars_source: BarsSource = Field(
        default="yahoo",
        description="Where daily bars come from: yahoo and stooq need no key, each other its own.",
    )
    bars_check_source: BarsSource | None = Field(
        default=None,
        description="A second source of daily bars that closes are compared with; none is asked by default.",
    )
    backfill_sessions: int = Field(
        default=600,
        ge=600,
        le=800,
        description="Sessions of history to fetch for each leg; signals keeps 800.",
    )
    request_timeout_seconds: float = Field(
        default=20.0, gt=0, le=120, description="Timeout of one HTTP request."
    )
    request_interval_seconds: float = Field(
        default=0.2, ge=0, le=10, description="Least time between two HTTP requests to one provider."
    )
    fill_interval_seconds: float = Field(
        default=1.0,
        ge=0,
        le=60,
        description="Least time between two requests to one venue for missed trades.",
    )

    record_file_megabytes: int = Field(
        default=64, ge=1, le=4_096, description="With --record: a file of this size is ended."
    )
    record_file_seconds: float = Field(
        default=3_600.0, gt=0, description="With --record: a file of this age is ended."
    )
    record_max_megabytes: int = Field(
        default=10_240,
        ge=2,
        description="With --record: all files together; then the oldest are deleted.",
    )

    macro_series: MacroSeries = Field(
        default=(),
        description="Macro series for macro.v1, comma-separated, such as fred:DFII10,cboe:VIX,"
        "coingecko:pax-gold; none when empty. Only with CONVEX_INGESTOR_FEED=live.",
    )
    macro_start: date = Field(
        default=date(2000, 1, 1), description="First date of macro observations that are fetched."
    )

    @field_validator("macro_series", mode="before")
    @classmethod
    def _split_series(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        names = json.loads(value) if value.lstrip().startswith("[") else value.split(",")
        return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))

    @field_validator("replay_lead_files", "replay_other_files", mode="before")
    @classmethod
    def _split_paths(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        if value.lstrip().startswith("["):
            return json.loads(value)
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("feeds", "cross_checks", mode="before")
    @classmethod
    def _read_feed_lists(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            lists = json.loads(value, object_pairs_hook=_without_repetition) if value.strip() else {}
        except json.JSONDecodeError as error:
            raise ValueError(
                f"is not JSON ({error.msg} at character {error.pos}); {_FEED_LISTS_FORM}"
            ) from None
        if not isinstance(lists, dict):
            said = f"is {_json(lists)}, not an object that names instruments; {_FEED_LISTS_FORM}"
            raise ValueError(said)  # noqa: TRY004 - pydantic takes no other
        for instrument, feeds in lists.items():
            mistake = _feed_list_problem(feeds)
            if mistake is not None:
                example = json.dumps({instrument: [feeds if isinstance(feeds, str) and feeds else "kraken"]})
                raise ValueError(f"{instrument} {mistake}; write {example}")
        return lists

    @field_validator("simulated_start")
    @classmethod
    def _has_zone(cls, value: datetime) -> datetime:
        if value.tzinfo is None:
            raise ValueError("needs a time zone, such as 2025-03-12T13:30:00-04:00")
        return value


def _feed_list_problem(feeds: object) -> str | None:
    """Return why a value is no list of feeds; None if it is one."""
    if not isinstance(feeds, list):
        return f"has {_json(feeds)}, which is no list of feeds"
    wrong = next((each for each in feeds if not isinstance(each, str) or not each.strip()), None)
    return f"lists {_json(wrong)}, which is no feed" if wrong is not None else None


def _json(value: object) -> str:
    """Return a value as it was written, cut to a length that an error can show."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


def _without_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
    names = [name for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"names {twice} twice")
    return dict(pairs)
