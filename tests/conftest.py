"""What the tests share: an entry, its webhook, a disk that may fail, and short ways to see what a user sees."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from errno import ENOSPC
import inspect
import json
import logging
from pathlib import Path
import random
import threading
from types import SimpleNamespace
from typing import Any, Self
from unittest.mock import patch

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient
from freezegun.api import FrozenDateTimeFactory
from homeassistant.components import cloud as ha_cloud, webhook
from homeassistant.components.cloud.const import DATA_CLOUD
from homeassistant.config_entries import SOURCE_RECONFIGURE, SOURCE_USER, ConfigEntry, ConfigSubentryData
from homeassistant.const import CONF_WEBHOOK_ID, EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, Event, HomeAssistant, State, callback
from homeassistant.data_entry_flow import EVENT_DATA_ENTRY_FLOW_PROGRESSED, FlowResultType, UnknownFlow
from homeassistant.helpers import (
    aiohttp_client,
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
    json as ha_json,
)
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.helpers.json import json_dumps
from homeassistant.helpers.storage import STORAGE_DIR
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util, ssl as ssl_util
from homeassistant.util.aiohttp import MockRequest
from homeassistant.util.file import WriteError
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator, WebSocketGenerator
from syrupy.assertion import SnapshotAssertion

from custom_components.octoeverywhere.const import DOMAIN

from .fake_plugin_api import FakePluginApi, RelayedPrinter
from .fake_printer import MAKES
from .kinds import KINDS

SECRET = "correct horse battery staple"
WEBHOOK_ID = "a-webhook-id"
PATH = f"/api/webhook/{WEBHOOK_ID}"
INTERNAL_URL = "http://192.168.1.10:8123"
EXTERNAL_URL = "https://home.example.com"
INTEGRATION = Path(__file__).parent.parent / "custom_components" / DOMAIN
WORDS: dict[str, Any] = json.loads((INTEGRATION / "translations" / "en.json").read_text("utf-8"))
ICONS: dict[str, Any] = json.loads((INTEGRATION / "icons.json").read_text("utf-8"))
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

NUMBERS = {slug: kind.number for slug, kind in KINDS.items()}
"""The EventType of each slug."""

type Client = TestClient[Any, Any]
type Post = Callable[..., Coroutine[Any, Any, ClientResponse]]
type Remove = Callable[[str], Coroutine[Any, Any, bool]]


class Disk:
    """What the integration writes to: it can fail, and it can take its time."""

    def __init__(self) -> None:
        """Start with a disk that works at once."""
        self.error: OSError | None = None
        self.broken = ""
        """What the names of those files begin with that the error befalls, after the integration's name."""
        self.writes: list[str] = []
        """The names of the files, in order."""
        self.writing = threading.Event()
        self._released = threading.Event()
        self._released.set()

    def hold(self) -> None:
        """Let every write wait until it is released; `writing` tells when one does."""
        self.writing.clear()
        self._released.clear()

    def release(self) -> None:
        """Let the writes go on."""
        self._released.set()

    def work(self, path: str) -> None:
        """Take the time that a write takes, or fail."""
        name = Path(path).name
        self.writes.append(name)
        self.writing.set()
        self._released.wait(10)
        if self.error is not None and name.startswith(f"{DOMAIN}.{self.broken}"):
            raise self.error


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Give each test a disk of its own."""
    return hass_tmp_config_dir


@pytest.fixture(autouse=True)
def _no_fsync() -> Generator[None]:
    """Do not wait for a disk that no power cut threatens."""
    with patch("os.fsync"), patch("atomicwrites._proper_fsync"):
        yield


@pytest.fixture(autouse=True)
def enable_event_loop_debug() -> None:
    """Leave it disabled: asyncio would write down, for each task, how it came to be, in a third of the time of all tests."""


@pytest.fixture(autouse=True)
def _up_to_date(caplog: pytest.LogCaptureFixture) -> Generator[None]:
    """Do nothing that Home Assistant says will not work any more one day."""
    yield
    said = [record.getMessage() for when in ("setup", "call") for record in caplog.get_records(when)]
    assert not [line for line in said if DOMAIN in line and ("deprecated" in line or "stop working" in line)]


@pytest.fixture(autouse=True)
def _custom_integrations(enable_custom_integrations: None) -> None:
    """Let Home Assistant find this integration."""


@pytest.fixture(autouse=True)
def _no_pictures() -> Generator[None]:
    """Fetch no picture: nobody looks at one, unless a test says so."""
    with patch("custom_components.octoeverywhere.image.async_fetch") as fetch:
        yield
    assert not fetch.called


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
        "base_url": INTERNAL_URL,
        "own_url": INTERNAL_URL,
    }


@pytest.fixture
def connections() -> list[ConfigSubentryData]:
    """Return the live connections: none."""
    return []


@pytest.fixture
def entry(hass: HomeAssistant, entry_data: dict[str, Any], connections: list[ConfigSubentryData]) -> MockConfigEntry:
    """Return an entry as the config flow makes it, not yet set up."""
    entry = MockConfigEntry(domain=DOMAIN, title="OctoEverywhere", data=entry_data, subentries_data=connections)
    entry.add_to_hass(hass)
    return entry


@pytest.fixture
async def client(hass: HomeAssistant, hass_client_no_auth: ClientSessionGenerator) -> Client:
    """Return a client of Home Assistant's webhooks, as anybody in the network has it."""
    await hass.config.async_update(internal_url=INTERNAL_URL)
    # The rest of Home Assistant's API first: nothing can be added to the server once a client is there.
    for component in ("websocket_api", "config", "webhook", "calendar", "image"):
        assert await async_setup_component(hass, component, {})
    client: Client = await hass_client_no_auth()
    return client


@pytest.fixture
async def loaded(hass: HomeAssistant, entry: MockConfigEntry, client: Client) -> MockConfigEntry:
    """Set up the entry."""
    await load(hass)
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


async def hand_over(
    hass: HomeAssistant, payload: dict[str, Any] | None = None, /, *, remote: str | None = "192.168.1.20", **keys: Any
) -> tuple[int, str]:
    """Post a notification as Home Assistant hands it to the integration, with no network in between; return the answer."""
    content = json.dumps({**PRINTER, **(payload or {}), **keys}).encode()
    request: Any = MockRequest(content=content, mock_source="test", method="POST")
    request.remote = remote
    response = await webhook.async_handle_webhook(hass, WEBHOOK_ID, request)
    return response.status, response.text or ""


@pytest.fixture
def remove(hass: HomeAssistant, hass_ws_client: WebSocketGenerator) -> Remove:
    """Return a function that removes a device as the frontend does, and tells whether that was allowed."""

    async def remove(device_id: str) -> bool:
        websocket = await hass_ws_client(hass)
        # Home Assistant 2026.8 wants to know of which entry.
        is_asked = "config_entry_id" in inspect.signature(websocket.remove_device).parameters
        answer = await websocket.remove_device(device_id, *([the_entry(hass).entry_id] if is_asked else []))
        await hass.async_block_till_done()
        return bool(answer["success"])

    return remove


@contextmanager
def watched() -> Generator[tuple[asyncio.Event, asyncio.Event]]:
    """Tell when Home Assistant begins to hand over what is posted, and when it is done with it, however that ends."""
    handle, handling, handled = webhook.async_handle_webhook, asyncio.Event(), asyncio.Event()

    async def watch(*arguments: Any) -> Any:
        handling.set()
        try:
            return await handle(*arguments)
        finally:
            handled.set()

    with patch("homeassistant.components.webhook.async_handle_webhook", watch):
        yield handling, handled


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


class Clock:
    """A clock that can be set, and the time that passes."""

    def __init__(self, hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
        """Start where both are."""
        self._hass = hass
        self._freezer = freezer
        self._passed = hass.loop.time()

    def passed(self) -> float:
        """Return how much time has passed, in seconds from any beginning."""
        return self._passed

    def set(self, moment: datetime) -> None:
        """Set the clock; no time passes."""
        self._freezer.move_to(moment)

    async def elapse(self, time: timedelta, *, wait_background_tasks: bool = False) -> None:
        """Let time pass."""
        self._freezer.tick(time)
        # A hair more: a timer is due once its moment has passed.
        self._passed += time.total_seconds() + 0.001
        for _ in range(2):  # what was due may have something due at once
            await asyncio.sleep(0)
            await self._hass.async_block_till_done(wait_background_tasks=wait_background_tasks)

    async def elapse_in_steps(self, seconds: float, step: float) -> None:
        """Let time pass bit by bit, and Home Assistant do in between what it does in the background, such as look at printers."""
        while seconds > 0:
            await self.elapse(timedelta(seconds=min(step, seconds)), wait_background_tasks=True)
            seconds -= step


@pytest.fixture
def clock(hass: HomeAssistant, freezer: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let the loop's timers go by the time that passes, as they do outside of tests."""
    clock = Clock(hass, freezer)
    monkeypatch.setattr(hass.loop, "time", clock.passed)
    return clock


class Cloud:
    """Home Assistant Cloud, as far as it is about webhooks; Home Assistant's own functions find it."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Start connected, with a subscription and without webhooks."""
        self.hooks: dict[str, dict[str, Any]] = {}
        self.is_logged_in = True
        self.subscription_expired = False
        self.iot = SimpleNamespace(connected=True)
        self.client = SimpleNamespace(cloudhooks=self.hooks, prefs=SimpleNamespace(remote_enabled=False))
        self.cloudhooks = self
        self.error: Exception | None = None
        self.asked = asyncio.Event()
        self.answering = asyncio.Event()
        self.answering.set()
        self._hass = hass
        self._number = 0

    async def async_create(self, webhook_id: str, managed: bool) -> dict[str, Any]:
        """Make a webhook, each with an address of its own."""
        self.asked.set()
        await self.answering.wait()
        if self.error is not None:
            raise self.error
        self._number += 1
        self.hooks[webhook_id] = {"cloudhook_url": f"https://hooks.nabu.casa/{self._number}", "managed": managed}
        self._tell()
        return self.hooks[webhook_id]

    async def async_delete(self, webhook_id: str) -> None:
        """Delete a webhook."""
        if webhook_id not in self.hooks:
            message = "Hook is not enabled for the cloud."
            raise ValueError(message)
        del self.hooks[webhook_id]
        self._tell()

    def _tell(self) -> None:
        async_dispatcher_send(self._hass, "CLOUDHOOKS_UPDATED", dict(self.hooks))

    async def connect(self, *, is_connected: bool = True) -> None:
        """Lose the connection, or find it again."""
        self.iot.connected = is_connected
        state = ha_cloud.CloudConnectionState
        async_dispatcher_send(
            self._hass,
            ha_cloud.SIGNAL_CLOUD_CONNECTION_STATE,
            state.CLOUD_CONNECTED if is_connected else state.CLOUD_DISCONNECTED,
        )
        await self._hass.async_block_till_done()


@pytest.fixture
def cloud(hass: HomeAssistant) -> Cloud:
    """Subscribe to Home Assistant Cloud."""
    cloud = Cloud(hass)
    hass.data[DATA_CLOUD] = cloud  # type: ignore[misc]
    hass.config.components.add("cloud")
    return cloud


async def cloud_entry(hass: HomeAssistant, cloud: Cloud, entry: MockConfigEntry) -> None:
    """Set up the entry as one of Home Assistant Cloud."""
    data = {key: text for key, text in entry.data.items() if key != "base_url"}
    hook = await cloud.async_create(WEBHOOK_ID, managed=True)
    data |= {"connection": "cloud", "own_url": hook["cloudhook_url"]}
    hass.config_entries.async_update_entry(entry, data=data)
    assert await hass.config_entries.async_setup(entry.entry_id)


def outside(address: str | None = "203.0.113.9") -> Any:
    """Return a context in which everybody posts from an address that is not of the home network."""
    return patch("aiohttp.web_request.BaseRequest.remote", address)


class Dialog:
    """A set-up in the UI, led as the frontend leads it. Each page must have its words."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Have nothing open."""
        self._hass = hass
        self._flows = hass.config_entries.flow
        self._told: list[str] = []
        self.page: Any = {}
        self.url = ""
        """The address that a page showed last."""
        self.key = ""
        """The secret key that a page showed last."""
        self.webhook_id = ""
        """The webhook that the address leads to."""

        @callback
        def tell(event: Event) -> None:
            if event.data["flow_id"] == self.page.get("flow_id"):
                self._told.append(self.flow_id)

        hass.bus.async_listen(EVENT_DATA_ENTRY_FLOW_PROGRESSED, tell)

    async def add(self, *options: str) -> Self:
        """Add the integration, and choose from one menu after the other."""
        self._show(await self._flows.async_init(DOMAIN, context={"source": SOURCE_USER}))
        return await self.choose(*options)

    async def reconfigure(self, *options: str) -> Self:
        """Reconfigure the entry, and choose from one menu after the other."""
        context: Any = {"source": SOURCE_RECONFIGURE, "entry_id": the_entry(self._hass).entry_id}
        self._show(await self._flows.async_init(DOMAIN, context=context))
        return await self.choose(*options)

    async def choose(self, *options: str) -> Self:
        """Choose from one menu after the other."""
        for option in options:
            assert option in self.page["menu_options"]
            self._show(await self._flows.async_configure(self.flow_id, {"next_step_id": option}))
        return self

    async def submit(self, **fields: str | bool | list[str]) -> Self:
        """Submit a form with what it suggests, but for these fields."""
        assert self.page["type"] is FlowResultType.FORM
        return await self.follow(await self._flows.async_configure(self.flow_id, self.suggested | fields))

    async def progressed(self) -> Self:
        """Look at the page that comes after waiting; Home Assistant must have told the frontend to."""
        assert self.page["type"] is FlowResultType.SHOW_PROGRESS
        for _ in range(1000):
            if self._told:
                break
            await asyncio.sleep(0)
        assert self._told == [self.flow_id]
        self._told.clear()
        self._show(await self._flows.async_configure(self.flow_id))
        if self.step is None:
            await self._hass.async_block_till_done()
        return self

    def close(self) -> None:
        """Close the dialog, if it is open."""
        if self.page:
            with suppress(UnknownFlow):
                self._flows.async_abort(self.flow_id)
        self.page = {}

    @property
    def flow_id(self) -> str:
        """Return the id of the flow."""
        return str(self.page["flow_id"])

    @property
    def step(self) -> str | None:
        """Return the step, None at the end."""
        is_over = self.page["type"] in (FlowResultType.ABORT, FlowResultType.CREATE_ENTRY)
        return None if is_over else self.page["step_id"]

    @property
    def outcome(self) -> str:
        """Return how the set-up ended."""
        assert self.page["type"] is FlowResultType.ABORT
        return str(self.page["reason"])

    @property
    def suggested(self) -> dict[str, Any]:
        """Return what the form is filled in with."""
        markers = self.page["data_schema"].schema
        return {str(marker): marker.description["suggested_value"] for marker in markers}

    @property
    def path(self) -> str:
        """Return where the address is in Home Assistant."""
        return f"/api/webhook/{self.webhook_id}"

    def _show(self, page: Any) -> Self:
        self.page = page
        _check_words(page)
        if self.step in ("copy_lan", "copy_internet"):
            self.url, self.key = self.suggested["url"], self.suggested["secret_key"]
            self.webhook_id = self.url.rsplit("/", 1)[-1]
            cloud = self._hass.data.get(DATA_CLOUD)
            for webhook_id, hook in cloud.client.cloudhooks.items() if cloud else ():
                if hook["cloudhook_url"] == self.url:
                    self.webhook_id = webhook_id
        return self

    async def follow(self, page: Any) -> Self:
        """Show a page, or the one that comes next by itself."""
        if next_flow := page.get("next_flow"):
            page = await self._flows.async_configure(next_flow[1])
        return self._show(page)


def _check_words(page: Any) -> None:
    """Check that there is a text for everything on a page, and a value for each gap in it."""
    words = WORDS["config"]
    texts: list[str] = []
    match page["type"]:
        case FlowResultType.MENU:
            step = words["step"][page["step_id"]]
            assert set(page["menu_options"]) <= set(step["menu_options"])
            texts = [step["title"], step["description"]]
        case FlowResultType.FORM:
            step = words["step"][page["step_id"]]
            fields = {str(marker) for marker in page["data_schema"].schema}
            assert fields == set(step["data"]) == set(step["data_description"])
            texts = [step["title"], step["description"], *(words["error"][key] for key in page["errors"].values())]
        case FlowResultType.SHOW_PROGRESS:
            texts = [words["progress"][page["progress_action"]]]
        case FlowResultType.ABORT:
            assert page.get("translation_domain") or page["reason"] in words["abort"]
    for text in texts:
        text.format(**(page.get("description_placeholders") or {}))


@pytest.fixture
async def dialog(hass: HomeAssistant) -> AsyncGenerator[Dialog]:
    """Return a dialog that is not open yet, and close it in the end."""
    await hass.config.async_update(internal_url=INTERNAL_URL, external_url=EXTERNAL_URL)
    dialog = Dialog(hass)
    yield dialog
    dialog.close()
    await hass.async_block_till_done()


@pytest.fixture
def entity_registry_enabled_by_default() -> Generator[None]:
    """Show also those entities that are disabled until somebody asks for them."""
    with patch("homeassistant.helpers.entity.Entity.entity_registry_enabled_default", new=True):
        yield


@pytest.fixture
def disk() -> Generator[Disk]:
    """Put a disk that the test controls under the integration's files."""
    disk = Disk()
    write, unlink = ha_json.write_utf8_file_atomic, Path.unlink

    def write_file(filename: str, *arguments: Any, **keywords: Any) -> None:
        if Path(filename).name.startswith(DOMAIN):
            try:
                disk.work(filename)
            except OSError as err:
                raise WriteError(err) from err
        write(filename, *arguments, **keywords)

    def remove(path: Path, **keywords: Any) -> None:
        if path.name.startswith(DOMAIN):
            disk.work(str(path))
        unlink(path, **keywords)

    with patch.object(ha_json, "write_utf8_file_atomic", write_file), patch.object(Path, "unlink", remove):
        yield disk
    disk.release()


@pytest.fixture
async def plugin_api(
    hass: HomeAssistant, socket_enabled: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[FakePluginApi]:
    """Let Home Assistant's sessions find a fake of OctoEverywhere's Plugin API, which goes by Home Assistant's clock."""
    monkeypatch.setattr(random, "uniform", lambda one, other: (one + other) / 2)  # each look comes when it is expected
    async with FakePluginApi(clock=lambda: dt_util.utcnow().timestamp()) as fake:
        monkeypatch.setattr(aiohttp_client, "_async_make_resolver", lambda _: fake.resolver)
        monkeypatch.setattr(ssl_util, "client_context", lambda *_: fake.client_context)
        # Who is cancelled while shaking hands, as at a reload, leaves a server that wonders.
        handle = hass.loop.get_exception_handler()
        hass.loop.set_exception_handler(
            lambda loop, context: (
                handle(loop, context) if handle and "transport creation" not in context["message"] else None
            )
        )
        for made in (aiohttp_client.DATA_RESOLVER, aiohttp_client.DATA_CONNECTOR, aiohttp_client.DATA_CLIENTSESSION):
            hass.data.pop(made, None)
        yield fake
        for connector in hass.data.get(aiohttp_client.DATA_CONNECTOR, {}).values():
            await connector.close()
    assert fake.violations == []


ALL_MAKES = list(MAKES)


@pytest.fixture
def make() -> str:
    """Return the make of the printer that can be asked."""
    return "klipper"


@pytest.fixture
async def relayed(hass: HomeAssistant, plugin_api: FakePluginApi, make: str) -> RelayedPrinter:
    """Return a printer that can be asked."""
    assert await async_setup_component(hass, "camera", {})  # while something can be added to the server
    return plugin_api.add(make)


@pytest.fixture
async def looked_at(post: Post, clock: Clock, connections: list[ConfigSubentryData]) -> None:
    """Have Home Assistant know the printer, and ask it for the first time."""
    await post(EventType=12)
    await clock.elapse_in_steps(10, 5)


def connection_to(relayed: RelayedPrinter, printer_id: str = "printer-1", **secrets: str) -> ConfigSubentryData:
    """Return a live connection, as the flow makes it."""
    data = {"printer_id": printer_id, "url": relayed.url, **secrets}
    return ConfigSubentryData(data=data, subentry_type="live", title="Ender3", unique_id=printer_id)


FULL_DISK = OSError(ENOSPC, "No space left on device")


def files(hass: HomeAssistant) -> dict[str, bytes]:
    """Return what the integration has on the disk, by the names of the files, less its own name."""
    found = Path(hass.config.path(STORAGE_DIR)).glob(f"{DOMAIN}.*")
    return {path.name.removeprefix(f"{DOMAIN}."): path.read_bytes() for path in sorted(found)}


def records(hass: HomeAssistant) -> dict[str, Any]:
    """Return what is known of the printers on the disk."""
    return dict(json.loads(files(hass).get("printers", b'{"printers": {}}'))["printers"])


def the_entry(hass: HomeAssistant) -> ConfigEntry[Any]:
    """Return the config entry."""
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    return entry


async def load(hass: HomeAssistant) -> None:
    """Set up the entry."""
    assert await hass.config_entries.async_setup(the_entry(hass).entry_id)
    await hass.async_block_till_done()


async def unload(hass: HomeAssistant) -> None:
    """Unload the entry."""
    assert await hass.config_entries.async_unload(the_entry(hass).entry_id)
    await hass.async_block_till_done()


async def reload(hass: HomeAssistant) -> None:
    """Load the entry anew."""
    assert await hass.config_entries.async_reload(the_entry(hass).entry_id)
    await hass.async_block_till_done()


async def start(hass: HomeAssistant) -> None:
    """Let Home Assistant have started."""
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await hass.async_block_till_done()


def change(hass: HomeAssistant, **data: Any) -> None:
    """Change what the entry says, before it is set up."""
    entry = the_entry(hass)
    hass.config_entries.async_update_entry(entry, data={**entry.data, **data})


async def get_prints(hass: HomeAssistant, **fields: Any) -> list[dict[str, Any]]:
    """Return what the action answers, as a client gets it."""
    response = await hass.services.async_call(DOMAIN, "get_prints", fields, blocking=True, return_response=True)
    return list(json.loads(json.dumps(response))["prints"])


def logged(caplog: pytest.LogCaptureFixture, level: int = logging.WARNING) -> list[str]:
    """Return what the integration has logged since the test began."""
    records = [record for record in caplog.get_records("call") if record.name.startswith(f"custom_components.{DOMAIN}")]
    return [record.getMessage() for record in records if record.levelno >= level]


def webhooks(hass: HomeAssistant) -> set[str]:
    """Return the ids of the integration's webhooks."""
    handlers: dict[str, Any] = hass.data.get("webhook", {})
    return {webhook_id for webhook_id, hook in handlers.items() if hook.domain == DOMAIN}


def issues(hass: HomeAssistant) -> set[str]:
    """Return what the integration shows under Repairs."""
    return {issue_id for domain, issue_id in ir.async_get(hass).issues if domain == DOMAIN}


async def pass_time(hass: HomeAssistant, freezer: FrozenDateTimeFactory, time: timedelta) -> None:
    """Let time pass, by the clock alone."""
    freezer.tick(time)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()


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
    return {state.entity_id: seen(state) for state in hass.states.async_all()}


def lasting(hass: HomeAssistant) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return what every entity shows and must show after a restart: of event entities, the time to the second alone."""
    states = shown(hass)
    return {name: (state[:19] if name.startswith("event.") else state, told) for name, (state, told) in states.items()}


def seen(state: State) -> tuple[str, dict[str, Any]]:
    """Return what a state shows, but for the key to its picture, which is another one every few minutes."""
    keys = ("access_token", "entity_picture")
    return state.state, {name: known for name, known in state.attributes.items() if name not in keys}


def describe(hass: HomeAssistant, domain: str) -> dict[str, dict[str, Any]]:
    """Return what a user sees of the entities of a domain, and what databases and automations hold on to."""
    description = {
        entity.entity_id: {
            "unique_id": entity.unique_id,
            "translation_key": entity.translation_key,
            "category": entity.entity_category and entity.entity_category.value,
            "state": value(hass, entity.entity_id),
            "attributes": seen(state)[1] if (state := hass.states.get(entity.entity_id)) else None,
        }
        for entity in sorted(er.async_get(hass).entities.values(), key=lambda entity: entity.entity_id)
        if entity.domain == domain
    }
    # As a client gets it, without Home Assistant's own classes, which differ from version to version.
    plain: dict[str, dict[str, Any]] = json.loads(json_dumps(description))
    return plain


def entities_of(hass: HomeAssistant) -> list[er.RegistryEntry]:
    """Return the integration's entities, those that are disabled included."""
    return er.async_entries_for_config_entry(er.async_get(hass), the_entry(hass).entry_id)


def devices_of(hass: HomeAssistant) -> list[dr.DeviceEntry]:
    """Return the integration's devices."""
    return dr.async_entries_for_config_entry(dr.async_get(hass), the_entry(hass).entry_id)


def device_of(hass: HomeAssistant, printer_id: str = "printer-1") -> dr.DeviceEntry | None:
    """Return the device of a printer."""
    devices = [device for entry in hass.config_entries.async_entries(DOMAIN) for device in devices_of(hass)]
    return next((device for device in devices if (DOMAIN, printer_id) in device.identifiers), None)


def slugs(announced: list[Event]) -> list[str]:
    """Return what was announced, in order."""
    return [event.data["type"] for event in announced]


def the_device(hass: HomeAssistant, printer_id: str = "printer-1") -> dr.DeviceEntry:
    """Return the device of a printer, which must be there."""
    device = device_of(hass, printer_id)
    assert isinstance(device, dr.DeviceEntry)
    return device
