"""``convex doctor``: does what is set up here work, and if not, what to do."""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape

from convex.diagnosis.finding import Finding, Verdict

_COLOURS: Final = {Verdict.OK: "green", Verdict.FAIL: "bold red", Verdict.SKIPPED: "dim"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
) -> None:
    """Check settings, files and connections from here; exit 1 if any check failed."""
    # Here, because it needs what all services need: an image of one of them has the command, too.
    from convex.diagnosis.examination import examine

    findings = asyncio.run(examine())
    if as_json:
        for finding in findings:
            typer.echo(json.dumps(asdict(finding)))
    else:
        console = Console(soft_wrap=True, highlight=False)
        for finding in findings:
            console.print(_line(finding))
    failures = sum(finding.verdict is Verdict.FAIL for finding in findings)
    if not as_json:
        typer.echo(f"{failures} of {len(findings)} checks failed" if failures else "nothing failed")
    raise typer.Exit(1 if failures else 0)


def _line(finding: Finding) -> str:
    verdict = f"[{_COLOURS[finding.verdict]}]{finding.verdict.value:7}[/]"
    remedy = f"\n{'':28} → {escape(finding.remedy)}" if finding.remedy else ""
    return f"{verdict} {finding.check:20} {escape(finding.detail)}{remedy}"
