"""Quotes from a tick file of any format in `shared.files.ticks.formats`, ascending, in bounded memory.

1. The file is unpacked as a stream and cut into blocks of whole lines.
2. Arrow splits a block and reads its prices; instants are read for all rows at once.
3. A block that is not plausible as a whole is cut into parts until a few rows are left, which are read one by
   one: to name the bad row, to leave it out and count it, or because a rare spelling is right after all.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shared.domain.ticks import QuoteBatch
from shared.files.csv_fields import LEAST, MOST
from shared.files.file_note import FileNote, NoteKind
from shared.files.input_file import bad_file, open_binary, open_text
from shared.files.reading_options import ReadingOptions
from shared.files.ticks.arrow_columns import carried_prices, instants_of, split_block, time_texts
from shared.files.ticks.formats import PLAIN
from shared.files.ticks.line_blocks import line_blocks
from shared.files.ticks.line_instants import instants_in
from shared.files.ticks.misplaced_rows import without_misplaced
from shared.files.ticks.newest_first import require_ascending
from shared.files.ticks.preamble import preamble_lines
from shared.files.ticks.recognition import (
    TickColumns,
    described,
    find_tick_format,
    require_not_misleading,
    tick_columns,
)
from shared.files.ticks.rows import BadRow, Before, SkippedRows, rows_of

# Enough rows for numpy to be faster, few enough to stay below a few MB.
_BATCH_ROWS: Final = 20_000
# Fewer rows are not worth cutting.
_FEW_ROWS: Final = 200
_PARTS: Final = 16
# The rows from which a format is recognised.
_HEAD_ROWS: Final = 200
# Lines in which the header comes, and rows that tell ticks from daily closes.
_HEADER_WITHIN: Final = 50
_FIRST_ROWS: Final = 5
_HEAD_CHARACTERS: Final = 1 << 14

_Arrays = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]


def has_tick_header(path: Path, reading: ReadingOptions | None = None) -> bool:
    """Return whether a CSV file holds ticks rather than daily rows.

    Raises
    ------
    ConfigError
        If the file cannot be read, or looks like ticks and is something else.
    """
    with open_text(path) as lines:
        head = [
            line for _ in range(_HEADER_WITHIN + _FIRST_ROWS) if (line := lines.readline(_HEAD_CHARACTERS))
        ]
    head = head[preamble_lines(head) :][: 1 + _FIRST_ROWS]
    if find_tick_format(head, reading or ReadingOptions()) is not None:
        return True
    require_not_misleading(path, head)
    return False


def read_tick_csv(
    path: Path,
    *,
    instrument: str,
    reading: ReadingOptions | None = None,
    on_note: Callable[[FileNote], None] = lambda _note: None,
) -> Iterator[QuoteBatch]:
    """Yield the file's quotes in batches of at most 20,000, in the file's order.

    ``ts_received_ns`` is the event time: a file does not say when a quote was received.

    Parameters
    ----------
    on_note
        Called with the format, unless it is the plain one, and after the last row with what was skipped.

    Raises
    ------
    ConfigError
        With file, row and field: a column that is missing or appears twice, a row longer than the
        header, an instant without a zone, a price that is not a plain positive number, a bid above its ask,
        an instant before the one above it. With ``skip_bad_rows`` single ones of these are left out: 100, and
        one in a hundred of the rows so far.
    """
    reading = reading or ReadingOptions()
    with open_binary(path) as stream:
        yield from _batches(_TickFile(path, stream, reading, on_note).arrays(), instrument)


class _TickFile:
    """One tick file while it is read."""

    def __init__(
        self, path: Path, stream: BinaryIO, reading: ReadingOptions, on_note: Callable[[FileNote], None]
    ) -> None:
        self._path = path
        self._stream = stream
        self._reading = reading
        self._on_note = on_note
        self._before = Before()
        self._skipped = SkippedRows()
        self._first_row = self._next_row = 1

    def arrays(self) -> Iterator[_Arrays]:
        """Yield instants, bids and asks of each block."""
        has_rows, has_quotes = False, False
        blocks = line_blocks(self._path, self._stream)
        first = next(blocks, None)
        if first is not None:
            columns, above = self._recognised(first)
            first = first.split(b"\n", above)[above]
            self._first_row = self._next_row = 1 + above
            blocks = chain([first], blocks)
            if self._reading.skip_bad_rows:
                blocks = self._placed(blocks, columns)
            for block in blocks:
                has_rows = has_rows or bool(block.strip())
                for arrays in self._read(block, columns):
                    has_quotes = True
                    yield arrays
        if not has_rows:
            raise bad_file(self._path, "has no rows below its header; give a file with at least one tick")
        if not has_quotes:
            raise bad_file(self._path, "has no quote: no row has a bid and an ask; give a file with both")
        if self._skipped.by_reason:
            reasons = tuple(sorted(self._skipped.by_reason.items()))
            shown = ", ".join(f"{reason} {count:,}" for reason, count in reasons)
            self._on_note(
                FileNote(
                    path=self._path,
                    kind=NoteKind.SKIPPED,
                    text=f"bad rows left out: {shown}",
                    skipped=reasons,
                )
            )

    def _recognised(self, block: bytes) -> tuple[TickColumns, int]:
        """Return the columns, and how many lines are above the first row."""
        head = block[:_HEAD_CHARACTERS].decode(errors="replace").split("\n")[:_HEAD_ROWS]
        lines = head[:-1] or head
        before_header = preamble_lines(lines)
        lines = lines[before_header:] or [""]
        found = find_tick_format(lines, self._reading)
        if found is None:
            require_not_misleading(self._path, lines)
            found = (PLAIN, ",")
        columns = tick_columns(self._path, lines, found, self._reading)
        if columns.format is not PLAIN:
            self._on_note(FileNote(path=self._path, kind=NoteKind.FORMAT, text=described(columns)))
        require_ascending(self._path, lines[columns.header_rows :], columns)
        return columns, before_header + columns.header_rows

    def _placed(self, blocks: Iterator[bytes], columns: TickColumns) -> Iterator[bytes]:
        """Yield the blocks without the rows whose instant is wrong; count those."""
        for placed in without_misplaced(blocks, partial(instants_in, self._path, columns)):
            self._skipped.rows = self._next_row + placed.block.count(b"\n") - self._first_row
            for at in placed.misplaced:
                problem = "is not in the order of time of the rows around it; sort the file"
                row = self._next_row + at
                error = bad_file(self._path, problem, row=row, field=columns.names[0])
                self._skipped.add(BadRow("out_of_order", error))
            yield placed.block

    def _read(self, block: bytes, columns: TickColumns) -> Iterator[_Arrays]:
        """Yield the quotes of a block of whole lines."""
        arrays = self._fast(block, columns)
        if arrays is not None and self._is_plausible(arrays, columns):
            self._next_row += block.count(b"\n")
            yield arrays
            return
        lines = block.count(b"\n")
        can_skip = self._reading.skip_bad_rows and not columns.format.is_carried and _is_a_row_a_line(block)
        if arrays is not None and can_skip:
            yield from self._without_bad_rows(block, arrays, columns)
        elif lines <= _FEW_ROWS:
            yield from self._slow(block, lines, columns)
        else:
            begin = 0
            while begin < len(block):
                end = block.find(b"\n", min(begin + len(block) // _PARTS, len(block) - 1)) + 1
                yield from self._read(block[begin:end], columns)
                begin = end

    def _fast(self, block: bytes, columns: TickColumns) -> _Arrays | None:
        """Return every row of a block as it is, or None if any needs a closer look to be read."""
        try:
            if not block.isascii():
                block.decode()
            table = split_block(block, columns)
            if not table.num_rows:
                return None
            events = instants_of(time_texts(table, columns), columns)
        except (ValueError, pa.ArrowInvalid):
            return None
        bid = carried_prices(table.column(str(columns.bid)), self._before.bid)
        ask = carried_prices(table.column(str(columns.ask)), self._before.ask)
        if bid is None or ask is None:
            return None
        if columns.symbol is not None and not self._is_same_symbol(table, columns):
            return None
        return events, bid, ask

    def _is_plausible(self, arrays: _Arrays, columns: TickColumns) -> bool:
        """Return whether all rows are good, and remember the last one if so."""
        events, bid, ask = arrays
        is_price = (bid >= LEAST).all() and (bid <= ask).all() and (ask <= MOST).all()
        if not is_price or events[0] < self._before.ts_ns or (events[1:] < events[:-1]).any():
            return False
        self._before.ts_ns = int(events[-1])
        if columns.format.is_carried:
            self._before.bid, self._before.ask = (repr(float(each[-1])) for each in (bid, ask))
        return True

    def _without_bad_rows(self, block: bytes, arrays: _Arrays, columns: TickColumns) -> Iterator[_Arrays]:
        """Yield the good rows of a block whose rows can all be read; count the others."""
        events, bid, ask = arrays
        is_price = (bid >= LEAST) & (bid <= ask) & (ask <= MOST)
        newest = np.maximum.accumulate(np.where(is_price, events, self._before.ts_ns))
        newest_above = np.maximum(np.concatenate(([self._before.ts_ns], newest[:-1])), self._before.ts_ns)
        is_good = is_price & (events >= newest_above)
        lines = block.split(b"\n")
        first_row, self._next_row = self._next_row, self._next_row + len(events)
        self._skipped.rows = self._next_row - self._first_row
        for row in np.flatnonzero(~is_good).tolist():
            before = Before(ts_ns=int(newest_above[row]), symbol=self._before.symbol)
            for bad in rows_of(self._path, [lines[row].decode()], columns, first_row + row, before):
                assert isinstance(bad, BadRow)  # noqa: S101 - both ways of reading agree
                self._skipped.add(bad)
        self._before.ts_ns = max(self._before.ts_ns, int(newest[-1]))
        if is_good.any():
            yield events[is_good], bid[is_good], ask[is_good]

    def _is_same_symbol(self, table: pa.Table, columns: TickColumns) -> bool:
        (symbol, *more) = table.column(str(columns.symbol)).unique().to_pylist()
        is_same = not more and self._before.symbol in ("", symbol)
        self._before.symbol = symbol if is_same else self._before.symbol
        return is_same

    def _slow(self, block: bytes, lines: int, columns: TickColumns) -> Iterator[_Arrays]:
        quotes = []
        first_row, self._next_row = self._next_row, self._next_row + lines
        self._skipped.rows = self._next_row - self._first_row
        for row in rows_of(self._path, block.decode().split("\n"), columns, first_row, self._before):
            if not isinstance(row, BadRow):
                quotes.append((row.ts_ns, row.bid, row.ask))
            elif self._reading.skip_bad_rows:
                self._skipped.add(row)
            else:
                raise row.error
        if quotes:
            events, bid, ask = zip(*quotes, strict=True)
            yield np.array(events, dtype=np.int64), np.array(bid), np.array(ask)


def _is_a_row_a_line(block: bytes) -> bool:
    """Return whether row n of the arrays is line n: Arrow leaves blank lines out."""
    return not block.startswith(b"\n") and b"\n\n" not in block


def _batches(blocks: Iterator[_Arrays], instrument: str) -> Iterator[QuoteBatch]:
    """Yield blocks of any length as batches of one length."""
    waiting: list[_Arrays] = []
    count = 0
    for block in blocks:
        waiting.append(block)
        count += len(block[0])
        if count < _BATCH_ROWS:
            continue
        events, bid, ask = _joined(waiting)
        full = count - count % _BATCH_ROWS
        for begin in range(0, full, _BATCH_ROWS):
            rows = slice(begin, begin + _BATCH_ROWS)
            yield _batch(instrument, (events[rows], bid[rows], ask[rows]))
        waiting, count = [(events[full:], bid[full:], ask[full:])], count - full
    if count:
        yield _batch(instrument, _joined(waiting))


def _joined(blocks: list[_Arrays]) -> _Arrays:
    if len(blocks) == 1:
        return blocks[0]
    return (
        np.concatenate([block[0] for block in blocks]),
        np.concatenate([block[1] for block in blocks]),
        np.concatenate([block[2] for block in blocks]),
    )


def _batch(instrument: str, arrays: _Arrays) -> QuoteBatch:
    events, bid, ask = arrays
    return QuoteBatch(
        instrument=instrument, feed="replay", ts_event_ns=events, ts_received_ns=events, bid=bid, ask=ask
    )
