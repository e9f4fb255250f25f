"""Every golden output by its name; what people read is apart from what programs read."""

import asyncio
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from tests.golden import backtests, deliveries, engine, pages

FOLDER = Path(__file__).parent
STRUCTURED = FOLDER / "structured.json"
# One file each, so that those who improve the texts of one do not meet those who improve another's.
MAILS, PAGES, REPORTS = FOLDER / "mails.json", FOLDER / "pages.json", FOLDER / "reports.json"


@dataclass(slots=True)
class Outputs:
    """Outputs as bytes.

    Parameters
    ----------
    structured
        What programs read. Never changes unless a changelog says that behaviour changes.
    words
        What people read, by the file of its digests. Changes whenever a text is improved.
    readable
        Texts that are kept whole beside the digests, so that a change shows in the diff.
    """

    structured: dict[str, bytes] = field(default_factory=dict)
    words: dict[Path, dict[str, bytes]] = field(default_factory=dict)
    readable: dict[str, str] = field(default_factory=dict)


@lru_cache(maxsize=1)
def run_of_six_pairs() -> engine.Output:
    """Return what the engine makes of the six pairs, computed once."""
    return engine.run()


def of_engine() -> Outputs:
    """Return events, sampled closes and snapshots of the six pairs."""
    made = run_of_six_pairs()
    outputs = Outputs()
    outputs.structured = {
        "six pairs: events": b"\n".join(made.events),
        "six pairs: sampled closes": b"\n".join(made.sampled),
        "six pairs: snapshots": b"\n".join(made.snapshots),
        "six pairs: suppressed": orjson.dumps(dict(sorted(made.suppressed.items()))),
    }
    outputs.readable["six_pairs_events.txt"] = "".join(map(_line, made.events))
    return outputs


def of_notifier() -> Outputs:
    """Return webhooks and mails about the first events of each sort."""
    outputs = Outputs()
    with TemporaryDirectory() as folder:
        sent = asyncio.run(
            deliveries.deliver(deliveries.choose(run_of_six_pairs().events), folder=Path(folder))
        )
    outputs.structured = {
        "webhooks: headers and bodies": b"\n".join(each.signed for each in sent),
        "mails: headers but the subject": b"\n".join(each.envelope for each in sent),
    }
    mails = [each.mail.content for each in sent if each.mail is not None]
    outputs.words[MAILS] = {"mails: every byte": b"\n".join(mails)}
    # One of each sort is enough to be read.
    texts = {
        tuple(each.event[name] for name in ("kind", "type")): each.text
        for each in reversed(sent)
        if each.mail is not None
    }
    outputs.readable["mails.txt"] = "\n=====\n".join(texts[sort] for sort in sorted(texts))
    return outputs


def of_dashboard() -> Outputs:
    """Return the JSON of the API, and the HTML of the pages."""
    made = run_of_six_pairs()
    answers = asyncio.run(pages.visit(snapshots=made.last_snapshots, events=made.events))
    return Outputs(
        structured={f"JSON of {path}": body for path, body in answers.json.items()},
        words={PAGES: {f"HTML of {path}": body for path, body in answers.html.items()}},
    )


def of_shared_pair() -> Outputs:
    """Return the backtest of the real pair."""
    with TemporaryDirectory() as folder:
        return _of_backtest("shared pair", backtests.backtest_of_the_shared_pair(Path(folder)))


def of_ticks(ticks: Path) -> Outputs:
    """Return the backtest of the real ticks."""
    with TemporaryDirectory() as folder:
        return _of_backtest("two million ticks", backtests.backtest_of_two_million_ticks(Path(folder), ticks))


def digest(value: bytes) -> str:
    """Return what is committed of an output."""
    return sha256(value).hexdigest()


def committed(path: Path) -> dict[str, str]:
    """Return the committed digests by the outputs' names."""
    digests: dict[str, str] = orjson.loads(path.read_bytes()) if path.exists() else {}
    return digests


def _of_backtest(name: str, files: dict[str, bytes]) -> Outputs:
    return Outputs(
        structured={f"{name}: {file}": files[file] for file in ("events.jsonl", "stats.csv")},
        words={REPORTS: {f"{name}: report.html": files["report.html"]}},
    )


def _line(value: bytes) -> str:
    event = orjson.loads(value)
    names = ("occurred_at", "pair", "sequence", "kind", "direction", "type", "severity", "confirmation")
    words = [str(event[name]) for name in names]
    return " ".join([*words, event["event_id"]]) + "\n"
