"""The Kafka settings that every service shares, as Faust wants them."""

from faust.auth import Credentials, SASLCredentials, SSLCredentials

from shared.config import KafkaSettings
from shared.kafka.clients import tls_context


def faust_credentials(settings: KafkaSettings) -> Credentials | None:
    """Return the login and the encryption of the settings, None where there is neither.

    Examples
    --------
    >>> faust_credentials(KafkaSettings()) is None
    True
    >>> settings = KafkaSettings(security_protocol="SASL_PLAINTEXT", sasl_username="convex")
    >>> faust_credentials(settings).mechanism.value
    'SCRAM-SHA-512'
    """
    context = tls_context(settings)
    if settings.security_protocol.startswith("SASL"):
        password = settings.sasl_password
        return SASLCredentials(
            username=settings.sasl_username,
            password=password.get_secret_value() if password is not None else None,
            ssl_context=context,
            mechanism=settings.sasl_mechanism,
        )
    return SSLCredentials(context) if context is not None else None
