"""What the demo says of its prices before it starts."""

import re
from pathlib import Path

import pytest

from convex.demo import markets

_DOCUMENT = Path(__file__).parents[4] / "docs" / "replay-and-demo.md"


def test_live_demo_names_every_host_with_its_purpose_whatever_the_shell_has_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CONVEX_INGESTOR_YAHOO_URL", "https://elsewhere.example")

    contacts = markets.live().contacts

    assert contacts == (
        "ws.kraken.com: live prices of PAXG/USD, live prices of BTC/USD",
        "api.kraken.com: missed trades of PAXG/USD, missed trades of BTC/USD",
        "api.exchange.coinbase.com: past closes of PAXG/USD, past closes of BTC/USD",
        (
            "query1.finance.yahoo.com: daily bars of IWM, daily bars of SPY, daily bars of QQQ, "
            "daily bars of TLT, daily bars of SLV"
        ),
    )


def test_documentation_names_the_same_hosts() -> None:
    section = _DOCUMENT.read_text().partition("## What `--feeds live` contacts")[2].partition("\n## ")[0]
    documented = re.findall(r"^\| `([^`]+)`", section, re.MULTILINE)

    assert documented == [contact.partition(":")[0] for contact in markets.live().contacts]


def test_simulated_demo_contacts_nobody() -> None:
    assert markets.simulated(1).contacts == ()
