"""``deploy/env/*.example`` lists every setting with its meaning and default, and nothing else."""

import re
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from convex.settings import all_settings
from services.dashboard.config import DashboardSettings
from services.ingestor.config import IngestorSettings
from services.notifier.config import NotifierSettings
from services.signals.config import SignalsSettings
from shared.config import KafkaSettings, LogSettings, reject_unknown, variables_of
from shared.declared_closures import CalendarSettings
from shared.pairs.loading import PairsSettings

_ENV = Path(__file__).parents[2] / "deploy" / "env"
_SETTINGS: dict[str, tuple[type[BaseSettings], ...]] = {
    "shared": (PairsSettings, CalendarSettings, KafkaSettings, LogSettings),
    "ingestor": (IngestorSettings,),
    "signals": (SignalsSettings,),
    "notifier": (NotifierSettings,),
    "dashboard": (DashboardSettings,),
}
_LINE = re.compile(r"^# (CONVEX_\w+)=(.*)$")

each_service = pytest.mark.parametrize("service", _SETTINGS)


def _listed(service: str) -> list[tuple[str, str, str]]:
    """Return variable, value and the comment above it, in the order of the file."""
    found, comment = [], ""
    for line in (_ENV / f"{service}.example").read_text().splitlines():
        if match := _LINE.match(line):
            found.append((match[1], match[2], comment))
            comment = ""
        else:
            comment = f"{comment} {line.removeprefix('#').strip()}".strip() if line else ""
    return found


def _meanings(service: str) -> dict[str, str]:
    return {name: text for settings in _SETTINGS[service] for name, text in variables_of(settings).items()}


@each_service
def test_every_setting_is_listed_once_and_nothing_else(service: str) -> None:
    assert sorted(name for name, _, _ in _listed(service)) == sorted(_meanings(service))


@each_service
def test_every_setting_is_explained_in_its_own_words(service: str) -> None:
    meanings = _meanings(service)

    for name, _, comment in _listed(service):
        assert meanings[name], f"{name} has no description"
        assert " ".join(meanings[name].split()) in comment


@each_service
def test_the_listed_values_are_the_defaults(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    by_default = [settings() for settings in _SETTINGS[service]]
    for name, value, _ in _listed(service):
        if value:
            monkeypatch.setenv(name, value)

    assert [settings() for settings in _SETTINGS[service]] == by_default


@each_service
def test_a_value_left_empty_has_no_default(service: str) -> None:
    empty = {name for name, value, comment in _listed(service) if not value and "Required." not in comment}

    for settings in _SETTINGS[service]:
        for name in empty & variables_of(settings).keys():
            assert _default_of(settings, name) in (None, "", (), {}), name


@each_service
def test_an_example_sets_nothing_as_it_is(service: str) -> None:
    lines = (_ENV / f"{service}.example").read_text().splitlines()

    assert [line for line in lines if line and not line.startswith("#")] == []


def test_the_settings_that_a_service_accepts_are_those_of_the_examples() -> None:
    listed = {settings for group in _SETTINGS.values() for settings in group}

    assert set(all_settings()) == listed


def test_compose_sets_only_what_exists() -> None:
    lines = (_ENV / "compose.defaults").read_text().splitlines()
    environment = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

    assert environment
    reject_unknown([one for settings in _SETTINGS.values() for one in settings], environment)


def _default_of(settings: type[BaseSettings], variable: str) -> object:
    prefix = str(settings.model_config.get("env_prefix", ""))
    value: object = settings()
    for part in variable.removeprefix(prefix).lower().split("__"):
        value = getattr(value, part)
    return value
