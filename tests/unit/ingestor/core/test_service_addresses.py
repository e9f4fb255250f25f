"""Addresses of providers: what can be used, and what is told of one that cannot."""

import pytest

from services.ingestor.config import IngestorSettings
from services.ingestor.core.service_addresses import address_problem
from shared.config import load_settings
from shared.errors import ConfigError

_BAD_OF_BOTH = [
    ("nonsense", "must begin with"),
    ("", "must begin with"),
    ("ftp://example.com", "must begin with"),
    ("{scheme}://host:99999/", "port"),
    ("{scheme}://host:0/", "port"),
    ("{scheme}://host:-1/", "port"),
    ("{scheme}://host:http/", "port"),
    ("{scheme}://[::1", "host"),
    ("{scheme}://", "names no host"),
    ("{scheme}:///v2", "names no host"),
    ("{scheme}://a..b/", "names no host"),
    ("{scheme}://" + "x" * 64 + ".com/", "names no host"),
    ("{scheme}://user:word@host/", "no user name"),
    ("{scheme}://host/a b", "white space"),
    ("{scheme}://host/\n", "white space"),
    ("{scheme}://host/#x", "fragment"),
]


@pytest.mark.parametrize(("is_websocket", "scheme"), [(True, "wss"), (False, "https")])
@pytest.mark.parametrize(("address", "problem"), _BAD_OF_BOTH)
def test_address_that_cannot_be_used_is_told_why(
    address: str, problem: str, is_websocket: bool, scheme: str
) -> None:
    said = address_problem(address.format(scheme=scheme), is_websocket=is_websocket)
    assert said is not None
    assert problem in said


@pytest.mark.parametrize(
    "address",
    ["{0}://host", "{0}s://host:443/v1?a=1", "{0}://127.0.0.1:65535/", "{0}://[::1]:1/", "{0}://bücher.de"],
)
def test_address_of_the_right_kind_can_be_used_and_one_of_the_other_kind_cannot(address: str) -> None:
    for scheme, is_websocket in (("ws", True), ("http", False)):
        assert address_problem(address.format(scheme), is_websocket=is_websocket) is None
        assert "must begin" in str(address_problem(address.format(scheme), is_websocket=not is_websocket))


@pytest.mark.parametrize(
    ("variable", "address"),
    [
        ("CONVEX_INGESTOR_KRAKEN_WEBSOCKET_URL", "http://127.0.0.1:8000/"),
        ("CONVEX_INGESTOR_ALPACA_WEBSOCKET_URL", "ws://127.0.0.1:99999/"),
        ("CONVEX_INGESTOR_YAHOO_URL", "nonsense"),
        ("CONVEX_INGESTOR_OANDA_STREAM_URL", "wss://example.com"),
        ("CONVEX_INGESTOR_MASSIVE_REST_URL", "https://[::1"),
        ("CONVEX_INGESTOR_FRED_GRAPH_URL", "https://host:70000"),
    ],
)
def test_wrong_address_ends_the_start_with_one_line_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, address: str
) -> None:
    """Would have caught: ``nonsense`` as a REST address was asked again and again without end."""
    monkeypatch.setenv(variable, address)
    with pytest.raises(ConfigError, match=f"^{variable}: [^\n]+$"):
        load_settings(IngestorSettings)


def test_every_address_that_is_set_from_the_start_can_be_used() -> None:
    settings = IngestorSettings()
    names = [name for name in IngestorSettings.model_fields if name.endswith("_url")]
    assert len(names) > 20
    for name in names:
        is_websocket = name.endswith("_websocket_url")
        assert address_problem(getattr(settings, name), is_websocket=is_websocket) is None, name
