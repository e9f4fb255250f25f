"""What a provider of bars says is shown without keys: in the log, to the operator, and in dead letters."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from services.ingestor.core.daily_rows import PulledRows
from services.ingestor.feeds.daily_bars.asking import Asking
from services.ingestor.feeds.transport.secrets import Redactor
from services.ingestor.metrics import IngestorMetrics
from shared.clock import SystemClock
from shared.errors import FeedUnavailable


class _Echo:
    """Repeats the key in capitals: first as an error, then in a row that cannot be read."""

    name = "made_up"
    is_split_adjusted = True

    def __init__(self) -> None:
        self.asked = 0

    async def rows(self, sessions: Sequence[str]) -> PulledRows:
        self.asked += 1
        if self.asked == 1:
            raise FeedUnavailable("made_up: bad key ZX9KEY/SECRET and zx9key%2Fsecret", reason="refused")
        return PulledRows(unreadable=("row of ZX9KEY/SECRET",))


async def test_key_that_a_provider_repeats_is_nowhere() -> None:
    asking = Asking(
        _Echo(),
        instrument="IWM.ARCX",
        uniform=lambda: 0.0,
        metrics=IngestorMetrics(
            CollectorRegistry(), feeds=("made_up",), instruments=("IWM.ARCX",), streams={}
        ),
        clock=SystemClock(),
        redactor=Redactor(["Zx9Key/Secret"]),
    )
    with capture_logs() as logs:
        assert await asking.once(["2026-03-10"]) is None
    words = "made_up: bad key [key removed] and [key removed]"
    assert [each["error"] for each in logs] == [words]
    assert asking.problem() == f"made_up gives no daily bars of IWM.ARCX: {words}"
    answer = await asking.until_answered(["2026-03-10"])
    assert answer.unreadable == ("row of [key removed]",)
