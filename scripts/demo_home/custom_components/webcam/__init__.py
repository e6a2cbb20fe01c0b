"""Lets the demo's Home Assistant find the pictures of simulated printers, which no server on the internet has.

What asks for `https://webcam.example/…` is answered from Home Assistant's own folder `www`. Whoever asks notices nothing, and
what it checks, it checks as ever.
"""

from typing import Any, Final

from aiohttp import ClientResponse, ClientSession
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.typing import ConfigType
from yarl import URL

DOMAIN: Final = "webcam"
HOST: Final = "webcam.example"


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Stand between whoever asks and the network: every way to ask goes through this method."""
    ask = ClientSession._request  # noqa: SLF001

    async def answer(session: ClientSession, method: str, str_or_url: str | URL, **options: Any) -> ClientResponse:
        url = URL(str_or_url)
        if url.host != HOST:
            return await ask(session, method, str_or_url, **options)
        own = f"http://127.0.0.1:{hass.http.server_port}/local{url.path}"
        return await ask(async_get_clientsession(hass), method, own)

    ClientSession._request = answer  # type: ignore[assignment]  # noqa: SLF001
    return True
