"""What followed past openings, from the topic to the page and to the API."""

import math

from shared.domain.divergences import Direction, Estimate, Kind
from shared.domain.snapshots import OutcomeSummary
from tests.support.running_dashboard import EmbeddedTopics, running_dashboard
from tests.support.snapshot_builder import snapshot

NONE = Estimate(value=None)
OUTCOMES = (
    OutcomeSummary(
        kind=Kind.HEDGE_LOST,
        direction=Direction.RISK_OFF,
        horizon_sessions=1,
        count=8,
        hits=6,
        hit_rate=Estimate(value=0.75, low=0.4093, high=0.9285),
        lead=Estimate(value=math.log(0.99), low=math.log(0.96), high=math.log(1.012)),
        other=Estimate(value=math.log(0.973), low=math.log(0.95), high=math.log(1.01)),
        ratio=Estimate(value=math.log(1.017)),
        usual_rate=0.5414,
    ),
    OutcomeSummary(
        kind=Kind.HEDGE_LOST,
        direction=Direction.RISK_OFF,
        horizon_sessions=20,
        count=0,
        hits=0,
        hit_rate=NONE,
        lead=NONE,
        other=NONE,
        ratio=NONE,
    ),
)


async def test_what_followed_is_on_the_page_and_in_the_api() -> None:
    topics = EmbeddedTopics()
    topics.publish(snapshot(outcomes=OUTCOMES))
    async with running_dashboard(topics.kafka) as dashboard:
        page = await dashboard.page_with("What followed", "Gold no longer hedges IWM")
        for text in (
            "6 of 8",
            "41% to 93%",
            "54%",
            "−2.7%",
            "−5.0% to +1.0%",
            "No opening is 20 sessions old yet.",
        ):
            assert text in page, text
        assert 'title="An interval needs six episodes."' in page

        told = (await dashboard.client.get("/api/v1/pairs/gold-iwm")).json()["snapshot"]["outcomes"]
        assert [(one["horizon_sessions"], one["hits"], one["count"]) for one in told] == [
            (1, 6, 8),
            (20, 0, 0),
        ]


async def test_a_page_without_outcomes_says_why() -> None:
    topics = EmbeddedTopics()
    topics.publish(snapshot(sessions_known=120))
    async with running_dashboard(topics.kafka) as dashboard:
        await dashboard.page_with("No divergence has opened in the 120 sessions that are kept")
