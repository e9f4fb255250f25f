"""Pairs from a file or a shipped set."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from shared.domain.pairs import Pair
from shared.errors import ConfigError
from shared.pairs.loading import SHIPPED, PairsSettings, load_pairs

PAIR = """
[[pair]]
name = "gold-iwm"
title = "Gold vs IWM"
lead = "XAU/USD.X"
other = "IWM.X"
lead_title = "Gold"
other_title = "IWM"
"""


def write(folder: Path, text: str) -> str:
    path = folder / "pairs.toml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_sets_watch_gold_against_iwm_first(name: str) -> None:
    pairs = load_pairs(name)

    assert pairs[0].name == "gold-iwm"
    assert {pair.is_simulated for pair in pairs} == {name == "simulated"}


def test_live_set_has_the_six_pairs_of_gold() -> None:
    pairs = load_pairs("live")

    assert [(pair.name, pair.other) for pair in pairs] == [
        ("gold-iwm", "IWM.ARCX"),
        ("gold-spy", "SPY.ARCX"),
        ("gold-qqq", "QQQ.XNAS"),
        ("gold-tlt", "TLT.XNAS"),
        ("gold-silver", "SLV.ARCX"),
        ("gold-bitcoin", "BTC/USD.KRAKEN"),
    ]
    assert {pair.lead for pair in pairs} == {"PAXG/USD.KRAKEN"}
    assert all(pair.is_proxy for pair in pairs)


def test_simulated_set_shows_a_leg_with_bars_and_one_that_ticks() -> None:
    assert [pair.other for pair in load_pairs("simulated")] == ["IWM.SIMULATED", "BTC/USD.SIMULATED"]


def test_live_is_the_default() -> None:
    assert PairsSettings.model_fields["pairs"].default == "live"


def test_pairs_of_a_file_are_read(tmp_path: Path) -> None:
    both = PAIR + PAIR.replace("gold-iwm", "gold-spy").replace("IWM.X", "SPY.X") + "is_proxy = true\n"

    assert [(each.name, each.other, each.is_proxy) for each in load_pairs(write(tmp_path, both))] == [
        ("gold-iwm", "IWM.X", False),
        ("gold-spy", "SPY.X", True),
    ]


SIMULATED = PAIR.replace("XAU/USD.X", "XAU/USD.SIMULATED").replace("IWM.X", "IWM.SIMULATED")
MARK = "is_simulated = true\n"


def test_mark_and_venues_of_a_simulated_pair_agree(tmp_path: Path) -> None:
    (pair,) = load_pairs(write(tmp_path, SIMULATED + MARK))

    assert (pair.is_simulated, pair.lead, pair.other) == (True, "XAU/USD.SIMULATED", "IWM.SIMULATED")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PAIR + MARK, "rename them or take the mark away"),
        (PAIR.replace("IWM.X", "IWM.SIMULATED") + MARK, "rename them or take the mark away"),
        (SIMULATED, "set is_simulated = true or name its real venue"),
        (PAIR.replace("IWM.X", "IWM.SIMULATED"), "set is_simulated = true or name its real venue"),
    ],
)
def test_mail_would_not_mark_such_a_pair_so_it_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_pairs(write(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "needs [[pair]] tables and nothing else"),
        (PAIR + "[rules]\nx = 1\n", "needs [[pair]] tables and nothing else"),
        ("[[pair]\n", "Expected ']]' at the end of an array declaration"),
        (PAIR.replace('other = "IWM.X"\n', ""), "pair 0 other: "),
        (PAIR + 'colour = "red"\n', "pair 0 colour: "),
        (PAIR.replace('"IWM.X"', "5"), "pair 0 other: "),
        (PAIR.replace("XAU/USD.X", "XAU"), "an instrument of pair gold-iwm is SYMBOL.VENUE, was 'XAU'"),
        (PAIR + PAIR, "pair gold-iwm is declared twice"),
        ("pair = 5\n", "needs [[pair]] tables and nothing else"),
    ],
)
def test_bad_file_is_reported_with_table_and_field(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path, text)

    with pytest.raises(ConfigError) as caught:
        load_pairs(path)

    assert str(caught.value).startswith(f"{path}: {said}")


def test_file_that_is_not_there_is_reported_with_what_there_is() -> None:
    with pytest.raises(ConfigError) as caught:
        load_pairs("no-such-set")

    assert str(caught.value) == (
        "no-such-set: cannot be read (No such file or directory); use a file or live, replay, simulated"
    )


def test_file_that_is_not_utf8_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "pairs.toml"
    path.write_bytes(b"[[pair]]\nname = '\xff'\n")

    with pytest.raises(ConfigError, match="must be UTF-8 text"):
        load_pairs(str(path))


def test_document_shows_a_pair_that_loads_and_names_every_field(tmp_path: Path) -> None:
    document = (Path(__file__).parents[3] / "docs" / "pairs.md").read_text()
    (example,) = re.findall(r"^```toml\n(.*?)^```$", document, flags=re.MULTILINE | re.DOTALL)

    (shown,) = load_pairs(write(tmp_path, example))

    assert shown in load_pairs("live")
    for field in fields(Pair):
        assert f"\n{field.name} = " in example
        assert f"`{field.name}`" in document
    for name in (*SHIPPED, *(pair.name for pair in load_pairs("live"))):
        assert f"`{name}`" in document
