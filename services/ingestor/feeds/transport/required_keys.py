"""The key of a provider that answers nobody without one."""

from pydantic import SecretStr

from shared.errors import ConfigError


def required_key(key: SecretStr | None, *, variable: str, provider: str) -> str:
    """Return a key as text.

    Parameters
    ----------
    variable
        Name of the environment variable that sets it.

    Raises
    ------
    ConfigError
        If it is not set.

    Examples
    --------
    >>> required_key(SecretStr("k3y"), variable="CONVEX_INGESTOR_FINNHUB_KEY", provider="Finnhub")
    'k3y'
    >>> required_key(None, variable="CONVEX_INGESTOR_FINNHUB_KEY", provider="Finnhub")
    Traceback (most recent call last):
    shared.errors.ConfigError: Finnhub needs a key: set CONVEX_INGESTOR_FINNHUB_KEY
    """
    text = key.get_secret_value().strip() if key is not None else ""
    if not text:
        raise ConfigError(f"{provider} needs a key: set {variable}")
    return text
