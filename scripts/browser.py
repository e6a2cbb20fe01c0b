"""Home Assistant's frontend in a headless Chromium, operated as a person would, with a picture of every page."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
import json
from pathlib import Path
import shutil
import subprocess
from typing import Final

from hass_process import Hass, HassError
from playwright.async_api import Locator, Page, async_playwright

_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_NEVER: Final = 4102444800000
_SECONDS: Final = 30
_SETTLE: Final = 0.7


class Browser:
    """A person in front of Home Assistant."""

    def __init__(self, page: Page, hass: Hass, pictures: Path) -> None:
        """Sit down."""
        self.page = page
        self.clicks = 0
        self._hass = hass
        self._pictures = pictures
        self._number = 0

    async def open(self, path: str) -> None:
        """Go to a page."""
        await self.page.goto(f"{self._hass.url}{path}")

    async def click(self, text: str) -> None:
        """Click a button, once it is there."""
        await self.click_on(self.page.get_by_role("button", name=text, exact=True).last)

    async def click_text(self, text: str) -> None:
        """Click on a text, once it is there."""
        await self.click_on(self.page.get_by_text(text, exact=True).locator("visible=true").last)

    async def click_on(self, locator: Locator) -> None:
        """Click."""
        await locator.click()
        self.clicks += 1

    @property
    def fields(self) -> Locator:
        """Return the text fields of the page of a set-up."""
        return self.page.locator("step-flow-form").get_by_role("textbox")

    async def see(self, text: str) -> None:
        """Wait until the text is there."""
        await self.page.get_by_text(text).last.wait_for()

    async def picture(self, name: str) -> None:
        """Take a picture, once nothing moves any more."""
        self._number += 1
        await self.page.wait_for_timeout(_SETTLE * 1000)
        await self.page.screenshot(path=self._pictures / f"{self._number:02}-{name}.png")


@asynccontextmanager
async def browser(
    hass: Hass, pictures: Path, *, width: int = 1100, height: int = 900, is_dark: bool = False
) -> AsyncGenerator[Browser]:
    """Open a browser that is logged in."""
    await asyncio.to_thread(pictures.mkdir, parents=True, exist_ok=True)
    tokens = {**hass.tokens, "hassUrl": hass.url, "clientId": f"{hass.url}/", "expires": _NEVER}
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=find_chromium(), args=_ARGUMENTS)
        context = await chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if is_dark else "light"
        )
        await context.add_init_script(f"localStorage.setItem('hassTokens', {json.dumps(json.dumps(tokens))})")
        context.set_default_timeout(_SECONDS * 1000)
        try:
            yield Browser(await context.new_page(), hass, pictures)
        finally:
            await chromium.close()


def find_chromium() -> str:
    """Return where Chromium is; where there is none, install Debian's. Raises HassError."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    if shutil.which("apt-get"):
        for command in ("update", "install --yes --no-install-recommends chromium"):
            subprocess.run(["apt-get", "--quiet", *command.split()], check=False, stdout=subprocess.DEVNULL)
        if path := shutil.which("chromium"):
            return path
    raise HassError("Please install Chromium, and run this again.")
