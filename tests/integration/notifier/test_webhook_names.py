"""Names and addresses of receivers: dead ones, rebinding, name servers that hang, text that is no name."""

import asyncio
import contextlib
import dataclasses
import socket
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from services.notifier.channels import name_resolution
from services.notifier.channels.name_resolution import NameNotResolved, NameResolution
from services.notifier.core.attempt_result import Deferred, Delivered, FailureReason, Rejected
from shared.errors import ConfigError
from tests.integration.notifier.webhook_channel import LOOPBACK, MESSAGE, kind_of, webhook
from tests.support.receivers import WebhookReceiver

FRESH = dataclasses.replace(MESSAGE, needs_fresh_connection=True)


class NameServer:
    """Answers as a test says; names that begin with ``slow`` are answered when the test ends."""

    def __init__(self, **answers: list[str]) -> None:
        self._answers = answers
        self.asked: list[str] = []
        self.may_answer = threading.Event()

    def __call__(self, name: str) -> list[str]:
        self.asked.append(name)
        if name.startswith("slow"):
            self.may_answer.wait(30)
        return self._answers.get(name, ["127.0.0.1"])


@pytest.fixture
def name_server() -> Iterator[NameServer]:
    server = NameServer()
    yield server
    server.may_answer.set()


def named(receiver: WebhookReceiver, name: str) -> str:
    return f"http://{name}:{receiver.port}/hook"


# ---- which address is connected to -------------------------------------------------------------------------


@contextlib.contextmanager
def black_hole(address: str, port: int) -> Iterator[None]:
    """Make an address accept no connection without refusing any: its queue is full and stays full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect((address, port))
        yield


@pytest.mark.parametrize("kind", ["refused", "black hole"])
@pytest.mark.parametrize("dead", [["127.0.0.2"], ["127.0.0.2", "127.0.0.3", "127.0.0.4"]])
async def test_second_address_is_used_when_the_first_is_dead(kind: str, dead: list[str]) -> None:
    with contextlib.ExitStack() as stack:
        async with WebhookReceiver() as receiver:
            if kind == "black hole":
                for address in dead:
                    stack.enter_context(black_hole(address, receiver.port))
            began = time.monotonic()
            async with webhook(
                named(receiver, "desk.example"),
                look_up=lambda _: [*dead, "127.0.0.1"],
                timeout_seconds=6.0,
            ) as channel:
                assert await channel.attempt(MESSAGE) == Delivered()

    assert time.monotonic() - began < 2.5


async def test_black_hole_alone_ends_in_time() -> None:
    async with WebhookReceiver() as receiver:
        with black_hole("127.0.0.2", receiver.port):
            began = time.monotonic()
            async with webhook(
                named(receiver, "desk.example"), look_up=lambda _: ["127.0.0.2"], timeout_seconds=0.5
            ) as channel:
                assert kind_of(await channel.attempt(MESSAGE)) == ("deferred", "timed_out")

    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize(
    "answers",
    [
        ["10.0.0.1"],
        ["127.0.0.1", "10.0.0.1"],
        ["10.0.0.1", "127.0.0.1"],
        ["127.0.0.1", "169.254.169.254"],
        ["127.0.0.1", "::ffff:169.254.169.254"],
        ["127.0.0.1", "fe80::1%eth0"],
        ["127.0.0.1", "64:ff9b::a9fe:a9fe"],
        ["127.0.0.1", "fd00:ec2::254"],
    ],
)
async def test_one_forbidden_address_among_a_names_addresses_refuses_the_name(answers: list[str]) -> None:
    async with (
        WebhookReceiver() as receiver,
        webhook(named(receiver, "desk.example"), look_up=lambda _: answers) as channel,
    ):
        result = await channel.attempt(MESSAGE)

    assert kind_of(result) == ("rejected", "address_refused")
    assert isinstance(result, Rejected)
    assert "CONVEX_NOTIFIER_WEBHOOK_ALLOWED_NETWORKS" in result.detail
    assert receiver.connections == 0


async def test_name_server_that_changes_its_answer_changes_nothing_that_was_checked() -> None:
    """DNS rebinding: a first answer for the check, a second one for the connection."""
    asked = []

    def rebinding(name: str) -> list[str]:
        asked.append(name)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    async with (
        WebhookReceiver() as receiver,
        webhook(named(receiver, "rebind.example"), look_up=rebinding) as channel,
    ):
        results = [await channel.attempt(each) for each in (MESSAGE, MESSAGE, FRESH)]

    assert results[:2] == [Delivered(), Delivered()]
    assert kind_of(results[2]) == ("rejected", "address_refused")
    assert len(asked) == 2
    assert receiver.connections == 1


async def test_receiver_that_moved_is_found_at_the_next_attempt() -> None:
    moved = [["127.0.0.2"], ["127.0.0.1"]]
    async with (
        WebhookReceiver() as receiver,
        webhook(named(receiver, "desk.example"), look_up=lambda _: moved.pop(0)) as channel,
    ):
        first = await channel.attempt(MESSAGE)
        assert kind_of(first) == ("deferred", "connect_failed")
        assert await channel.attempt(FRESH) == Delivered()


ADDRESSES = [
    "10.0.0.1",
    "0.0.0.0",
    "255.255.255.255",
    "224.0.0.1",
    "169.254.169.254",
    "168.63.129.16",
    "100.100.100.200",
    "192.0.0.192",
    "[::]",
    "[::1]",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "[fe80::1%eth0]",
    "[fec0::1]",
    "[ff02::1]",
    "[::ffff:10.0.0.1]",
    "[::10.0.0.1]",
    "[64:ff9b::10.0.0.1]",
    "[64:ff9b:1::10.0.0.1]",
    "[2002:a00:1::]",
    "[2001:0:a00:1::]",
    "[2a00::5efe:10.0.0.1]",
    "[4000::1]",
    "2130706433",
    "0x7f.1",
    "0x7f000001",
    "017700000001",
    "0177.0.0.1",
    "127.1",
    "0",
    "1",
]


@pytest.mark.parametrize("host", ADDRESSES)
async def test_address_in_a_url_is_refused_however_it_is_written(host: str) -> None:
    async with webhook(f"http://{host}:9/", allowed=(), timeout_seconds=3.0) as channel:
        assert kind_of(await channel.attempt(MESSAGE)) == ("rejected", "address_refused")


@pytest.mark.parametrize(
    "host",
    [
        "no-such-host.invalid",
        "a..b",
        ".",
        "..",
        "...",
        "-",
        "_",
        "x" * 64 + ".example",
        ".".join(["x" * 60] * 5),
        "a%00b",
        "a%20b.example",
        "no-such-host.invalid.",
        "no-such-host.invalid..",
    ],
)
async def test_text_that_is_no_name_is_deferred(host: str) -> None:
    async with webhook(f"http://{host}/", timeout_seconds=8.0) as channel:
        assert kind_of(await channel.attempt(MESSAGE)) == ("deferred", "dns_failed")


@pytest.mark.parametrize(
    "answer", [[], ["not an address"], ["127.0.0.1:80"], ["\x00"], ["1" * 5_000]], ids=repr
)
async def test_answer_of_a_resolver_that_is_no_address_is_deferred(answer: list[str]) -> None:
    async with webhook("http://desk.example/", look_up=lambda _: answer) as channel:
        assert kind_of(await channel.attempt(MESSAGE)) == ("deferred", "dns_failed")


@pytest.mark.parametrize(
    "error",
    [
        OSError("no network"),
        socket.gaierror(socket.EAI_AGAIN, "again"),
        UnicodeError("label empty or too long"),
        ValueError("embedded null character"),
        TimeoutError("slow"),
    ],
    ids=repr,
)
async def test_resolver_that_fails_is_deferred(error: Exception) -> None:
    def failing(_name: str) -> list[str]:
        raise error

    async with webhook("http://desk.example/", look_up=failing) as channel:
        result = await channel.attempt(MESSAGE)

    assert isinstance(result, Deferred)
    assert result.reason is FailureReason.DNS_FAILED
    assert "desk.example" in result.detail


@pytest.mark.parametrize(
    "url",
    [
        "",
        "desk.example",
        "/hook",
        "ftp://desk.example/",
        "mailto:x@y",
        "http://",
        "http:///hook",
        "http://desk.example:99999/",
        "http://desk.example:0/",
        "http://desk.example:-1/",
        "http://desk.example:http/",
        "http://[::1/",
        "http://xn--/",
        "http://xn--a.example/",
        "http://münchen.example/",
    ],
)
async def test_url_that_nothing_can_be_sent_to_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigError, match="URL of a webhook") as caught:
        async with webhook(url):
            pass

    assert url == "" or url not in str(caught.value)


# ---- name servers that hang -------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [8, 40, 400])
async def test_slow_names_delay_no_other_name(count: int, name_server: NameServer) -> None:
    names = NameResolution(wait_seconds=0.4, look_up=name_server)

    async def seconds_for(name: str) -> float:
        began = time.monotonic()
        assert [str(each) for each in await names.addresses(name)] == ["127.0.0.1"]
        names.forget(name)
        return time.monotonic() - began

    await seconds_for("healthy")
    for _ in range(2):
        # The first time the names are new, the second time they are known to be slow.
        slow = [asyncio.create_task(names.addresses(f"slow-{number}")) for number in range(count)]
        await asyncio.sleep(0)
        healthy = [await seconds_for(name) for name in ("healthy", *(f"new-{number}" for number in range(5)))]
        failures = await asyncio.gather(*slow, return_exceptions=True)

        assert max(healthy) < 0.6
        assert {type(failure) for failure in failures} == {NameNotResolved}
        await asyncio.sleep(1.1)
    assert threading.active_count() < count + 40


async def test_slow_names_delay_no_other_webhook(name_server: NameServer) -> None:
    async with (
        WebhookReceiver() as receiver,
        webhook(named(receiver, "healthy.example"), look_up=name_server, timeout_seconds=1.0) as healthy,
    ):
        slow = [
            type(healthy)(url=f"http://slow-{n}/", keys=(), client=healthy._client, clock=healthy._clock)
            for n in range(40)
        ]
        await healthy.attempt(FRESH)
        stuck = [asyncio.create_task(each.attempt(MESSAGE)) for each in slow]
        await asyncio.sleep(0)
        slowest = 0.0
        for _ in range(20):
            began = time.monotonic()
            assert await healthy.attempt(FRESH) == Delivered()
            slowest = max(slowest, time.monotonic() - began)
        results = await asyncio.gather(*stuck)

    assert {kind_of(each) for each in results} == {("deferred", "dns_failed")}
    assert slowest < 0.4


async def test_name_is_looked_up_once_for_all_who_wait(name_server: NameServer) -> None:
    names = NameResolution(wait_seconds=0.2, look_up=name_server)
    waiting = [asyncio.create_task(names.addresses("slow-desk")) for _ in range(50)]

    failures = await asyncio.gather(*waiting, return_exceptions=True)

    assert name_server.asked == ["slow-desk"]
    assert len({id(failure) for failure in failures}) == 50


async def test_answer_that_came_too_late_serves_the_next_attempt(name_server: NameServer) -> None:
    """Otherwise a name that always takes longer than an attempt waits would never be reached."""
    names = NameResolution(wait_seconds=0.1, look_up=name_server)
    with pytest.raises(NameNotResolved, match="no answer from DNS within"):
        await names.addresses("slow-desk")
    name_server.may_answer.set()
    await asyncio.sleep(0.1)

    assert [str(each) for each in await names.addresses("slow-desk")] == ["127.0.0.1"]
    assert name_server.asked == ["slow-desk"]


async def test_slow_names_share_a_few_threads_and_become_normal_again(
    name_server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(name_resolution, "_SLOW_SECONDS", 0.05)
    names = NameResolution(wait_seconds=0.1, look_up=name_server)
    for round_number in (1, 2):
        await asyncio.gather(
            *(names.addresses(f"slow-{number}") for number in range(40)), return_exceptions=True
        )
        if round_number == 1:
            name_server.may_answer.set()
            await asyncio.sleep(0.3)
            name_server.may_answer.clear()
            for number in range(40):
                names.forget(f"slow-{number}")
    # The second time only as many as there are threads for slow names have been asked for.
    assert len(name_server.asked) == 40 + 16
    name_server.may_answer.set()
    await asyncio.sleep(0.5)
    assert len(name_server.asked) == 80
    assert not names._in_flight


async def test_names_that_wait_for_a_thread_are_limited_in_number(
    name_server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(name_resolution, "_THREADS", 2)
    monkeypatch.setattr(name_resolution, "_MAX_WAITING", 3)
    names = NameResolution(wait_seconds=0.2, look_up=name_server)

    failures = await asyncio.gather(
        *(names.addresses(f"slow-{number}") for number in range(8)), return_exceptions=True
    )

    assert [str(each) for each in failures[5:]] == [
        f"slow-{number}: too many names are being looked up" for number in (5, 6, 7)
    ]
    assert all("no answer from DNS" in str(each) for each in failures[:5])
    name_server.may_answer.set()
    await asyncio.sleep(0.2)
    assert name_server.asked == [f"slow-{number}" for number in range(5)]


async def test_system_that_allows_no_more_threads_fails_the_lookup_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = NameResolution(wait_seconds=1.0, look_up=lambda _: ["127.0.0.1"])
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", _refuse_to_start)
        with pytest.raises(NameNotResolved, match="can't start new thread"):
            await names.addresses("desk.example")

    assert await names.addresses("desk.example")


def _refuse_to_start(_thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


async def test_lookup_that_is_in_flight_does_not_outlive_its_loop_with_an_error(
    name_server: NameServer,
) -> None:
    """The thread answers a loop that has been closed; nothing may be raised in it."""
    raised: list[object] = []
    previous, threading.excepthook = threading.excepthook, raised.append

    async def ask() -> None:
        with pytest.raises(NameNotResolved):
            await NameResolution(wait_seconds=0.05, look_up=name_server).addresses("slow-desk")

    await asyncio.to_thread(asyncio.run, ask())
    name_server.may_answer.set()
    await asyncio.sleep(0.1)
    threading.excepthook = previous

    assert not raised


async def test_real_name_is_resolved_by_the_system() -> None:
    async with (
        WebhookReceiver() as receiver,
        webhook(named(receiver, "localhost"), allowed=(*LOOPBACK, ip_network("::1/128"))) as channel,
    ):
        assert await channel.attempt(MESSAGE) == Delivered()
    assert receiver.requests[0].headers["host"].startswith("localhost:")
