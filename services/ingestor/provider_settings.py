"""Where each provider is, and the keys it is asked with; a part of `IngestorSettings`.

A provider's section has its addresses and its keys, and no limit of time: those are the same for all.
"""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class ProviderSettings(BaseSettings):
    """Addresses and keys, named after their provider."""

    # Kraken
    kraken_websocket_url: str = Field(default="wss://ws.kraken.com/v2", description="Kraken's websocket.")
    kraken_rest_url: str = Field(
        default="https://api.kraken.com", description="Kraken's REST service: missed trades."
    )

    # Coinbase Exchange
    coinbase_websocket_url: str = Field(
        default="wss://ws-feed.exchange.coinbase.com", description="Coinbase Exchange's websocket."
    )
    coinbase_rest_url: str = Field(
        default="https://api.exchange.coinbase.com",
        description="Coinbase Exchange's REST service: missed trades, and the history of what ticks.",
    )

    # Yahoo
    yahoo_url: str = Field(default="https://query1.finance.yahoo.com", description="Yahoo's chart service.")

    # Tiingo
    tiingo_url: str = Field(default="https://api.tiingo.com", description="Tiingo's service.")
    tiingo_token: SecretStr | None = Field(default=None, description="Tiingo's key; sent as a header only.")
