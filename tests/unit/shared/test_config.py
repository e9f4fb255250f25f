"""Settings refuse what they do not know, and never show a secret."""

import pytest
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.config import (
    HealthSettings,
    KafkaSettings,
    LogSettings,
    SectionSettings,
    load_settings,
    reject_unknown,
    variables_of,
)
from shared.errors import ConfigError


class Login(SectionSettings):
    """A nested section."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    password: SecretStr | None = Field(default=None, max_length=8, description="Secret.")
    username: str = Field(default="nobody", description="User.")


class Sample(BaseSettings):
    """What a service has."""

    model_config = SettingsConfigDict(
        env_prefix="CONVEX_SAMPLE_", env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    retries: int = Field(default=3, ge=0, description="Tries after the first.")
    hosts: tuple[str, ...] = Field(default=(), description="Names.")
    login: Login = Login()
    health: HealthSettings = HealthSettings()


def refused(settings: type[BaseSettings]) -> str:
    with pytest.raises(ConfigError) as caught:
        load_settings(settings)
    return str(caught.value)


def test_variables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVEX_SAMPLE_RETRIES", "7")
    monkeypatch.setenv("CONVEX_SAMPLE_LOGIN__USERNAME", "ann")
    monkeypatch.setenv("CONVEX_SAMPLE_HOSTS", '["a", "b"]')

    settings = load_settings(Sample)

    assert (settings.retries, settings.login.username, settings.hosts) == (7, "ann", ("a", "b"))


def test_section_reads_no_variable_without_a_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USERNAME", "root")
    monkeypatch.setenv("PORT", "80")

    assert load_settings(Sample).login.username == "nobody"
    assert HealthSettings().port == 0


def test_bad_value_is_reported_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVEX_SAMPLE_RETRIES", "-1")

    assert refused(Sample) == "CONVEX_SAMPLE_RETRIES: Input should be greater than or equal to 0"


def test_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVEX_SAMPLE_LOGIN__PASSWORD", "hunter2-and-more")
    said = refused(Sample)
    assert said.startswith("CONVEX_SAMPLE_LOGIN__PASSWORD: ")
    assert "hunter2" not in said

    monkeypatch.setenv("CONVEX_SAMPLE_LOGIN__PASSWORD", "hunter2")
    assert "hunter2" not in repr(load_settings(Sample))
    monkeypatch.setenv("CONVEX_KAFKA_SASL_PASSWORD", "hunter2")
    assert "hunter2" not in repr(load_settings(KafkaSettings))


def test_list_that_is_not_json_is_reported_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Would have caught: it ended in a traceback instead of one line."""
    monkeypatch.setenv("CONVEX_SAMPLE_HOSTS", "hunter2,b")

    said = refused(Sample)

    assert "hosts" in said
    assert "JSON" in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    "name", ["CONVEX_SAMPLE_RETRYS", "CONVEX_SAMPLE", "CONVEX_SAMPLE_LOGIN__USER", "CONVEX_OTHER_X"]
)
def test_unknown_variable_refuses_to_start(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} is not a setting of Convex"):
        reject_unknown([Sample], {name: "1"})


def test_setting_that_was_says_what_is_asked_instead() -> None:
    with pytest.raises(ConfigError, match="GOLD_FEED is not a setting of Convex; take it away: the venue of"):
        reject_unknown([Sample], {"CONVEX_INGESTOR_GOLD_FEED": "kraken"})


def test_known_and_foreign_variables_are_let_through() -> None:
    reject_unknown(
        [Sample, KafkaSettings, LogSettings],
        {
            "CONVEX_SAMPLE_RETRIES": "1",
            "convex_sample_retries": "1",
            "CONVEX_SAMPLE_LOGIN__USERNAME": "x",
            "CONVEX_KAFKA_PARTITIONS": "4",
            "CONVEX_LOG_LEVEL": "INFO",
            "CONVEXITY": "1",
            "HOME": "/",
        },
    )


def test_environment_of_the_process_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVEX_SAMPLE_RETRYS", "1")

    with pytest.raises(ConfigError, match="CONVEX_SAMPLE_RETRYS"):
        reject_unknown([Sample])


def test_every_variable_is_listed_with_its_meaning() -> None:
    assert variables_of(Sample) == {
        "CONVEX_SAMPLE_RETRIES": "Tries after the first.",
        "CONVEX_SAMPLE_HOSTS": "Names.",
        "CONVEX_SAMPLE_LOGIN__PASSWORD": "Secret.",
        "CONVEX_SAMPLE_LOGIN__USERNAME": "User.",
        "CONVEX_SAMPLE_HEALTH__HOST": "Address to listen on; 0.0.0.0 in a container.",
        "CONVEX_SAMPLE_HEALTH__PORT": "Port; 0 picks a free one and logs it.",
    }
