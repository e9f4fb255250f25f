"""Where each provider is, and the keys it is asked with; a part of `IngestorSettings`.

A provider's section has its addresses and its keys, and no limit of time: those are the same for all.
"""

from typing import Any

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from services.ingestor.core.service_addresses import address_problem


class ProviderSettings(BaseSettings):
    """Addresses and keys, named after their provider.

    A key is kept without the blanks around it, which a file or a copied text adds.
    """

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
    tiingo_token: SecretStr | None = Field(
        default=None, description="Tiingo's key; sent as a header, or in the frame that subscribes."
    )
    tiingo_fx_websocket_url: str = Field(
        default="wss://api.tiingo.com/fx", description="Tiingo's websocket of currencies and metals."
    )
    tiingo_fx_threshold_level: int = Field(
        default=5,
        ge=0,
        le=10,
        description="Which updates Tiingo sends: 5 is every change of the best prices; if it is answered "
        "with error 400, set 7.",
    )
    tiingo_iex_websocket_url: str = Field(
        default="wss://api.tiingo.com/iex", description="Tiingo's websocket of US stocks at IEX."
    )
    tiingo_iex_threshold_level: int = Field(
        default=6,
        ge=0,
        le=10,
        description="6 is a reference price, for every plan; 5 and 0 are IEX's own trades and quotes, "
        "which need a contract with IEX.",
    )

    # Binance
    binance_websocket_url: str = Field(
        default="wss://data-stream.binance.vision",
        description="Binance's websocket; this host has market data only.",
    )
    binance_rest_url: str = Field(
        default="https://data-api.binance.vision",
        description="Binance's REST service: missed trades; this host has the newest thousand only.",
    )

    # Finnhub
    finnhub_key: SecretStr | None = Field(
        default=None, description="Finnhub's key; it allows one connection at a time."
    )
    finnhub_websocket_url: str = Field(default="wss://ws.finnhub.io", description="Finnhub's websocket.")

    # Twelve Data
    twelvedata_key: SecretStr | None = Field(default=None, description="Twelve Data's key.")
    twelvedata_websocket_url: str = Field(
        default="wss://ws.twelvedata.com/v1/quotes/price", description="Twelve Data's websocket."
    )
    twelvedata_rest_url: str = Field(
        default="https://api.twelvedata.com", description="Twelve Data's REST service: daily bars."
    )

    # Alpha Vantage
    alpha_vantage_url: str = Field(
        default="https://www.alphavantage.co", description="Alpha Vantage's service."
    )
    alpha_vantage_key: SecretStr | None = Field(
        default=None, description="Alpha Vantage's key; it has to be part of the query."
    )
    alpha_vantage_is_premium: bool = Field(
        default=False,
        description="The key may ask for adjusted closes and more than the last 100 sessions.",
    )

    # Stooq, unofficial
    stooq_url: str = Field(default="https://stooq.com", description="Stooq's daily tables.")

    # FRED
    fred_url: str = Field(default="https://api.stlouisfed.org", description="FRED's service.")
    fred_key: SecretStr | None = Field(
        default=None, description="FRED's key, which is free; sent in the query, as FRED demands."
    )
    fred_graph_url: str = Field(
        default="https://fred.stlouisfed.org",
        description="FRED's graphs, for series named fredgraph:..., without a key and without vintages.",
    )

    # Cboe
    cboe_url: str = Field(default="https://cdn.cboe.com", description="Cboe's history files of its indices.")

    # CoinGecko
    coingecko_url: str = Field(
        default="https://api.coingecko.com",
        description="CoinGecko's service; a paid key needs https://pro-api.coingecko.com.",
    )
    coingecko_key: SecretStr | None = Field(
        default=None, description="CoinGecko's key; not needed; sent as a header only."
    )

    # Massive, called Polygon.io before; one key for all its services
    massive_key: SecretStr | None = Field(
        default=None, description="Massive's key; sent in a login frame or a header only."
    )
    massive_forex_websocket_url: str = Field(
        default="wss://socket.massive.com/forex", description="Massive's websocket of currencies and metals."
    )
    massive_stocks_websocket_url: str = Field(
        default="wss://socket.massive.com/stocks", description="Massive's websocket of US stocks."
    )

    massive_rest_url: str = Field(
        default="https://api.massive.com", description="Massive's REST service: daily bars."
    )

    # Alpaca
    alpaca_key_id: SecretStr | None = Field(default=None, description="First half of Alpaca's key.")
    alpaca_secret_key: SecretStr | None = Field(default=None, description="Second half of Alpaca's key.")
    alpaca_websocket_url: str = Field(
        default="wss://stream.data.alpaca.markets/v2/iex",
        description="Alpaca's websocket; IEX is the exchange that its free plan has.",
    )

    alpaca_rest_url: str = Field(
        default="https://data.alpaca.markets", description="Alpaca's market data service: daily bars."
    )

    # OANDA v20
    oanda_token: SecretStr | None = Field(default=None, description="OANDA's key; sent as a header only.")
    oanda_account: SecretStr | None = Field(
        default=None, description="OANDA's account, such as 101-001-1234567-001; part of the address."
    )
    oanda_stream_url: str = Field(
        default="https://stream-fxpractice.oanda.com",
        description="OANDA's stream; the key of a live account needs https://stream-fxtrade.oanda.com.",
    )

    oanda_rest_url: str = Field(
        default="https://api-fxpractice.oanda.com",
        description="OANDA's REST service: past closes; a live account needs https://api-fxtrade.oanda.com.",
    )

    # Swissquote, polled, unofficial
    swissquote_url: str = Field(
        default="https://forex-data-feed.swissquote.com", description="Swissquote's public quotes."
    )
    swissquote_platform: str = Field(
        default="SwissquoteLtd", description="The platform whose quote is taken, of those that it lists."
    )
    swissquote_profile: str = Field(
        default="premium", description="The spread profile whose quote is taken, of those that it lists."
    )

    # gold-api.com, polled
    gold_api_url: str = Field(default="https://api.gold-api.com", description="gold-api.com's service.")

    @field_validator("*")
    @classmethod
    def _addresses_can_be_used(cls, value: Any, info: ValidationInfo) -> Any:
        name = info.field_name or ""
        if isinstance(value, str) and name.endswith("_url"):
            problem = address_problem(value, is_websocket=name.endswith("_websocket_url"))
            if problem is not None:
                raise ValueError(problem)
        return value

    @field_validator("*", mode="after")
    @classmethod
    def _is_a_key(cls, value: object) -> object:
        """Refuse what no HTTP header can carry: it would fail anew with each request."""
        if not isinstance(value, SecretStr):
            return value
        key = value.get_secret_value().strip()
        wrong = next((at for at, each in enumerate(key) if not " " <= each <= "~"), None)
        if wrong is not None:
            raise ValueError(
                f"its character {wrong + 1} cannot be part of a key: only ASCII letters, digits and signs "
                "can; copy the key again"
            )
        return SecretStr(key)
