"""Write the example file of each service: every variable with its meaning and its default.

``python deploy/env/write_examples.py`` from the top folder, after a change of a ``config.py``.
"""

import json
import textwrap
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode

from services.dashboard.config import DashboardSettings
from services.ingestor.config import IngestorSettings
from services.notifier.config import NotifierSettings
from services.signals.config import SignalsSettings
from shared.config import KafkaSettings, LogSettings
from shared.declared_closures import CalendarSettings
from shared.pairs.loading import PairsSettings

SETTINGS: dict[str, tuple[type[BaseSettings], ...]] = {
    "shared": (PairsSettings, CalendarSettings, KafkaSettings, LogSettings),
    "ingestor": (IngestorSettings,),
    "signals": (SignalsSettings,),
    "notifier": (NotifierSettings,),
    "dashboard": (DashboardSettings,),
}


def example_of(name: str) -> str:
    """Return the example file: a commented-out paragraph for each variable, which sets nothing."""
    whose = "every service" if name == "shared" else f"the {name}" if name != "signals" else name
    head = f"# Settings of {whose}. Each line is the default; remove its # to change it.\n"
    paragraphs = [
        paragraph
        for settings in SETTINGS[name]
        for paragraph in _paragraphs(settings, str(settings.model_config.get("env_prefix", "")))
    ]
    return "\n".join([head, *paragraphs])


def _paragraphs(settings: type[BaseSettings], prefix: str) -> list[str]:
    paragraphs = []
    # A class's own settings first, then those that it inherits.
    for name, field in sorted(
        settings.model_fields.items(), key=lambda item: item[0] not in settings.__annotations__
    ):
        variable = f"{prefix}{name.upper()}"
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseSettings):
            paragraphs += _paragraphs(kind, f"{variable}__")
            continue
        meaning = [field.description or ""]
        if get_origin(kind) is Literal:
            meaning.append(f"One of: {', '.join(map(str, get_args(kind)))}.")
        if field.is_required():
            meaning.append("Required.")
        value = "" if field.is_required() else _written(field)
        lines = textwrap.wrap(" ".join(meaning), 108, break_long_words=False, break_on_hyphens=False)
        paragraphs.append("".join(f"# {line}\n" for line in lines) + f"# {variable}={value}\n")
    return paragraphs


def _written(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    plain = TypeAdapter(Any).dump_python(default, mode="json")
    match plain:
        case None | [] | {}:
            return ""
        case str():
            return plain
        case list() if NoDecode in field.metadata:
            return ",".join(str(item) for item in plain)
        case _:
            return json.dumps(plain, separators=(",", ":"))


if __name__ == "__main__":
    for file in SETTINGS:
        Path(__file__).with_name(f"{file}.example").write_text(example_of(file))
