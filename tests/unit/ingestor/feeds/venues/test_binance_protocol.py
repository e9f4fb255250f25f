"""Binance's frames, one by one, and a recorded session."""

import gzip
import json
from collections import Counter

import pytest

from services.ingestor.core.refusals import Refusal
from services.ingestor.feeds.streaming.events import (
    Acknowledged,
    Event,
    Heartbeat,
    OneSided,
    Quote,
    Rejected,
    Rotate,
    Trade,
    Unknown,
    Unreadable,
)
from services.ingestor.feeds.venues.binance.protocol import BinanceProtocol
from services.ingestor.feeds.venues.binance.venue import BINANCE
from tests.support.data import shared_data
from tests.support.wire_samples import wire_samples

_SYMBOL = "PAXG/USDT"


def _receive(fields: object, protocol: BinanceProtocol | None = None) -> Event:
    (event,) = (protocol or BinanceProtocol(_SYMBOL)).receive(json.dumps(fields))
    return event


def _quote(update: int, bid: str = "4389.62000000", ask: str = "4389.63000000") -> dict[str, object]:
    data = {"u": update, "s": "PAXGUSDT", "b": bid, "B": "31.2", "a": ask, "A": "40.6"}
    return {"stream": "paxgusdt@bookTicker", "data": data}


def test_both_streams_of_each_symbol_are_asked_for_in_small_letters() -> None:
    (frame,) = BinanceProtocol("PAXG/USDT", "XAUT/USDT").opening_frames()
    assert json.loads(frame)["params"] == [
        "paxgusdt@trade",
        "paxgusdt@bookTicker",
        "xautusdt@trade",
        "xautusdt@bookTicker",
    ]


def test_no_answer_is_read_as_a_tick_of_ours() -> None:
    events = [_receive(json.loads(sample)) for sample in wire_samples("A3") if sample.startswith("{")]
    assert Counter(map(type, events)) == {
        Acknowledged: 1,
        Heartbeat: 1,  # the list of subscriptions
        Trade: 1,
        Quote: 1,
        Rotate: 2,
        Rejected: 5,
        Unknown: 2,  # our own two requests
    }


def test_trade_has_its_own_time_and_not_that_of_its_sending() -> None:
    data = {"e": "trade", "E": 1672515782999, "s": "PAXGUSDT", "t": 12345, "p": "4389.63", "q": "0.01"}
    data |= {"T": 1672515782136, "m": True, "M": True}
    expected = Trade(
        ts_event_ns=1_672_515_782_136_000_000, price=4389.63, size=0.01, trade_id=12345, symbol=_SYMBOL
    )
    assert _receive({"stream": "paxgusdt@trade", "data": data}) == expected
    assert _receive(data) == expected


def test_quote_has_no_time() -> None:
    assert _receive(_quote(7)) == Quote(
        ts_event_ns=None, bid=4389.62, ask=4389.63, is_snapshot=False, symbol=_SYMBOL
    )


def test_quote_older_than_the_last_one_is_rejected_and_the_same_one_again_is_none() -> None:
    protocol = BinanceProtocol(_SYMBOL)
    assert isinstance(_receive(_quote(100), protocol), Quote)
    assert _receive(_quote(100), protocol) == Heartbeat()
    older = _receive(_quote(99), protocol)
    assert isinstance(older, Unreadable)
    assert older.error.reason == "out_of_order"
    assert isinstance(_receive(_quote(105), protocol), Quote)


def test_update_that_cannot_be_read_does_not_hide_the_next_quote() -> None:
    protocol = BinanceProtocol(_SYMBOL)
    assert isinstance(_receive(_quote(1 << 62, bid="x"), protocol), Unreadable)
    assert isinstance(_receive(_quote(8), protocol), Quote)


def test_empty_side_is_no_price() -> None:
    assert _receive(_quote(1, bid="0.00000000")) == OneSided(symbol=_SYMBOL)
    assert _receive(_quote(2, ask="0")) == OneSided(symbol=_SYMBOL)


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"code": -1121, "msg": "Invalid symbol."}, Refusal.UNKNOWN_SYMBOL),
        ({"code": -1003, "msg": "Too much request weight used"}, Refusal.THROTTLED),
        ({"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"}, Refusal.OTHER),
        ({"code": "3", "msg": None}, Refusal.OTHER),
        ({"error": {"code": -1121, "msg": "Invalid symbol."}, "id": 1}, Refusal.UNKNOWN_SYMBOL),
    ],
)
def test_error_is_told_apart_by_its_code(fields: dict[str, object], refusal: Refusal) -> None:
    event = _receive(fields)
    assert isinstance(event, Rejected)
    assert event.refusal is refusal


@pytest.mark.parametrize("data", [None, 1, [], "x"])
def test_stream_without_data_is_unreadable(data: object) -> None:
    assert isinstance(_receive({"stream": "paxgusdt@trade", "data": data}), Unreadable)


def test_quotes_of_a_recorded_session_stand_as_written() -> None:
    with gzip.open(shared_data("raw_payloads/cryptofeed_BINANCE.ws.1.0.txt.gz"), "rt") as file:
        frames = ["{" + line.rstrip("\n").split(": {", 1)[1] for line in file if line[:4] == "1633"]
    protocol = BinanceProtocol("NKN/USDT", "LRC/BTC", "BLZ/ETH")
    events = [event for frame in frames for event in protocol.receive(frame)]
    loaded = [json.loads(frame) for frame in frames]
    written = [each["data"] for each in loaded if str(each.get("stream", "")).endswith("@bookTicker")]

    assert len(written) == 84
    assert not [each for each in events if isinstance(each, Unreadable)]
    assert [(each.symbol, each.bid, each.ask) for each in events if isinstance(each, Quote)] == [
        (
            {"NKNUSDT": "NKN/USDT", "LRCBTC": "LRC/BTC", "BLZETH": "BLZ/ETH"}[each["s"]],
            float(each["b"]),
            float(each["a"]),
        )
        for each in written
    ]


def test_connection_is_replaced_before_the_24_hours_after_which_binance_ends_it() -> None:
    assert BINANCE.rotate_seconds is not None
    assert 20 * 3600 < BINANCE.rotate_seconds < 24 * 3600
