"""The instant of each line of a block of a tick file, as far as the line is a quote."""

from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shared.files.csv_fields import LEAST, MOST
from shared.files.ticks.arrow_columns import carried_prices, instants_of, split_block, time_texts
from shared.files.ticks.misplaced_rows import NO_INSTANT
from shared.files.ticks.recognition import TickColumns
from shared.files.ticks.rows import usable_instants

# As in the reader: below, single lines are looked at.
_FEW_LINES: Final = 200
_PARTS: Final = 16


def instants_in(path: Path, columns: TickColumns, block: bytes) -> NDArray[np.int64]:
    """Return for each line its instant, or `NO_INSTANT` where the line is no quote that can be used."""
    lines = block.count(b"\n")
    found = _at_once(block, lines, columns)
    if found is not None:
        return found
    if lines <= _FEW_LINES:
        texts = block.decode(errors="replace").split("\n")[:lines]
        alone = usable_instants(path, texts, columns)
        return np.array([NO_INSTANT if each is None else each for each in alone], dtype=np.int64)
    parts, begin = [], 0
    while begin < len(block):
        end = block.find(b"\n", min(begin + len(block) // _PARTS, len(block) - 1)) + 1
        parts.append(instants_in(path, columns, block[begin:end]))
        begin = end
    return np.concatenate(parts)


def _at_once(block: bytes, lines: int, columns: TickColumns) -> NDArray[np.int64] | None:
    try:
        if not block.isascii():
            block.decode()
        table = split_block(block, columns)
        if table.num_rows != lines or not lines:
            return None
        instants = instants_of(time_texts(table, columns), columns)
    except (ValueError, pa.ArrowInvalid):
        return None
    if columns.format.is_carried:
        return instants
    bid, ask = (carried_prices(table.column(str(at)), "") for at in (columns.bid, columns.ask))
    if bid is None or ask is None:
        return None
    is_price = (bid >= LEAST) & (bid <= ask) & (ask <= MOST)
    return np.where(is_price, instants, NO_INSTANT)
