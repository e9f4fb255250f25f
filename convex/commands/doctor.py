"""``convex doctor``: check the set-up, and say what to do about each problem."""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated, Final

import typer

_COLOURS: Final = {"ok": "green", "FAIL": "bold red", "skipped": "dim"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
    no_providers: Annotated[
        bool, typer.Option("--no-providers", help="Ask no provider of market data.")
    ] = False,
) -> None:
    """Check settings, files and connections from here; exit 1 if any check failed."""
    from rich.console import Console
    from rich.markup import escape

    # Imported late: the image of one service has the command too, but not what the other services need.
    from convex.doctor.finding import CheckVerdict
    from convex.doctor.run_checks import run_checks

    findings = asyncio.run(run_checks(has_providers=not no_providers))
    if as_json:
        for finding in findings:
            typer.echo(json.dumps(asdict(finding)))
    else:
        console = Console(soft_wrap=True, highlight=False)
        for finding in findings:
            verdict = f"[{_COLOURS[finding.verdict.value]}]{finding.verdict.value:7}[/]"
            remedy = f"\n{'':28} → {escape(finding.remedy)}" if finding.remedy else ""
            console.print(f"{verdict} {finding.check:20} {escape(finding.detail)}{remedy}")
    failures = sum(finding.verdict is CheckVerdict.FAIL for finding in findings)
    if not as_json:
        typer.echo(f"{failures} of {len(findings)} checks failed" if failures else "nothing failed")
    raise typer.Exit(1 if failures else 0)
