"""What the tests share: an entry that is set up, and a way to post to its webhook."""

from collections.abc import Awaitable, Callable, Generator
from typing import Any

from aiohttp import ClientResponse
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.octoeverywhere.const import DOMAIN

SECRET = "correct horse battery staple"

type Post = Callable[..., Awaitable[ClientResponse]]


@pytest.fixture(autouse=True)
def _custom_integrations(enable_custom_integrations: None) -> None:
    """Let Home Assistant find this integration."""


@pytest.fixture
def entry() -> MockConfigEntry:
    """Return an entry as the config flow makes it."""
    return MockConfigEntry(
        domain=DOMAIN,
        title="OctoEverywhere",
        data={
            CONF_WEBHOOK_ID: "a-webhook-id",
            "secret_key": SECRET,
            "connection": "lan",
            "cloudhook": False,
            "base_url": "http://192.168.1.10:8123",
        },
    )


@pytest.fixture
async def post(hass: HomeAssistant, entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator) -> Post:
    """Set up the entry; return a function that posts one notification as OctoEverywhere does, keys as keywords."""
    entry.add_to_hass(hass)
    assert await async_setup_component(hass, "http", {})
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    client = await hass_client_no_auth()

    async def post(payload: dict[str, Any] | None = None, /, **keys: Any) -> ClientResponse:
        body = {"PrinterId": "printer-1", "SecretKey": SECRET, **(payload or {}), **keys}
        response: ClientResponse = await client.post("/api/webhook/a-webhook-id", json=body)
        await hass.async_block_till_done()
        return response

    return post


@pytest.fixture
def announced(hass: HomeAssistant) -> Generator[list[Event]]:
    """Collect the events that the integration fires."""
    events: list[Event] = []

    @callback
    def collect(event: Event) -> None:
        if str(event.event_type).startswith(f"{DOMAIN}_"):
            events.append(event)

    stop = hass.bus.async_listen("*", collect)
    yield events
    stop()
