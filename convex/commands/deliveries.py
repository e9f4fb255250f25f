"""``convex deliveries``: what waits and why, and the way back for what was given up."""

import asyncio
import json
from collections import Counter
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.domain.instants import format_rfc3339
from shared.errors import ConfigError
from shared.text.instants import format_instant

if TYPE_CHECKING:
    from convex.deliveries import Answered
    from services.notifier.store.overview import Overview, TroubledReceiver

# Columns of the terminal in which a row is readable; a narrower one breaks the line and loses nothing.
_WIDTH_OF_A_DELIVERY = 120

app = typer.Typer(help="Messages to receivers: what waits, and sending again.", no_args_is_help=True)


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    REJECTED = "rejected"
    GONE = "gone"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    UNKNOWN = "unknown"


@app.command("list")
def list_all(
    subscription: Annotated[str | None, typer.Option(help="Only of this subscription.")] = None,
    state: Annotated[DeliveryState | None, typer.Option(help="Only in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Show at most this many deliveries.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """List the receivers that fail and the deliveries: first those that wait, then the newest that ended."""
    # Imported late: the image of another service has the command too, but not what the notifier needs.
    from convex.deliveries import list_deliveries
    from convex.settings import read_settings
    from services.notifier.config import NotifierSettings

    overview = asyncio.run(
        list_deliveries(
            read_settings(NotifierSettings),
            subscription=subscription,
            state=state.value if state else None,
            limit=limit,
        )
    )
    if as_json:
        _print_json(overview)
    else:
        _print_tables(overview, state)


@app.command("retry")
def retry(
    subscription: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="Everything of this subscription."),
    ] = None,
    delivery: Annotated[str | None, typer.Option(help="The one with this id; see list.")] = None,
    is_all: Annotated[bool, typer.Option("--all", help="Of every subscription.")] = False,
) -> None:
    """Try at once what waits, and again what was rejected or is unknown and has not expired."""
    if sum((subscription is not None, delivery is not None, is_all)) != 1:
        raise ConfigError("name one subscription, one delivery with --delivery ID, or --all of them")
    from convex.deliveries import retry_deliveries
    from convex.settings import read_settings
    from services.notifier.config import NotifierSettings

    answered = asyncio.run(
        retry_deliveries(read_settings(NotifierSettings), subscription=subscription, delivery_id=delivery)
    )
    asked = answered.asked
    if asked.request_id is None:
        typer.echo("nothing waits, and nothing that was given up can be sent again")
        return
    typer.echo(
        f"{_count(asked.due)} due now, {_count(asked.revived)} pending again that "
        f"{'was' if asked.revived == 1 else 'were'} given up"
    )
    _say_when(answered)


@app.command("enable")
def enable(
    subscription: Annotated[str, typer.Argument(metavar="NAME", help="The subscription.")],
) -> None:
    """Send to a receiver again that wanted no more messages (410 Gone, or webhook-delivery: disable)."""
    from convex.deliveries import enable_receiver
    from convex.settings import read_settings
    from services.notifier.config import NotifierSettings

    answered = asyncio.run(enable_receiver(read_settings(NotifierSettings), subscription))
    if answered.asked.request_id is None:
        typer.echo(f"{subscription} is not switched off: there is nothing to do")
        return
    typer.echo(f"{subscription} is switched on, {_count(answered.asked.revived)} pending again")
    _say_when(answered)


def _say_when(answered: "Answered") -> None:
    if answered.is_taken:
        typer.echo("the running notifier has taken it")
    else:
        typer.echo("no notifier has taken it yet: it is done when one starts")


def _count(number: int) -> str:
    return "1 delivery" if number == 1 else f"{number:,} deliveries"


def _print_json(overview: "Overview") -> None:
    for receiver in overview.receivers:
        typer.echo(json.dumps({"record": "receiver", **_with_instants(asdict(receiver))}))
    for count in overview.counts:
        typer.echo(json.dumps({"record": "count", **asdict(count)}))
    for delivery in overview.deliveries:
        typer.echo(json.dumps({"record": "delivery", **_with_instants(asdict(delivery))}))


def _with_instants(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with RFC 3339 text in the place of nanoseconds."""
    return {
        name.removesuffix("_ns"): format_rfc3339(value)
        if name.endswith("_at_ns") and value is not None
        else value
        for name, value in (
            (name.replace("since_ns", "since_at_ns").replace("before_ns", "before_at_ns"), value)
            for name, value in fields.items()
        )
    }


def _print_tables(overview: "Overview", state: DeliveryState | None) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    for receiver in overview.receivers:
        console.print(escape(_sentence(receiver)), soft_wrap=True)
    summary = Table("subscription", "channel", *(each.value for each in DeliveryState))
    by_receiver: dict[tuple[str, str], Counter[str]] = {}
    for count in overview.counts:
        by_receiver.setdefault((count.subscription, count.channel), Counter())[count.state] += count.count
    for (name, channel), counts in by_receiver.items():
        summary.add_row(escape(name), channel, *(f"{counts[each.value]:,}" for each in DeliveryState))
    if by_receiver:
        console.print(summary)
    table = Table("number", "subscription", "state", "attempts", "next attempt / end (UTC)", "reason")
    # Whole on any terminal, and in a pipe: the id is copied into retry --delivery.
    table.add_column("id", no_wrap=True)
    for each in overview.deliveries:
        at_ns = each.ended_at_ns if each.ended_at_ns is not None else each.next_attempt_at_ns
        table.add_row(
            str(each.endpoint_sequence),
            escape(each.subscription),
            each.state,
            str(each.attempts),
            _instant(at_ns),
            escape(each.last_reason),
            each.delivery_id,
        )
    if overview.deliveries:
        Console(width=max(console.width, _WIDTH_OF_A_DELIVERY)).print(table)
    total = sum(count.count for count in overview.counts if state is None or count.state == state.value)
    left_out = total - len(overview.deliveries)
    typer.echo(_count(total) + (f", {left_out:,} not shown (--limit)" if left_out > 0 else ""))


def _sentence(receiver: "TroubledReceiver") -> str:
    if receiver.is_gone:
        return (
            f"{receiver.subscription}: switched off since {_instant(receiver.gone_at_ns)} "
            f"({receiver.gone_reason}); the way back: convex deliveries enable {receiver.subscription}"
        )
    parts = []
    if receiver.failing_since_ns is not None:
        parts.append(f"fails since {_instant(receiver.failing_since_ns)}")
    if receiver.not_before_ns is not None:
        parts.append(f"asked to be left alone until {_instant(receiver.not_before_ns)}")
    return f"{receiver.subscription}: {', '.join(parts)}"


def _instant(ns: int | None) -> str:
    return "-" if ns is None else format_instant(format_rfc3339(ns)).removesuffix(" UTC")
