"""Blocks of lines: none is cut, whatever ends it and wherever a piece of the stream ends."""

import io
from pathlib import Path

import pytest

from shared.errors import ConfigError
from shared.files.ticks import line_blocks as module
from shared.files.ticks.line_blocks import line_blocks

LINES = [f"2014-05-02T12:00:{second:02}Z,1,{'2' * (second % 7 + 1)}" for second in range(60)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [30, 31, 64, 97, 1_000, 100_000])
@pytest.mark.parametrize("tail", ["", "\n", "\r\n"])
def test_no_line_is_cut(monkeypatch: pytest.MonkeyPatch, end: str, size: int, tail: str) -> None:
    monkeypatch.setattr(module, "_BLOCK_BYTES", size)
    content = (end.join(LINES) + tail).encode()

    blocks = list(line_blocks(Path("ticks.csv"), io.BytesIO(content)))

    assert all(block.endswith(b"\n") for block in blocks)
    assert b"".join(blocks).decode() == "\n".join(LINES) + "\n"
    assert max(map(len, blocks)) <= 2 * size + 1


def test_line_without_an_end_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK_BYTES", 100)
    stream = io.BytesIO(b"ts_utc,bid,ask\n" + b"9" * 100_000)

    with pytest.raises(ConfigError, match=r"ticks\.csv: has a line of more than 4 MB"):
        list(line_blocks(Path("ticks.csv"), stream))

    assert stream.tell() < 1_000
