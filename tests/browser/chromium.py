"""A headless Chromium over its debugging protocol: enough to look at a page as people do."""

import asyncio
import base64
import itertools
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

_START_SECONDS = 30.0
_ANSWER_SECONDS = 20.0


class Tab:
    """One page in the browser."""

    def __init__(self, connection: websockets.ClientConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self.complaints: list[str] = []

    async def open(self, url: str, *, width: int = 1280, theme: str = "light") -> None:
        """Go to an address with a window of a width and a colour scheme."""
        for domain in ("Page", "Runtime", "Log"):
            await self._call(f"{domain}.enable")
        features = [{"name": "prefers-color-scheme", "value": theme}]
        await self._call("Emulation.setEmulatedMedia", features=features)
        await self.resize(width)
        await self._call("Page.navigate", url=url)
        await self.until("document.readyState === 'complete'")

    async def resize(self, width: int) -> None:
        """Give the window another width, as on another device."""
        await self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 500,
        )

    async def as_printed(self, width: int) -> None:
        """Lay the page out as on paper that is so many CSS pixels wide between its margins."""
        await self._call("Emulation.setEmulatedMedia", media="print", features=[])
        await self.resize(width)

    async def without_scripts(self) -> None:
        """Load pages as a browser that runs no script."""
        await self._call("Emulation.setScriptExecutionDisabled", value=True)

    async def ask(self, expression: str) -> Any:
        """Return the value of a JavaScript expression."""
        answer = await self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait until a JavaScript expression is true."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                while not await self.ask(expression):  # noqa: ASYNC110  the page is asked, it sets no event
                    await asyncio.sleep(0.1)
        except TimeoutError:
            text = await self.ask("document.body.innerText")
            pytest.fail(f"never became true: {expression}\n{self.complaints}\n{text}")

    async def picture(self) -> bytes:
        """Return the whole page as PNG."""
        width, height = await self.ask("[innerWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        answer = await self._call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(answer["data"])

    async def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        await self._connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        async with asyncio.timeout(_ANSWER_SECONDS):
            while True:
                message = json.loads(await self._connection.recv())
                if message.get("id") == number:
                    assert "error" not in message, message["error"]
                    result: dict[str, Any] = message["result"]
                    return result
                self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        if message["method"] == "Log.entryAdded":
            entry = message["params"]["entry"]
            self.complaints.append(f"{entry['level']}: {entry['text']} {entry.get('url', '')}")
        elif message["method"] == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(message["params"]["exceptionDetails"])[:500])


@asynccontextmanager
async def chromium(profile: Path) -> AsyncIterator[Tab]:
    """Run a browser until the block ends; skip the test where there is none."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("needs a headless Chromium: apt-get install chromium")
    browser = subprocess.Popen(  # noqa: ASYNC220  starting takes no time; it is waited for in a thread
        [
            *(program, "--headless=new", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0"),
            # Containers of tests run as root, where Chromium's own sandbox refuses to start.
            "--no-sandbox",
            f"--user-data-dir={profile}",
            "about:blank",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = await _address_of_tab(profile, browser)
        async with websockets.connect(address, max_size=None) as connection:
            yield Tab(connection)
    finally:
        browser.terminate()
        await asyncio.to_thread(browser.wait, 20)


async def _address_of_tab(profile: Path, browser: "subprocess.Popen[bytes]") -> str:
    port_file = profile / "DevToolsActivePort"
    async with asyncio.timeout(_START_SECONDS):
        while not port_file.exists() or "\n" not in port_file.read_text():
            assert browser.poll() is None, f"Chromium ended with code {browser.returncode}"
            await asyncio.sleep(0.05)
    port = port_file.read_text().split()[0]
    async with httpx.AsyncClient() as client:
        targets = (await client.get(f"http://127.0.0.1:{port}/json", timeout=_ANSWER_SECONDS)).json()
    return next(str(target["webSocketDebuggerUrl"]) for target in targets if target["type"] == "page")
