"""What the tests share: an entry, its webhook, a disk that may fail, and short ways to see what a user sees."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
import json
from typing import Any
from unittest.mock import patch

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.json import json_dumps
from homeassistant.helpers.storage import Store
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion

from custom_components.octoeverywhere.const import DOMAIN

SECRET = "correct horse battery staple"
WEBHOOK_ID = "a-webhook-id"
PATH = f"/api/webhook/{WEBHOOK_ID}"
PRINTER = {"PrinterId": "printer-1", "PrinterName": "Ender3", "SecretKey": SECRET}
FULL = {
    "PrintId": "print-1",
    "EventType": 6,
    "SnapshotUrl": "https://octoeverywhere.com/snapshot/1.jpg",
    "QuickViewUrl": "https://octoeverywhere.com/quickview/1",
    "FileName": "MyCoolPrint.gcode",
    "DurationSec": 50,
    "Progress": 21,
    "TimeRemainingSec": 605,
    "ZOffsetMM": 0.3,
    "CurrentLayer": 50,
    "TotalLayers": 100,
    "Error": "Oh no, something bad happened!",
    "PlatformErrorCode": "33",
}
"""Everything that a notification can say of a print."""

NUMBERS = {
    "print_started": 1,
    "print_complete": 2,
    "print_failed": 3,
    "print_paused": 4,
    "print_resumed": 5,
    "print_progress": 6,
    "gadget_warning": 7,
    "gadget_paused": 8,
    "error": 9,
    "first_layer_complete": 10,
    "filament_change_required": 11,
    "user_interaction_required": 12,
    "notification_limit": 13,
    "third_layer_complete": 14,
    "bed_cooldown_complete": 15,
    "test": 16,
    "unknown": 17,
}
"""The EventType of each slug."""

type Client = TestClient[Any, Any]
type Post = Callable[..., Coroutine[Any, Any, ClientResponse]]


class Disk:
    """What the integration writes to: it can fail, and it can take its time."""

    def __init__(self) -> None:
        """Start with a disk that works at once."""
        self.error: Exception | None = None
        self.writes = 0
        self.writing = asyncio.Event()
        self.released = asyncio.Event()
        self.release()

    def hold(self) -> None:
        """Let every write wait until it is released; `writing` tells when one does."""
        self.writing.clear()
        self.released.clear()

    def release(self) -> None:
        """Let the writes go on."""
        self.released.set()


@pytest.fixture(autouse=True)
def _custom_integrations(enable_custom_integrations: None) -> None:
    """Let Home Assistant find this integration."""


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Keep the snapshots where Home Assistant's own tests keep theirs."""
    return snapshot.use_extension(HomeAssistantSnapshotExtension)


@pytest.fixture
def entry_data() -> dict[str, Any]:
    """Return what the config flow keeps."""
    return {
        CONF_WEBHOOK_ID: WEBHOOK_ID,
        "secret_key": SECRET,
        "connection": "lan",
        "cloudhook": False,
        "base_url": "http://192.168.1.10:8123",
    }


@pytest.fixture
def entry(hass: HomeAssistant, entry_data: dict[str, Any]) -> MockConfigEntry:
    """Return an entry as the config flow makes it, not yet set up."""
    entry = MockConfigEntry(domain=DOMAIN, title="OctoEverywhere", data=entry_data)
    entry.add_to_hass(hass)
    return entry


@pytest.fixture
async def client(hass: HomeAssistant, hass_client_no_auth: ClientSessionGenerator) -> Client:
    """Return a client of Home Assistant's webhooks, as anybody in the network has it."""
    # The rest of Home Assistant's API first: nothing can be added to the server once a client is there.
    for component in ("websocket_api", "config", "webhook"):
        assert await async_setup_component(hass, component, {})
    client: Client = await hass_client_no_auth()
    return client


@pytest.fixture
async def loaded(hass: HomeAssistant, entry: MockConfigEntry, client: Client) -> MockConfigEntry:
    """Set up the entry."""
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


@pytest.fixture
def send(client: Client) -> Post:
    """Return a function that posts one notification, keys as keywords, and leaves everything else to the caller."""

    async def send(payload: dict[str, Any] | None = None, /, **keys: Any) -> ClientResponse:
        return await client.post(PATH, json={**PRINTER, **(payload or {}), **keys})

    return send


@pytest.fixture
def post(hass: HomeAssistant, loaded: MockConfigEntry, send: Post) -> Post:
    """Set up the entry; return a function that posts one notification as OctoEverywhere does, keys as keywords."""

    async def post(payload: dict[str, Any] | None = None, /, **keys: Any) -> ClientResponse:
        response = await send(payload, **keys)
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


@pytest.fixture
def entity_registry_enabled_by_default() -> Generator[None]:
    """Show also those entities that are disabled until somebody asks for them."""
    with patch("homeassistant.helpers.entity.Entity.entity_registry_enabled_default", new=True):
        yield


@pytest.fixture
def disk(hass_storage: dict[str, Any]) -> Generator[Disk]:
    """Put a disk that the test controls under the integration's files."""
    disk = Disk()
    write = Store._async_write_data  # noqa: SLF001 - Home Assistant's own; nothing else makes it fail

    async def write_data(store: Store[Any], data: dict[str, Any]) -> None:
        if store.key.startswith(DOMAIN):
            disk.writes += 1
            disk.writing.set()
            await disk.released.wait()
            if disk.error is not None:
                raise disk.error
        await write(store, data)

    with patch.object(Store, "_async_write_data", write_data):
        yield disk


def value(hass: HomeAssistant, entity_id: str) -> str | None:
    """Return what an entity shows, None where there is no such entity."""
    state = hass.states.get(entity_id)
    return state.state if state else None


def value_of(hass: HomeAssistant, printer_id: str, domain: str, key: str) -> str | None:
    """Return what an entity of a printer shows, whatever the printer is called."""
    entity_id = er.async_get(hass).async_get_entity_id(domain, DOMAIN, f"{printer_id}_{key}")
    return value(hass, entity_id) if entity_id else None


def shown(hass: HomeAssistant) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return what every entity shows."""
    return {state.entity_id: (state.state, dict(state.attributes)) for state in hass.states.async_all()}


def describe(hass: HomeAssistant, domain: str) -> dict[str, dict[str, Any]]:
    """Return what a user sees of the entities of a domain, and what databases and automations hold on to."""
    description = {
        entity.entity_id: {
            "unique_id": entity.unique_id,
            "translation_key": entity.translation_key,
            "category": entity.entity_category and entity.entity_category.value,
            "state": value(hass, entity.entity_id),
            "attributes": dict(state.attributes) if (state := hass.states.get(entity.entity_id)) else None,
        }
        for entity in sorted(er.async_get(hass).entities.values(), key=lambda entity: entity.entity_id)
        if entity.domain == domain
    }
    # As a client gets it, without Home Assistant's own classes, which differ from version to version.
    plain: dict[str, dict[str, Any]] = json.loads(json_dumps(description))
    return plain


def device_of(hass: HomeAssistant, printer_id: str = "printer-1") -> dr.DeviceEntry | dr.ChildDeviceEntry | None:
    """Return the device of a printer."""
    for entry in hass.config_entries.async_entries(DOMAIN):
        for device in dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id):
            if (DOMAIN, printer_id) in device.identifiers:
                return device
    return None


def slugs(announced: list[Event]) -> list[str]:
    """Return what was announced, in order."""
    return [event.data["type"] for event in announced]
