"""A feed that needs a key says so before it connects, and puts the key into nothing that is logged."""

import pytest

from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.registry import STREAMING_VENUES
from services.ingestor.feeds.streaming.ports import StreamingVenue
from shared.errors import ConfigError

_KEYS = {
    "massive": {"massive_key": "s3cr3t"},
    "massive_stocks": {"massive_key": "s3cr3t"},
    "alpaca": {"alpaca_key_id": "s3cr3t", "alpaca_secret_key": "s3cr3t"},
    "oanda": {"oanda_token": "s3cr3t", "oanda_account": "101-001"},
}


def _venue(name: str) -> StreamingVenue:
    return next(venue for venue in STREAMING_VENUES if venue.name == name)


@pytest.mark.parametrize("name", _KEYS)
def test_missing_key_is_named_as_its_variable(name: str) -> None:
    for missing in _KEYS[name]:
        others = {key: value for key, value in _KEYS[name].items() if key != missing}
        settings = IngestorSettings.model_validate(others)
        with pytest.raises(ConfigError, match=f"CONVEX_INGESTOR_{missing.upper()}") as caught:
            _venue(name).endpoint(settings, ("XAU/USD",))
        assert f"the feed {name}" in str(caught.value) or "massive" in str(caught.value)


@pytest.mark.parametrize("name", _KEYS)
def test_key_is_in_no_text_of_an_endpoint(name: str) -> None:
    settings = IngestorSettings.model_validate(_KEYS[name])
    endpoint = _venue(name).endpoint(settings, ("XAU/USD",))
    assert "s3cr3t" not in repr(endpoint)
    assert "s3cr3t" not in endpoint.url
