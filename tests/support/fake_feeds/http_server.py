"""A small HTTP server on 127.0.0.1: each test says what it answers, and reads what it was asked."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, kw_only=True)
class Request:
    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Answer:
    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


class HttpServer:
    """Answer GET requests.

    Parameters
    ----------
    answer
        Called for each request; None closes the connection without an answer.
    """

    def __init__(self, answer: Callable[[Request], Answer | None]) -> None:
        self._answer = answer
        self._server: asyncio.Server | None = None
        self.requests: list[Request] = []

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            request = parse_request(head.decode("latin-1"))
            self.requests.append(request)
            answer = self._answer(request)
            if answer is not None:
                headers = {
                    "Content-Type": answer.content_type,
                    "Content-Length": str(len(answer.body)),
                    "Connection": "close",
                    **answer.headers,
                }
                lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
                writer.write(f"HTTP/1.1 {answer.status} X\r\n{lines}\r\n".encode() + answer.body)
                await writer.drain()
        except asyncio.IncompleteReadError:
            return
        finally:
            writer.close()


def parse_request(head: str) -> Request:
    first, *lines = head.split("\r\n")
    target = urlsplit(first.split(" ")[1])
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name
    }
    return Request(path=target.path, query=dict(parse_qsl(target.query)), headers=headers)
