"""Whatever the subscriptions file says, it is read or refused in one line that shows no secret."""

import base64
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.notifier.subscriptions.file import load_subscriptions
from services.notifier.subscriptions.tables import EmailTable, WebhookTable
from shared.errors import ConfigError

SECRET = "whsec_" + base64.b64encode(b"a secret of the tests, 32 bytes!").decode()
SHOWS = SECRET.removeprefix("whsec_")[:12]
ENVIRON = {"GOOD": SECRET, "ODD": f"{SHOWS}\r\n\x00é", "EMPTY": ""}
WEBHOOK: dict[str, Any] = {
    "name": "desk",
    "channel": "webhook",
    "url": f"https://desk.example/{SHOWS}",
    "secret_env": "GOOD",
}
EMAIL: dict[str, Any] = {"name": "ann", "channel": "email", "address": "ann@example.com"}
texts = st.sampled_from(
    [
        "",
        "GOOD",
        "ODD",
        "EMPTY",
        "NONE",
        SECRET,
        "a\r\nb",
        "\x00",
        "é",
        "x" * 5_000,
        "pagerduty",
        "../..",
        ".",
        "open",
    ]
) | st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=8)
scalars = texts | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.floats()
anything = (
    scalars
    | st.lists(scalars, max_size=3)
    | st.dictionaries(texts, scalars, max_size=3)
    | st.lists(st.dictionaries(texts, scalars, max_size=2), max_size=2)
)
fields = st.sampled_from(sorted({*WebhookTable.model_fields, *EmailTable.model_fields, "nope"})) | texts


def as_toml(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            # TOML's escapes are JSON's, but it has no character DEL outside them.
            return json.dumps(value).replace("\x7f", "\\u007f")
        case list():
            return f"[{', '.join(map(as_toml, value))}]"
        case dict():
            return "{" + ", ".join(f"{as_toml(key)} = {as_toml(each)}" for key, each in value.items()) + "}"
        case _:
            return str(value)


@given(st.sampled_from([WEBHOOK, EMAIL, {}]), st.dictionaries(fields, anything, max_size=4))
def test_any_table_is_read_or_refused_in_one_line(usual: dict[str, Any], odd: dict[str, Any]) -> None:
    table = usual | odd
    with TemporaryDirectory() as folder:
        path = Path(folder) / "subscriptions.toml"
        lines = [f"{as_toml(key)} = {as_toml(value)}" for key, value in table.items()]
        path.write_text("\n".join(["[[subscription]]", *lines]), encoding="utf-8")
        try:
            (target,) = load_subscriptions(path, environ=ENVIRON, pairs=("gold-iwm",), allowed_networks=())
        except ConfigError as error:
            problem = str(error)
        else:
            problem = repr(target)
        # The name of a subscription is shown, whatever it is.
        assert SHOWS not in problem.replace(str(table.get("name")), "")
        assert "\n" not in problem
        assert problem.startswith((str(path), "WebhookTarget(", "EmailTarget("))


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")))
def test_any_file_is_read_or_refused_in_one_line(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "subscriptions.toml"
        path.write_bytes(content)
        try:
            assert load_subscriptions(path, environ=ENVIRON) == ()
        except ConfigError as error:
            problem = str(error)
        else:
            return
        assert "\n" not in problem
        assert problem.startswith(str(path))
