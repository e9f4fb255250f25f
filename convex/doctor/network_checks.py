"""Checks over the network: the mail server, and the readiness of each service."""

import asyncio
import json
import ssl
import urllib.error
import urllib.request
from typing import Final

from convex.doctor.finding import Finding, failed, passed, skipped
from services.notifier.config import SmtpSecurity, SmtpSettings
from shared.config import HealthSettings

_TIMEOUT_SECONDS: Final = 5.0
_ANYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104 - to be replaced by this machine's address


async def check_smtp(settings: SmtpSettings) -> Finding:
    """Connect to the mail server and log in as the notifier would; nothing is sent."""
    if settings.host is None:
        return skipped("smtp", "CONVEX_NOTIFIER_SMTP__HOST is not set: no e-mail")
    try:
        import aiosmtplib
    except ModuleNotFoundError as error:
        return skipped("smtp", f"{error.name} is not installed here; run it where the notifier runs")
    where = f"{settings.host}:{settings.port}"
    context = None
    try:
        if settings.security is not SmtpSecurity.NONE:
            ca_file = settings.ca_file
            context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
        client = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            username=settings.username,
            password=settings.password.get_secret_value() if settings.password else None,
            timeout=min(settings.timeout_seconds, _TIMEOUT_SECONDS),
            use_tls=settings.security is SmtpSecurity.TLS,
            start_tls=settings.security is SmtpSecurity.STARTTLS,
            tls_context=context,
        )
        async with client:
            await client.noop()
    except (aiosmtplib.SMTPException, OSError) as error:
        return failed(
            "smtp", f"{where}: {error}", "correct CONVEX_NOTIFIER_SMTP__*, or start the mail server"
        )
    login = f", logged in as {settings.username}" if settings.username else ""
    return passed("smtp", f"{where} answers ({settings.security.value}{login})")


async def check_ready(service: str, settings: HealthSettings) -> Finding:
    """Ask a service whether it is ready."""
    check = f"{service} ready"
    if settings.port == 0:
        return skipped(check, f"CONVEX_{service.upper()}_HEALTH__PORT is not set")
    host = "127.0.0.1" if settings.host in _ANYWHERE else settings.host
    url = f"http://{host}:{settings.port}/readyz"
    try:
        status, body = await asyncio.to_thread(_get, url)
    except OSError as error:
        return failed(check, f"{url}: {error}", f"start it: convex {service}")
    if status == 200:
        return passed(check, url)
    return failed(check, f"{url}: {_reasons(body)}", f"look at the log of {service}")


def _get(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310 - http, built above
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def _reasons(body: bytes) -> str:
    try:
        failing: dict[str, str] = json.loads(body)["failed"]
    except (ValueError, KeyError, TypeError):
        return body[:200].decode(errors="replace")
    return "; ".join(f"{name}: {why}" for name, why in failing.items())
