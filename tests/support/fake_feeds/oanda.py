"""A server that speaks as OANDA's v20 pricing stream does."""

import orjson

from tests.support.fake_feeds.http_server import Answer, Request
from tests.support.fake_feeds.played_venue import ExpectedTick, Fault
from tests.support.fake_feeds.venue import instant_of, moment

TOKEN = "04nd4-t0k3n"
ACCOUNT = "101-001-1234567-001"


class OandaFormat:
    """Write prices with the best bucket last of its side."""

    def is_accepted(self, request: Request) -> bool:
        assert request.path == f"/v3/accounts/{ACCOUNT}/pricing/stream"
        assert request.query["instruments"] == "XAU_USD"
        assert request.headers["accept-datetime-format"] == "RFC3339"
        return request.headers["authorization"] == f"Bearer {TOKEN}"

    def refusal(self, fault: Fault) -> Answer:
        match fault:
            case Fault.UNKNOWN_SYMBOL:
                code = "oanda::rest::core::InvalidParameterException"
                fields = {"errorCode": code, "errorMessage": "Invalid value specified for 'instruments'"}
                return Answer(body=orjson.dumps(fields), status=400)
            case Fault.THROTTLED:
                return Answer(body=b'{"errorMessage":"Too many requests"}', status=429)
            case _:
                words = f"Insufficient authorization to perform request with {TOKEN}."
                return Answer(body=orjson.dumps({"errorMessage": words}), status=401)

    def tick(self, symbol: str, number: int, at_ns: int) -> tuple[str, ExpectedTick]:
        bid, ask = 4000.0 + number, 4000.5 + number
        fields = {
            "type": "PRICE",
            "time": f"{instant_of(at_ns)[:-1]}{at_ns % 1_000:03}Z",
            "bids": [_bucket(bid - 0.25), _bucket(bid)],
            "asks": [_bucket(ask + 0.25), _bucket(ask)],
            "closeoutBid": "3000.0",
            "closeoutAsk": "5000.0",
            "tradeable": True,
            "instrument": symbol.replace("/", "_"),
        }
        expected = ExpectedTick(symbol=symbol, prices=(bid, ask), ts_event_ns=at_ns)
        return orjson.dumps(fields).decode(), expected

    def heartbeat(self) -> str:
        return orjson.dumps({"type": "HEARTBEAT", "time": moment()}).decode()

    def without_price(self, symbol: str) -> str:
        line, _ = self.tick(symbol, 0, 0)
        return line.replace('"4000.0"', "null")

    def one_sided(self, symbol: str) -> str:
        fields = orjson.loads(self.tick(symbol, 0, 0)[0])
        return orjson.dumps({**fields, "bids": []}).decode()


def _bucket(price: float) -> dict[str, str | int]:
    return {"price": str(price), "liquidity": 500_000}
