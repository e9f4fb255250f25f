"""Every kind of divergence, its marks and the faults, on the page and in the list of pairs."""

import html
import re
from dataclasses import replace

import pytest

from services.dashboard.view import PublishedEvent, PublishedSnapshot
from shared.contracts.records import DIVERGENCES, SIGNALS
from shared.domain.divergences import Confirmation, Direction, DivergenceEvent, Kind, Transition
from shared.domain.snapshots import LegFault, OpenDivergence, PairSnapshot, Trigger, TriggerAt
from tests.integration.dashboard.site import Site
from tests.support.builders_kinds import KINDS_AND_DIRECTIONS, divergence_of
from tests.support.snapshot_builder import PAIR, snapshot

SILVER = replace(
    PAIR, name="gold-silver", title="Gold vs silver", other="XAG/USD.REPLAY", other_title="Silver"
)
FAULT = LegFault(instrument="IWM.REPLAY", causes=("missing_bar",), since="2020-03-18T00:15:00.000000Z")


def show(site: Site, one: PairSnapshot, *events: DivergenceEvent) -> None:
    value = SIGNALS.encode(one)
    site.view.show(one.pair, PublishedSnapshot(snapshot=one, value=value, published_ms=1_584_561_600_000))
    for event in events:
        site.view.add(PublishedEvent(event=event, value=DIVERGENCES.encode(event)))


def listed(event: DivergenceEvent) -> OpenDivergence:
    return OpenDivergence(
        divergence_id=event.divergence_id,
        kind=event.kind,
        direction=event.direction,
        severity=event.severity,
        confirmation=event.confirmation,
        opened_at=event.opened_at,
        is_inhibited=True,
        is_flapping=True,
    )


async def text_at(site: Site, path: str) -> str:
    """Return what a person reads at an address."""
    async with site.visited() as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", "", answer.text)))


@pytest.mark.parametrize(("kind", "direction"), KINDS_AND_DIRECTIONS)
async def test_page_speaks_every_kind_and_direction(kind: Kind, direction: Direction) -> None:
    site = Site()
    event = divergence_of(kind, direction)
    show(site, snapshot(open=(listed(event),)), event)

    page = await text_at(site, PAIR.page)

    assert "inhibited" in page
    assert "It opens and closes so often that it is held open until it settles." in page
    assert not re.search(r"\bNone\b|risk_off|data_fault|hedge_lost", page)


async def test_lost_hedge_has_no_side_on_the_page() -> None:
    site = Site()
    show(site, snapshot(), divergence_of(Kind.HEDGE_LOST, Direction.RISK_OFF))

    page = await text_at(site, PAIR.page)

    assert "Gold no longer hedges IWM" in page
    assert "Hedge lost, risk" not in page


async def test_fault_stands_above_everything_with_its_cause_and_since_when() -> None:
    site = Site()
    show(site, snapshot(faults=(FAULT,)))

    page = await text_at(site, PAIR.page)

    assert (
        "The data of IWM cannot be trusted since 2020-03-18 00:15:00 UTC: a session has ended and its daily "
        "bar has not arrived. No new divergence is reported until this ends."
    ) in page


async def test_statistics_show_their_intervals_and_what_they_mean() -> None:
    site = Site()
    show(site, snapshot())

    page = await text_at(site, PAIR.page)

    for text in (
        "95%: −0.67 to +0.16, worth 18 sessions",
        "Does Gold hedge IWM?",
        "+0.47 95%: +0.19 to +0.75",
        "below 0.05: the prices are cointegrated",
    ):
        assert text.replace(" ", "") in page.replace(" ", "")


async def test_list_of_pairs_tells_the_state_of_each() -> None:
    site = Site(pairs=(PAIR, SILVER))
    event = divergence_of(Kind.CORRELATION_BREAK, Direction.TIGHTENING)
    show(site, snapshot(open=(listed(event),)), event)

    page = await text_at(site, "/")

    assert "Gold and IWM move together more than they used to inhibited flapping" in page
    assert "Risk-off" in page
    assert "Waiting for the first snapshot of gold-silver" in page


async def test_chance_the_close_and_the_trigger_prices_are_on_the_page() -> None:
    site = Site()
    early = replace(
        divergence_of(Kind.RATIO_STRETCH, Direction.RISK_OFF),
        confirmation=Confirmation.PROVISIONAL,
        probability=0.84,
    )
    trigger = Trigger(
        kind=Kind.RATIO_STRETCH,
        direction=Direction.RISK_OFF,
        transition=Transition.NOT_CONFIRMED,
        lead_price=1_454.13,
        at=TriggerAt.CLOSE,
    )
    show(site, snapshot(open=(listed(early),), triggers=(trigger,)), early)

    page = await text_at(site, PAIR.page)

    assert "by chance 3.6 a year (95%: 2.9 to 4.4); no difference from chance is shown" in page
    assert "84% likely at the next close" in page
    assert "Ratio stretch, risk-offis withdrawn—1,454.13 −2.2%" in page
    assert "IWM is assumed to close where it did last" in page


async def test_page_without_trigger_prices_says_why_it_may_have_none() -> None:
    site = Site()
    show(site, snapshot())

    assert "No trigger prices: no rule is on" in await text_at(site, PAIR.page)
