"""The columns of a block of a tick file, split and read by Arrow."""

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from shared.files.ticks.epoch_numbers import parse_epoch
from shared.files.ticks.instant_layouts import parse_instants
from shared.files.ticks.recognition import TickColumns


def split_block(block: bytes, columns: TickColumns) -> pa.Table:
    """Return the columns by their position: instants as text, prices as numbers.

    Raises
    ------
    pyarrow.ArrowInvalid
        If a row has another number of cells than the header, or a price is no number.
    """
    texts = [*columns.time, *([] if columns.symbol is None else [columns.symbol])]
    prices = (columns.bid, columns.ask)
    return pa.csv.read_csv(
        pa.BufferReader(block),
        read_options=pa.csv.ReadOptions(
            use_threads=False,
            block_size=len(block) + 1,
            column_names=[str(at) for at in range(columns.width)],
        ),
        parse_options=pa.csv.ParseOptions(delimiter=columns.delimiter),
        convert_options=pa.csv.ConvertOptions(
            include_columns=[str(at) for at in (*texts, *prices)],
            column_types={
                **{str(at): pa.string() for at in texts},
                **{str(at): pa.float64() for at in prices},
            },
            decimal_point=columns.decimal,
            null_values=[""] if columns.format.is_carried else [],
        ),
    )


def time_texts(table: pa.Table, columns: TickColumns) -> pa.StringArray:
    """Return the instants of all rows; date and time are joined by a space."""
    texts = table.column(str(columns.time[0])).combine_chunks()
    for at in columns.time[1:]:
        import pyarrow.compute as pc  # 40 ms that most files do not need

        texts = pc.binary_join_element_wise(texts, table.column(str(at)).combine_chunks(), " ")
    return texts


def instants_of(texts: pa.StringArray, columns: TickColumns) -> NDArray[np.int64]:
    """Return instants, as a file's columns are written, as nanoseconds since the Unix epoch.

    Raises
    ------
    ValueError
        If any of the texts is none.
    """
    if columns.unit is not None:
        return parse_epoch(texts, columns.unit)
    assert columns.layout is not None  # noqa: S101 - instants are numbers or have a layout
    return parse_instants(texts, columns.layout, columns.zone)


def carried_prices(column: pa.ChunkedArray, before: str) -> NDArray[np.float64] | None:
    """Return prices with the one above in the place of an empty one, or None where nothing is above."""
    array = column.combine_chunks()
    # The buffers themselves: to_numpy would import pandas.
    validity, values = array.buffers()
    rows = slice(array.offset, array.offset + len(array))
    prices = np.frombuffer(values, dtype=np.float64)[rows]
    if not array.null_count:
        return prices
    is_empty = np.unpackbits(np.frombuffer(validity, dtype=np.uint8), bitorder="little")[rows] == 0
    from_row = np.maximum.accumulate(np.where(is_empty, -1, np.arange(len(prices))))
    if from_row[0] >= 0:
        return prices[from_row]
    if not before:
        return None
    return np.where(from_row < 0, float(before), prices[from_row])
