"""Input files as they come: packed, in other encodings, damaged; and the line that names what is wrong."""

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path

import pytest

from shared.errors import ConfigError
from shared.files import containers
from shared.files.input_file import open_binary, open_text

TEXT = "date,close\n2020-01-02,1529.13\n" + "".join(
    f"2020-02-{day:02},15{day:02}.5\n" for day in range(1, 29)
)


def zipped(members: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def error_of(path: Path) -> str:
    said = []
    for opened in (open_text, open_binary):
        with pytest.raises(ConfigError) as caught, opened(path) as stream:
            stream.read()
        said.append(str(caught.value))
    assert said[0] == said[1] or "UTF-8 text" in said[0]
    assert "\n" not in said[0]
    assert said[0].startswith(f"{path}: ")
    return said[0].removeprefix(f"{path}: ")


def packed(name: str) -> bytes:
    plain = TEXT.encode()
    return {
        "plain": plain,
        "gz": gzip.compress(plain),
        "gz of two parts": gzip.compress(plain[:40]) + gzip.compress(plain[40:]),
        "xz": lzma.compress(plain),
        "bz2": bz2.compress(plain),
        "zip": zipped({"gold.csv": TEXT}),
        "zip with a folder": zipped({"data/gold.csv": TEXT, "data/": "", "__MACOSX/gold.csv": "x"}),
        "zip with the note of HistData": zipped(
            {"DAT_ASCII_XAUUSD_T_201405.csv": TEXT, "DAT_ASCII_XAUUSD_T_201405.txt": "gaps"}
        ),
        "utf-8 with mark": b"\xef\xbb\xbf" + plain,
        "utf-16 little": TEXT.encode("utf-16"),
        "utf-16 big": b"\xfe\xff" + TEXT.encode("utf-16-be"),
        "utf-32": TEXT.encode("utf-32"),
        "gz of utf-16": gzip.compress(TEXT.encode("utf-16")),
    }[name]


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "zip"])
@pytest.mark.parametrize(
    "name",
    [
        "plain",
        "gz",
        "gz of two parts",
        "xz",
        "bz2",
        "zip",
        "zip with a folder",
        "zip with the note of HistData",
        "utf-8 with mark",
        "utf-16 little",
        "utf-16 big",
        "utf-32",
        "gz of utf-16",
    ],
)
def test_text_is_read_by_what_the_content_is_whatever_the_name(
    tmp_path: Path, name: str, suffix: str
) -> None:
    path = write(tmp_path / f"gold.{suffix}", packed(name))

    with open_text(path) as text:
        assert text.read() == TEXT
    with open_binary(path) as stream:
        assert stream.read() == TEXT.encode()


def test_utf16_is_read_in_pieces_without_losing_a_character(tmp_path: Path) -> None:
    text = "é€,\U0001f4c8\r\n" * 50_000
    path = write(tmp_path / "odd.csv", text.encode("utf-16"))

    with open_binary(path) as stream:
        pieces = list(iter(lambda: stream.read(4_001), b""))

    assert b"".join(pieces).decode() == text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            zipped({"gold.csv": TEXT, "iwm.csv": TEXT}),
            "is a zip with 2 files (gold.csv, iwm.csv); unpack it and",
        ),
        (
            zipped({"gold.csv": TEXT, "note.txt": "x"}),
            "is a zip with 2 files (gold.csv, note.txt); unpack it",
        ),
        (zipped({"data/": ""}), "is a zip with no file; unpack it"),
        (zipped({}), "is a zip with no file; unpack it"),
        (zipped({"xl/workbook.xml": "<x/>"}), "is an Excel workbook (.xlsx); save the sheet as CSV UTF-8"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an Excel workbook (.xls); save the sheet as CSV UTF-8"),
        (b"PAR1\x15\x04", "is a Parquet file; write it out as CSV"),
        (b"7z\xbc\xaf\x27\x1c\x00", "is a 7z archive; unpack it, or pack it as zip, gz or xz"),
        (b"\x28\xb5\x2f\xfd\x00", "is Zstandard data; unpack it"),
        (gzip.compress(TEXT.encode())[:-20], "cannot be read: Compressed file ended"),
        (lzma.compress(TEXT.encode())[:-20], "cannot be read: Compressed file ended"),
        (bz2.compress(TEXT.encode())[:-20], "cannot be read: Compressed file ended"),
        (
            zipped({"gold.csv": TEXT})[:-30],
            "cannot be read: File is not a zip file; it is damaged or cut short",
        ),
        (TEXT.encode("utf-16-le"), "looks like UTF-16 without a byte order mark; save it as CSV UTF-8"),
        (TEXT.encode("utf-16-be"), "looks like UTF-16 without a byte order mark; save it as CSV UTF-8"),
        (
            TEXT.encode("utf-16")[:-1],
            "must be UTF-16-LE text as its first bytes say: truncated data; save it",
        ),
    ],
)
def test_what_cannot_be_read_is_one_line_with_the_remedy(tmp_path: Path, content: bytes, said: str) -> None:
    assert error_of(write(tmp_path / "gold.csv", content)).startswith(said)


@pytest.mark.parametrize("pack", [gzip.compress, lambda plain: zipped({"gold.csv": plain.decode()})])
def test_damage_in_the_middle_is_found_by_the_checksum(tmp_path: Path, pack: object) -> None:
    content = bytearray(pack(TEXT.encode()))  # type: ignore[operator]  # one of the two above
    at = len(content) - 6 if content[:2] == b"\x1f\x8b" else content.index(b"PK\x01\x02") + 16
    content[at] ^= 0xFF

    said = error_of(write(tmp_path / "gold.csv", bytes(content)))

    assert said.startswith("cannot be read: ")
    assert "CRC" in said
    assert said.endswith("it is damaged or cut short, get it again")


def test_zip_with_a_password_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped({"gold.csv": TEXT}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1

    assert error_of(write(tmp_path / "gold.zip", bytes(content))) == "is a zip with a password; unpack it"


def test_bomb_is_stopped_at_a_hundred_times_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "_ALWAYS_ALLOWED_BYTES", 1 << 20)
    path = write(tmp_path / "gold.csv.gz", gzip.compress(b"2020-01-02,1\n" * 2_000_000))

    assert error_of(path).startswith("unpacks to more than ")


def test_large_plain_file_has_no_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "_ALWAYS_ALLOWED_BYTES", 0)
    monkeypatch.setattr(containers, "_MOST_TIMES", 0)
    path = write(tmp_path / "gold.csv", TEXT.encode())

    with open_text(path) as text:
        assert text.read() == TEXT


def test_folder_and_missing_file_are_named(tmp_path: Path) -> None:
    assert error_of(tmp_path) == "cannot be read: Is a directory"
    assert error_of(tmp_path / "no.csv") == "cannot be read: No such file or directory"
