"""Make the text of a receiver's or mail server's answer fit to be stored, logged and read.

The bytes come from a stranger. They may be in any encoding, contain NUL, which PostgreSQL refuses, lone
surrogates, which nothing can encode, or escape sequences, which change what a terminal shows.
"""

import codecs
from typing import Final

_MAX_CHARACTERS: Final = 300
# Enough for 300 characters of four bytes, and for as much white space and more.
_MAX_BYTES: Final = 4_096
_REPLACEMENT: Final = "\ufffd"


def shown_answer(answer: bytes | str) -> str:
    r"""Return the beginning of an answer as one printable line.

    Parameters
    ----------
    answer
        Bytes as they came, or text that a library decoded with ``surrogateescape``. Read as UTF-8, or as
        Latin-1 if it is not UTF-8.

    Returns
    -------
    str
        At most 300 characters, all printable. White space is one space each; any other character that cannot
        be printed is U+FFFD.

    Examples
    --------
    >>> shown_answer(b"550 Empf\xe4nger unbekannt")
    '550 Empfänger unbekannt'
    >>> shown_answer("5.1.1 Empf\udce4nger unbekannt\r\n")
    '5.1.1 Empfänger unbekannt'
    >>> shown_answer(b"<p>\n  moved\x00\x1b[2J</p>")
    '<p> moved��[2J</p>'
    """
    text = _decoded(answer[:_MAX_BYTES], is_cut=len(answer) > _MAX_BYTES)
    line = " ".join(text.split())
    return "".join(
        character if character.isprintable() else _REPLACEMENT for character in line[:_MAX_CHARACTERS]
    ).rstrip()


def _decoded(answer: bytes | str, *, is_cut: bool) -> str:
    if isinstance(answer, str):
        try:
            encoded = answer.encode("utf-8", errors="surrogateescape")
        except UnicodeEncodeError:
            # Surrogates that stand for no byte.
            return answer
    else:
        encoded = answer
    # Where the answer was cut, its last character may be incomplete.
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        return decoder.decode(encoded, final=not is_cut)
    except UnicodeDecodeError:
        return encoded.decode("latin-1")
