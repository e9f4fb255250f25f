"""The ingestor's settings from an environment."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from services.ingestor.config import IngestorSettings
from services.ingestor.recording_options import RecordingOptions
from shared.config import load_settings
from shared.errors import ConfigError


def test_defaults_are_the_live_feeds_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(IngestorSettings)
    assert (settings.feed, settings.bars_source) == ("live", "yahoo")


@pytest.mark.parametrize("text", ["a.csv,b.csv.gz", " a.csv , b.csv.gz ,", '["a.csv", "b.csv.gz"]'])
def test_files_are_a_list_with_commas_or_json(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("CONVEX_INGESTOR_REPLAY_LEAD_FILES", text)
    assert load_settings(IngestorSettings).replay_lead_files == (Path("a.csv"), Path("b.csv.gz"))


@pytest.mark.parametrize(
    "text", ["fred:DFII10,cboe:VIX", " fred:DFII10, cboe:VIX,fred:DFII10,", '["fred:DFII10","cboe:VIX"]']
)
def test_macro_series_are_a_list_without_repetitions(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("CONVEX_INGESTOR_MACRO_SERIES", text)
    assert load_settings(IngestorSettings).macro_series == ("fred:DFII10", "cboe:VIX")


def test_nested_health_settings_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVEX_INGESTOR_HEALTH__PORT", "9101")
    assert load_settings(IngestorSettings).health.port == 9101


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FEED", "binance"),
        ("REPLAY_SPEED", "-1"),
        ("BACKFILL_SESSIONS", "599"),
        ("QUEUE_MAX_TICKS", "1999"),
        ("SIMULATED_START", "2025-03-12T13:30:00"),
        ("REPLAY_LEAD_FILES", "[not json"),
        ("MACRO_SERIES", "DFII10"),
        ("MACRO_SERIES", "cboe:../../secrets"),
        ("MACRO_SERIES", "[not json"),
        ("MACRO_START", "soon"),
    ],
)
def test_unusable_value_names_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"CONVEX_INGESTOR_{name}", value)
    with pytest.raises(ConfigError, match=name):
        load_settings(IngestorSettings)


def test_token_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVEX_INGESTOR_TIINGO_TOKEN", "very-secret")
    assert "very-secret" not in repr(load_settings(IngestorSettings))


_KEYS = sorted(
    name for name, field in IngestorSettings.model_fields.items() if field.annotation == SecretStr | None
)


@pytest.mark.parametrize("name", _KEYS)
@pytest.mark.parametrize("key", ["abc\u00e9def", "abc\u200bdef", "abc\ndef"])
def test_key_that_no_request_can_carry_names_its_variable_and_does_not_show(
    monkeypatch: pytest.MonkeyPatch, name: str, key: str
) -> None:
    monkeypatch.setenv(f"CONVEX_INGESTOR_{name.upper()}", key)
    with pytest.raises(ConfigError, match=rf"CONVEX_INGESTOR_{name.upper()}: .*character 4 ") as caught:
        load_settings(IngestorSettings)
    assert "abc" not in str(caught.value)


@pytest.mark.parametrize("name", _KEYS)
def test_blanks_around_a_key_are_no_part_of_it(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"CONVEX_INGESTOR_{name.upper()}", " key-1 \n")
    assert getattr(load_settings(IngestorSettings), name).get_secret_value() == "key-1"


@pytest.mark.parametrize("name", ["FEEDS", "CROSS_CHECKS"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '{"IWM.ARCX": "alpaca"}',
            'has "alpaca", which is no list of feeds; write {"IWM.ARCX": ["alpaca"]}',
        ),
        (
            '{"IWM.ARCX": null}',
            'IWM.ARCX has null, which is no list of feeds; write {"IWM.ARCX": ["',
        ),
        ('{"IWM.ARCX": {"a": 1}}', 'IWM.ARCX has {"a": 1}, which is no list'),
        ('{"IWM.ARCX": ["alpaca", 1]}', "IWM.ARCX lists 1, which is no feed; write "),
        ('{"IWM.ARCX": [" "]}', 'IWM.ARCX lists " ", which is no feed; write '),
        ("[]", "is [], not an object that names instruments; write {"),
        ("null", "is null, not an object that names instruments; write {"),
        ('"kraken"', 'is "kraken", not an object that names instruments; write {'),
        ("kraken", "is not JSON (Expecting value at character 0); write {"),
    ],
)
def test_feed_lists_of_another_form_are_refused_with_the_right_one(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, said: str
) -> None:
    monkeypatch.setenv(f"CONVEX_INGESTOR_{name}", text)
    with pytest.raises(ConfigError) as caught:
        load_settings(IngestorSettings)
    assert str(caught.value).startswith(f"CONVEX_INGESTOR_{name}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("speed", [2.0, 0.5, -1.0, float("nan"), float("inf")])
def test_speed_without_a_recording_to_play_or_that_is_none_is_refused(speed: float) -> None:
    with pytest.raises(ConfigError, match="--speed"):
        RecordingOptions(speed=speed)


def test_recording_may_be_played_at_a_speed() -> None:
    assert RecordingOptions(replay=Path("recorded"), speed=2.0).speed == 2.0
