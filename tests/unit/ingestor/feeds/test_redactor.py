"""No form of a key is left in what is logged, recorded or published."""

import json
from urllib.parse import quote, quote_plus, urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from services.ingestor.config import IngestorSettings
from services.ingestor.feeds.transport.secrets import REMOVED, Redactor

_KEY = 'ab+c/d e=f&g%h"i\\jé'


@pytest.mark.parametrize(
    "written",
    [
        _KEY,
        _KEY.swapcase().replace("É", "é"),
        quote(_KEY),
        quote(_KEY, safe=""),
        quote(_KEY, safe="").lower(),
        quote_plus(_KEY),
        urlencode({"k": _KEY})[2:],
        json.dumps({"k": _KEY})[7:-2],
        json.dumps({"k": _KEY}, ensure_ascii=False)[7:-2],
        json.dumps({"k": _KEY})[7:-2].replace("/", "\\/"),
    ],
)
def test_every_way_to_write_a_key_is_removed_from_text_and_bytes(written: str) -> None:
    redact = Redactor([_KEY])
    assert redact.text(f"<{written}>") == f"<{REMOVED}>"
    assert redact.raw(f"<{written}>".encode()) == f"<{REMOVED}>".encode()


@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40))
def test_key_in_an_address_that_httpx_builds_is_removed(key: str) -> None:
    address = str(httpx.URL("https://a.example/v1", params={"token": key}))
    shown = Redactor([key]).text(f"GET {address} failed")
    assert key not in shown
    assert shown == f"GET https://a.example/v1?token={REMOVED} failed"


def test_key_that_contains_another_is_removed_whole() -> None:
    assert Redactor(["abc", "abcdef"]).text("abcdef abc") == f"{REMOVED} {REMOVED}"


def test_nothing_is_removed_without_keys_and_an_empty_key_is_none() -> None:
    for redact in (Redactor(), Redactor([""])):
        assert redact.text("a text") == "a text"
        assert redact.raw(b"\xff") == b"\xff"


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=0x2FF), min_size=1, max_size=30))
def test_any_key_is_removed_from_text_bytes_and_json(key: str) -> None:
    redact = Redactor([key])
    assert redact.text(f"\0{key}\0") == f"\0{REMOVED}\0"
    assert redact.raw(f"\0{key}\0".encode()) == f"\0{REMOVED}\0".encode()
    assert redact.text(f"\0{json.dumps(key)[1:-1]}\0") == f"\0{REMOVED}\0"


def test_words_are_one_line_and_short_and_hold_no_part_of_a_key_that_was_cut() -> None:
    redact = Redactor(["abcdefghijkl"])
    assert redact.words("Your\n  key abcdefghijkl  is bad") == f"Your key {REMOVED} is bad"
    assert redact.words("Your key is ABCDEFG") == f"Your key is {REMOVED}"
    assert redact.words("Your key is abcde") == "Your key is abcde"
    assert redact.words("x" * 300) == "x" * 200


def test_frame_keeps_its_type() -> None:
    redact = Redactor(["key-1"])
    assert redact.frame("key-1") == REMOVED
    assert redact.frame(b"\xffkey-1") == b"\xff" + REMOVED.encode()


def test_secrets_of_settings_are_found_in_nested_ones_too() -> None:
    class Inner(BaseModel):
        token: SecretStr = SecretStr("inner-key")

    class Outer(BaseModel):
        name: str = "plain"
        key: SecretStr = SecretStr("outer-key")
        unset: SecretStr | None = None
        inner: Inner = Inner()

    assert Redactor.of_settings(Outer()).text("plain inner-key outer-key") == f"plain {REMOVED} {REMOVED}"


def test_every_key_of_the_ingestor_is_removed() -> None:
    keys = {
        name: f"value-of-{name}"
        for name, field in IngestorSettings.model_fields.items()
        if "SecretStr" in str(field.annotation)
    }
    assert "tiingo_token" in keys
    redact = Redactor.of_settings(IngestorSettings.model_validate(keys))
    assert redact.text(" ".join(keys.values())) == " ".join([REMOVED] * len(keys))
