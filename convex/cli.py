"""The command ``convex``: registers every command, and prints an error as one clear line.

Exit codes: 0 asked to stop or done, 1 crashed or Kafka cannot be reached, 2 configuration or input.
"""

import logging
import sys

import typer

from convex.commands import (
    backtest,
    calibrate,
    deadletters,
    deliveries,
    demo,
    doctor,
    explain,
    services,
    testfire,
    topics,
)
from shared.errors import ConfigError, ServiceError

app = typer.Typer(
    name="convex",
    help="Watch pairs of markets and send one alert when a pair diverges from its own history.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
services.register(app)
app.command("backtest")(backtest.backtest)
app.command("calibrate")(calibrate.calibrate)
app.command("explain")(explain.explain)
app.command("demo")(demo.demo)
app.add_typer(topics.app, name="topics")
app.add_typer(deadletters.app, name="deadletters")
app.add_typer(deliveries.app, name="deliveries")
app.command("test-fire")(testfire.fire)
app.command("doctor")(doctor.doctor)


def main() -> None:
    """Run the command line; the console script calls this."""
    # aiokafka's own log lines would come before our one line; a service's log still gets them.
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    try:
        app()
    except ConfigError as error:
        _print_error(error)
        sys.exit(2)
    except ServiceError as error:
        _print_error(error)
        sys.exit(1)


def _print_error(error: ServiceError) -> None:
    from shared.logs import redact_text

    # One line without credentials, whatever the message quotes from a file or a broker.
    print(f"convex: {redact_text(' '.join(str(error).split()))}", file=sys.stderr)  # noqa: T201 - the terminal is the interface
