"""Checks of this machine: Python, settings, files, the calendar, the delivery store."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic_settings import BaseSettings

from convex.doctor.finding import Finding, failed, passed, skipped
from services.notifier.config import NotifierSettings
from services.signals.config import SignalsSettings
from shared.config import load_settings, reject_unknown
from shared.domain.sessions import NEW_YORK
from shared.errors import ConfigError
from shared.pairs.loading import PairsSettings, load_pairs

_LEAST_PYTHON: Final = (3, 11)


def check_python() -> Finding:
    """Check the interpreter's version."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info < _LEAST_PYTHON:
        return failed("python", version, "use Python 3.11 or newer")
    return passed("python", version)


def check_configuration(classes: list[type[BaseSettings]]) -> Finding:
    """Check every ``CONVEX_*`` variable: that it is known, and that its value can be used."""
    problems = []
    try:
        reject_unknown(classes)
    except ConfigError as error:
        problems.append(str(error))
    for settings in classes:
        try:
            load_settings(settings)
        except ConfigError as error:
            problems.append(str(error))
    if problems:
        return failed("configuration", "; ".join(problems), "correct the variable; deploy/env explains each")
    return passed("configuration", "every CONVEX_* variable is known and usable")


def check_pairs() -> Finding:
    """Check the pairs."""
    try:
        pairs = load_pairs(load_settings(PairsSettings).pairs)
    except ConfigError as error:
        return failed("pairs", error, "correct the file, or set CONVEX_PAIRS to live, replay or simulated")
    return passed("pairs", ", ".join(f"{pair.name} ({pair.lead}, {pair.other})" for pair in pairs))


def check_rules(settings: SignalsSettings) -> Finding:
    """Check the rules file."""
    try:
        from services.signals.rules_file import load_rules, load_rules_of_pairs

        pairs = _pair_names()
        if pairs is None:
            rules = load_rules(settings.rules_file)
        else:
            rules = load_rules_of_pairs(settings.rules_file, pairs).every
    except ConfigError as error:
        return failed("rules", error, "correct the file that CONVEX_SIGNALS_RULES_FILE names")
    which = "as published" if settings.rules_file is None else str(settings.rules_file)
    return passed("rules", f"{', '.join(rule.version for rule in rules)}, {which}")


def _pair_names() -> list[str] | None:
    """Return the names of the pairs, None where they cannot be used: another check says why."""
    try:
        return [pair.name for pair in load_pairs(load_settings(PairsSettings).pairs)]
    except ConfigError:
        return None


def check_false_alarms(settings: SignalsSettings) -> Finding:
    """Check the false alarms of the rules."""
    try:
        from services.signals.false_alarms.loading import load_false_alarms

        figures = load_false_alarms(settings.false_alarms_file)
    except ConfigError as error:
        return failed("false alarms", error, "correct the file that CONVEX_SIGNALS_FALSE_ALARMS_FILE names")
    which = "as published" if settings.false_alarms_file is None else str(settings.false_alarms_file)
    return passed("false alarms", f"{', '.join(f'{pair} {rule}' for pair, rule in figures)}, {which}")


def check_proof_key(settings: SignalsSettings) -> Finding:
    """Check the key that signs proofs."""
    try:
        from services.signals.proofs.proof_key import load_proof_key

        key = load_proof_key(settings.proof_key_file)
    except ConfigError as error:
        return failed("proof key", error, "correct the file that CONVEX_SIGNALS_PROOF_KEY_FILE names")
    except ModuleNotFoundError as error:
        return skipped("proof key", f"{error.name} is not installed here; run it where signals runs")
    return passed("proof key", "none: proofs have no signature" if key is None else f"key_id {key.key_id}")


def check_calendar(*, now: datetime) -> Finding:
    """Check that the exchange calendar includes today and the days after it, in New York."""
    try:
        from shared.calendars import xnys_calendar
    except ModuleNotFoundError as error:
        return skipped("calendar", f"{error.name} is not installed here; run it where signals runs")
    calendar = xnys_calendar()
    today = now.astimezone(NEW_YORK).date().isoformat()
    if not calendar.labels[0] <= today < calendar.labels[-1]:
        return failed(
            "calendar",
            f"holds {calendar.labels[0]} to {calendar.labels[-1]}, today is {today}",
            "correct this machine's clock, or install a newer version of Convex",
        )
    kind = "a session" if calendar.is_session(today) else "no session"
    return passed("calendar", f"today, {today}, is {kind}; known until {calendar.labels[-1]}")


def check_subscriptions(settings: NotifierSettings) -> Finding:
    """Check the subscriptions file, and the secrets and pairs that it names."""
    pairs: list[str] | None
    try:
        pairs = [pair.name for pair in load_pairs(load_settings(PairsSettings).pairs)]
    except ConfigError:
        # The check of the pairs reports it; the rest of the file is checked all the same.
        pairs = None
    try:
        from services.notifier.subscriptions.file import load_subscriptions

        targets = load_subscriptions(
            settings.subscriptions_file,
            pairs=pairs,
            allowed_networks=settings.webhook_allowed_networks,
            ca_file=settings.webhook_ca_file,
            public_url=settings.public_url,
        )
    except ModuleNotFoundError as error:
        return skipped("subscriptions", f"{error.name} is not installed here; run it where the notifier runs")
    except ConfigError as error:
        return failed(
            "subscriptions",
            error,
            "correct it; deploy/env/subscriptions.toml.example shows every field of the file",
        )
    if not targets:
        return passed(
            "subscriptions", f"{settings.subscriptions_file} has no subscription: nobody gets an alert"
        )
    names = ", ".join(f"{each.subscription.name} ({each.subscription.channel.value})" for each in targets)
    return passed("subscriptions", names)


def check_store(settings: NotifierSettings) -> Finding:
    """Check that the delivery store answers; nothing is created."""
    try:
        from sqlalchemy import create_engine, inspect, text
        from sqlalchemy.exc import SQLAlchemyError

        from services.notifier.store.connecting import make_engine, parse_database_url, shown
    except ModuleNotFoundError as error:
        return skipped("store", f"{error.name} is not installed here; run it where the notifier runs")
    remedy = "correct CONVEX_NOTIFIER_DATABASE_URL; for SQLite name a file in an existing, writable folder"
    try:
        url = parse_database_url(settings.database_url)
        if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
            path = Path(str(url.database))
            if not path.exists():
                if path.parent.is_dir():
                    return passed("store", f"{shown(url)} will be created when the notifier first starts")
                return failed("store", f"{shown(url)}: its folder does not exist", remedy)
        else:
            remedy = "start PostgreSQL, or correct host, port, database, user and password of "
            remedy += "CONVEX_NOTIFIER_DATABASE_URL"
        # The store's own engine would change how a SQLite file is written.
        is_file = url.get_backend_name() == "sqlite"
        engine = create_engine(url) if is_file else make_engine(url, is_reader=True)
        try:
            with engine.connect() as connection:
                if not is_file and not inspect(connection).has_table("events"):
                    return passed("store", f"{shown(url)} answers; the notifier will make its tables")
                connection.execute(text("SELECT count(*) FROM events"))
        finally:
            engine.dispose()
    except (ConfigError, SQLAlchemyError) as error:
        return failed("store", getattr(error, "orig", None) or error, remedy)
    return passed("store", f"{shown(url)} answers")
