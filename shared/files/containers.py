"""What a file is by its first bytes, and the stream of the text inside: plain, gzip, zip, xz or bzip2.

The name of a file does not count: a browser unpacks a ``.gz`` and keeps its name, a vendor zips and calls it
``.csv``. Everything is unpacked as it is read, so that a file may be larger than the memory.
"""

import bz2
import gzip
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final

from shared.errors import ConfigError

# All bytes that are looked at; the longest mark is that of xz.
_HEAD: Final = 6
# Prices pack to a tenth or a twentieth. What unpacks to a hundred times its size, and is not small, was made
# to fill a memory or to take hours.
_MOST_TIMES: Final = 100
_ALWAYS_ALLOWED_BYTES: Final = 1 << 28
_FLAG_ENCRYPTED: Final = 0x1
# What the archivers of desktop systems add by themselves, beside the folder __MACOSX.
_ADDED_BY_ARCHIVERS: Final = (".DS_Store", "desktop.ini", "Thumbs.db")
_OTHER_KINDS: Final = {
    b"PAR1": "a Parquet file; write it out as CSV",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive; unpack it, or pack it as zip, gz or xz",
    b"Rar!": "a RAR archive; unpack it, or pack it as zip, gz or xz",
    b"\x28\xb5\x2f\xfd": "Zstandard data; unpack it, or pack it as zip, gz or xz",
    b"\xd0\xcf\x11\xe0": "an Excel workbook (.xls); save the sheet as CSV UTF-8",
    b"%PDF": "a PDF document; give the CSV file",
    b"SQLite": "an SQLite database; export the table as CSV",
    b"\x89HDF": "an HDF5 file; write it out as CSV",
}


class BadContainer(ConfigError):
    """A file that cannot be unpacked; the message has the remedy and lacks the path."""


def open_container(path: Path) -> tuple[IO[bytes], int | None]:
    """Open the one file inside, or the file itself when it is not packed.

    Returns
    -------
    tuple
        The stream, and how many bytes may be read from it; None where nothing is unpacked.

    Raises
    ------
    BadContainer
        If it is an archive with not exactly one file, one with a password, or a kind that is not read.
    OSError, EOFError, lzma.LZMAError, zlib.error, zipfile.BadZipFile
        If it cannot be read or is damaged; reading the stream may raise them as well.
    """
    with path.open("rb") as raw:
        head = raw.read(_HEAD)
    for mark, what in _OTHER_KINDS.items():
        if head.startswith(mark):
            raise BadContainer(f"is {what}")
    for mark, opened in _KINDS.items():
        if head.startswith(mark):
            return opened(path), _ALWAYS_ALLOWED_BYTES + _MOST_TIMES * path.stat().st_size
    # The caller reads in large pieces.
    return path.open("rb", buffering=0), None


def _open_gzip(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb")  # type: ignore[return-value]  # a GzipFile is a stream of bytes


def _open_xz(path: Path) -> IO[bytes]:
    return lzma.open(path, "rb")


def _open_bz2(path: Path) -> IO[bytes]:
    return bz2.open(path, "rb")


def _open_zip(path: Path) -> IO[bytes]:
    archive = zipfile.ZipFile(path)
    try:
        return archive.open(_only_member(archive))
    except NotImplementedError as error:
        raise BadContainer(f"is a zip with a packing that is not read ({error}); pack it again") from error
    finally:
        # The open member keeps the file; the archive itself is not needed any more.
        archive.close()


def _only_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    if any(name in ("xl/workbook.xml", "[Content_Types].xml") for name in archive.namelist()):
        raise BadContainer("is an Excel workbook (.xlsx); save the sheet as CSV UTF-8")
    members = {
        each.filename: each
        for each in archive.infolist()
        if not each.is_dir() and not each.filename.startswith("__MACOSX/")
        if each.filename.rsplit("/", 1)[-1] not in _ADDED_BY_ARCHIVERS
    }
    # HistData packs a note on gaps, of the same name, with each file.
    notes = {
        name for name in members if name.endswith(".txt") and f"{name.removesuffix('txt')}csv" in members
    }
    names = [name for name in members if name not in notes]
    if len(names) != 1:
        shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        held = f"{len(names)} files ({shown})" if names else "no file"
        raise BadContainer(f"is a zip with {held}; unpack it and give the one that is meant")
    member = members[names[0]]
    if member.flag_bits & _FLAG_ENCRYPTED:
        raise BadContainer("is a zip with a password; unpack it")
    return member


_KINDS: Final[dict[bytes, Callable[[Path], IO[bytes]]]] = {
    b"\x1f\x8b": _open_gzip,
    b"PK\x03\x04": _open_zip,
    b"PK\x05\x06": _open_zip,
    b"\xfd7zXZ\x00": _open_xz,
    b"BZh": _open_bz2,
}
