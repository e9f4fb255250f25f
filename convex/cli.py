"""The command ``convex``: shows every command, imports the one that is called, prints an error as one line.

Exit codes: 0 asked to stop or done, 1 crashed or Kafka cannot be reached, 2 configuration or input.
"""

import logging
import sys
from typing import Final

import typer

from convex.late_commands import LateCommand, late_group
from shared.errors import ConfigError, ServiceError

# In the order of the help. Each text is the first paragraph of the command's own help.
COMMANDS: Final[dict[str, LateCommand]] = {
    "ingestor": ("convex.commands.services:ingestor", "Stream ticks, bars and macro series into Kafka."),
    "signals": ("convex.commands.services:signals", "Turn ticks and bars into divergence events."),
    "notifier": ("convex.commands.services:notifier", "Deliver events as e-mails and signed webhooks."),
    "dashboard": ("convex.commands.services:dashboard", "Serve the comparison page."),
    "backtest": (
        "convex.commands.backtest:backtest",
        "List the alerts that these rules would have sent; ticks are replayed after the daily history.",
    ),
    "calibrate": (
        "convex.commands.calibrate:calibrate",
        "Estimate how often chance alone would open each rule in a year.",
    ),
    "choose": (
        "convex.commands.choose:choose",
        "Compare the levels of a kind by false alarms, hit rates and delay, and say if any beats chance.",
    ),
    "explain": (
        "convex.commands.explain:explain",
        "Recompute an event from the log and print each step; exit 1 if a number differs.",
    ),
    "verify": (
        "convex.commands.verify:verify",
        "Prove that exactly the published events follow from the log; exit 1 if they do not.",
    ),
    "what-if": (
        "convex.commands.what_if:what_if",
        "Compare the alerts of two rule files on the same log, event by event.",
    ),
    "why-not": (
        "convex.commands.why_not:why_not",
        "Show what each rule saw at an instant, what held back an alert, and what it would have needed.",
    ),
    "demo": (
        "convex.commands.demo:demo",
        "Run the whole system on this machine: page, events, e-mails, webhooks.",
    ),
    "test-fire": (
        "convex.commands.testfire:fire",
        "Send every subscription of a pair a message that says it is a test; print its event_id.",
    ),
    "doctor": (
        "convex.commands.doctor:doctor",
        "Check settings, files and connections from here; exit 1 if any check failed.",
    ),
    "topics": ("convex.commands.topics:app", "Kafka topics."),
    "deadletters": ("convex.commands.deadletters:app", "Records that could not be used and were kept."),
    "deliveries": (
        "convex.commands.deliveries:app",
        "Messages to receivers: what waits, and sending again.",
    ),
}

app = typer.Typer(
    name="convex",
    cls=late_group(COMMANDS),
    help="Watch pairs of markets and send one alert when a pair diverges from its own history.",
    callback=lambda: None,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


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
