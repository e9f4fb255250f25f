"""A recorded Coinbase session, read frame by frame: counted by hand with grep and jq, not by the parser."""

import gzip
import json
from collections import Counter

import pytest

from services.ingestor.core.duplicates_and_gaps import TradeSequence
from services.ingestor.feeds.streaming.events import Acknowledged, Event, Quote, Trade, Unreadable
from services.ingestor.feeds.venues.coinbase.protocol import CoinbaseProtocol
from tests.support.data import shared_data


@pytest.fixture(scope="module")
def frames() -> list[str]:
    path = shared_data("raw_payloads/cryptofeed_COINBASE.ws.28.0.txt.gz")
    with gzip.open(path, "rt") as file:
        return ["{" + line.rstrip("\n").split(": {", 1)[1] for line in file if line[:4] == "1618"]


def _events(frames: list[str], product: str) -> list[Event]:
    protocol = CoinbaseProtocol(product)
    return [event for frame in frames for event in protocol.receive(frame)]


def test_every_frame_of_the_recording_is_readable(frames: list[str]) -> None:
    assert len(frames) > 9_900
    for product in ("BAND-GBP", "YFI-BTC", "DASH-BTC"):
        assert not [each for each in _events(frames, product) if isinstance(each, Unreadable)]


def test_quotes_and_trades_equal_the_recording(frames: list[str]) -> None:
    loaded = [json.loads(frame) for frame in frames]
    products = Counter(each["product_id"] for each in loaded if each["type"] == "ticker")
    product = products.most_common(1)[0][0]
    events = _events(frames, product)
    quotes = [each for each in events if isinstance(each, Quote)]
    trades = [each for each in events if isinstance(each, Trade)]
    found = [each for each in loaded if each.get("product_id") == product]
    assert [(each.bid, each.ask) for each in quotes] == [
        (float(each["best_bid"]), float(each["best_ask"])) for each in found if each["type"] == "ticker"
    ]
    assert [(each.trade_id, each.price, each.size, each.is_snapshot) for each in trades] == [
        (each["trade_id"], float(each["price"]), float(each["size"]), each["type"] == "last_match")
        for each in found
        if each["type"] in ("match", "last_match")
    ]
    assert [each.is_snapshot for each in quotes] == [True] + [False] * (len(quotes) - 1)
    # The recording did not subscribe to heartbeats, so it is never complete for us.
    assert not [each for each in events if isinstance(each, Acknowledged)]


def test_first_frames_of_one_product_stand_as_written() -> None:
    protocol = CoinbaseProtocol("BAND-GBP")
    frame = (
        '{"type":"ticker","sequence":333938798,"product_id":"BAND-GBP","price":"14.7775","best_bid":"14.7550",'
        '"best_ask":"14.8060","side":"buy","time":"2021-04-17T16:43:30.244075Z","trade_id":881613,"last_size":"0.04"}'
    )
    assert protocol.receive(frame) == [
        Quote(ts_event_ns=1_618_677_810_244_075_000, bid=14.755, ask=14.806, is_snapshot=True)
    ]


def test_recorded_trades_have_no_gap(frames: list[str]) -> None:
    loaded = [json.loads(frame) for frame in frames]
    for product in {each["product_id"] for each in loaded if each["type"] == "match"}:
        sequence = TradeSequence()
        for each in _events(frames, product):
            if isinstance(each, Trade):
                _, gaps = sequence.offer(
                    [(each.trade_id, each.ts_event_ns or 0)], is_snapshot=each.is_snapshot
                )
                assert gaps == []
