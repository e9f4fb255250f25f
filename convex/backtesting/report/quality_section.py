"""The box about the data: which files were read, what was noticed about them, and how complete they are."""

from collections.abc import Sequence
from html import escape

from convex.backtesting.report.data_quality import DataQuality, LegQuality
from convex.backtesting.report.input_files import InputFile
from shared.text.instants import format_session
from shared.text.numbers import DASH, format_count


def quality_section(quality: DataQuality | None, files: Sequence[InputFile]) -> str:
    """Return the section as HTML; empty where nothing is known about the data."""
    if quality is None and not files:
        return ""
    legs = _legs(quality) if quality is not None else ""
    return f'<section id="data" class="box"><h2>Data</h2>{legs}{_files(files)}</section>'


def _legs(quality: DataQuality) -> str:
    rows = "".join(map(_leg, quality.legs))
    count = quality.held_back
    were = "was" if count == 1 else "were"
    held = (
        f"{format_count(count, 'close')} {were} held back until later closes agreed"
        if count
        else "No close was held back"
    )
    return (
        '<div class="scrolls"><table class="legs"><thead><tr><th>Leg</th><th class="n">Closes</th>'
        '<th>First</th><th>Last</th><th class="n">Sessions<br>missing</th><th>Largest gap</th>'
        '<th>Adjusted<br>closes</th><th class="n">Unchanged<br>closes</th>'
        '<th class="n">Most in<br>a row</th></tr></thead>'
        f'<tbody>{rows}</tbody></table></div><p class="source">{held}. '
        "An unchanged close equals the one before it: many in a row are often a feed that stood "
        "still.</p>"
    )


def _leg(leg: LegQuality) -> str:
    gap = leg.largest_gap
    gap_text = DASH
    if gap is not None:
        dates = format_session(gap.first)
        dates += f" to {format_session(gap.last)}" if gap.sessions > 1 else ""
        gap_text = f"{format_count(gap.sessions, 'session')}<small>{dates}</small>"
    return (
        f'<tr><td>{escape(leg.title)}</td><td class="n">{leg.closes:,}</td>'
        f"<td>{format_session(leg.first)}</td><td>{format_session(leg.last)}</td>"
        f'<td class="n">{leg.missing:,}</td><td>{gap_text}</td>'
        f"<td>{'yes' if leg.is_adjusted else 'no'}</td><td class='n'>{leg.unchanged:,}</td>"
        f"<td class='n'>{leg.longest_unchanged:,}</td></tr>"
    )


def _files(files: Sequence[InputFile]) -> str:
    if not files:
        return ""
    parts = "".join(
        f"<dt>{escape(file.name)}<small>{escape(file.leg)}</small></dt><dd>{_notes(file)}"
        f'<small class="hash">SHA-256 <code>{file.sha256}</code></small></dd>'
        for file in files
    )
    return f'<dl class="notes files">{parts}</dl>'


def _notes(file: InputFile) -> str:
    if not file.notes:
        return "<div>read without a remark</div>"
    return "".join(f'<div class="{note.kind.value}">{escape(note.text)}</div>' for note in file.notes)
