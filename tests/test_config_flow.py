"""Tests of the set-up in the UI, which does not say that it works until a notification has arrived."""

import asyncio
from contextlib import suppress
from datetime import timedelta
import re
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState, UnknownEntry
from homeassistant.core import Event, HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, UnknownFlow
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed
from yarl import URL

from custom_components.octoeverywhere.const import DOMAIN

from .conftest import (
    EXTERNAL_URL,
    FULL,
    INTERNAL_URL,
    NUMBERS,
    PATH,
    PRINTER,
    SECRET,
    WEBHOOK_ID,
    Client,
    Cloud,
    Dialog,
    Post,
    cloud_entry,
    device_of,
    issues,
    slugs,
    value,
    webhooks,
)

pytestmark = pytest.mark.usefixtures("client")

MINE = "mine"
NEW = "new"
TOO_LONG = "k" * 129
LONGEST = "k" * 128


@pytest.fixture
def prove(client: Client, dialog: Dialog) -> Post:
    """Return a function that posts to the address with the key that the dialog shows, keys as keywords."""

    async def prove(payload: dict[str, Any] | None = None, /, **keys: Any) -> Any:
        body = {**PRINTER, "SecretKey": dialog.key, **(payload or {}), **keys}
        return await client.post(dialog.path, json=body)

    return prove


async def wait_in_vain(hass: HomeAssistant, dialog: Dialog, freezer: FrozenDateTimeFactory) -> None:
    """Let the dialog wait until it gives up, and not a moment less."""
    freezer.tick(timedelta(minutes=4, seconds=59))
    async_fire_time_changed(hass)
    dialog.page = await hass.config_entries.flow.async_configure(dialog.flow_id)
    assert dialog.page["type"] is FlowResultType.SHOW_PROGRESS
    freezer.tick(timedelta(seconds=2))
    async_fire_time_changed(hass)
    await dialog.progressed()


def the_entry(hass: HomeAssistant) -> Any:
    """Return the config entry."""
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    return entry


# The whole way.


def copy_of(connection: str) -> str:
    """Return what the page says that shows address and key: Home Assistant Cloud is on the internet, too."""
    return "copy_lan" if connection == "lan" else "copy_internet"


@pytest.mark.parametrize(
    ("connection", "address", "is_local"),
    [("lan", INTERNAL_URL, True), ("internet", EXTERNAL_URL, False)],
)
async def test_own_address(
    hass: HomeAssistant,
    dialog: Dialog,
    prove: Post,
    announced: list[Event],
    connection: str,
    address: str,
    is_local: bool,
) -> None:
    """With nothing typed, the set-up ends by itself with the first notification, and its printer is there."""
    await dialog.start()
    assert dialog.page["menu_options"] == ["lan", "internet"]
    await dialog.choose(connection)
    key = dialog.suggested["secret_key"]
    assert dialog.suggested == {"base_url": address, "secret_key": key}
    assert len(key) >= 32
    assert dialog.page["errors"] == {}
    assert webhooks(hass) == {}

    await dialog.submit()
    assert dialog.action == copy_of(connection)
    assert re.fullmatch(f"{re.escape(address)}/api/webhook/[0-9a-f]{{64}}", dialog.url)
    assert dialog.key == key
    webhook_id = dialog.webhook_id
    assert webhooks(hass) == {webhook_id: is_local}

    assert (await prove(FULL, EventType=1)).status == 200
    await dialog.progressed()
    assert dialog.page["type"] is FlowResultType.CREATE_ENTRY
    assert dialog.page["title"] == "OctoEverywhere"
    entry = the_entry(hass)
    assert entry.state is ConfigEntryState.LOADED
    assert entry.data == {
        "webhook_id": webhook_id,
        "secret_key": key,
        "connection": connection,
        "cloudhook": False,
        "base_url": address,
    }
    assert webhooks(hass) == {webhook_id: is_local}
    assert device_of(hass) is not None
    assert value(hass, "sensor.ender3_status") == "printing"
    assert slugs(announced) == ["print_started"]
    assert issues(hass) == set()


async def test_cloud(hass: HomeAssistant, cloud: Cloud, dialog: Dialog, prove: Post, announced: list[Event]) -> None:
    """Home Assistant Cloud's address is made in the set-up, shown, and deleted with the entry."""
    await dialog.start()
    assert dialog.page["menu_options"] == ["lan", "cloud", "internet"]
    await dialog.choose("cloud")
    key = dialog.suggested["secret_key"]
    assert dialog.suggested == {"secret_key": key}
    assert cloud.hooks == {}

    await dialog.submit()
    assert dialog.action == copy_of("cloud")
    assert dialog.url == "https://hooks.nabu.casa/1"
    assert dialog.key == key
    webhook_id = dialog.webhook_id
    assert webhooks(hass) == {webhook_id: False}

    assert (await prove(FULL, EventType=4)).status == 200
    await dialog.progressed()
    entry = the_entry(hass)
    assert entry.data == {"webhook_id": webhook_id, "secret_key": key, "connection": "cloud", "cloudhook": True}
    assert webhooks(hass) == {webhook_id: False}
    assert list(cloud.hooks) == [webhook_id]
    assert value(hass, "sensor.ender3_status") == "paused"
    assert slugs(announced) == ["print_paused"]
    assert issues(hass) == set()

    assert await hass.config_entries.async_remove(entry.entry_id)
    assert cloud.hooks == {}
    assert webhooks(hass) == {}


@pytest.mark.parametrize(
    ("is_logged_in", "is_expired", "is_offered"), [(True, False, True), (True, True, False), (False, False, False)]
)
async def test_cloud_is_offered(
    cloud: Cloud, dialog: Dialog, is_logged_in: bool, is_expired: bool, is_offered: bool
) -> None:
    """Home Assistant Cloud is offered to those who have a subscription."""
    cloud.is_logged_in = is_logged_in
    cloud.subscription_expired = is_expired
    await dialog.start()
    assert ("cloud" in dialog.page["menu_options"]) is is_offered


async def test_single_entry(hass: HomeAssistant, loaded: MockConfigEntry, dialog: Dialog) -> None:
    """There is nothing to add twice: all printers post to one address."""
    await dialog.start()
    assert dialog.page["type"] is FlowResultType.ABORT
    assert dialog.page["reason"] == "single_instance_allowed"
    assert webhooks(hass) == {WEBHOOK_ID: True}


async def test_two_at_once(hass: HomeAssistant, dialog: Dialog, prove: Post) -> None:
    """Of two set-ups side by side the one that gets its proof stays, and nothing of the other."""
    other = await Dialog(hass).start()
    await (await other.choose("internet")).submit()
    await dialog.start()
    await (await dialog.choose("lan")).submit()
    assert len(webhooks(hass)) == 2
    await prove(EventType=16)
    await dialog.progressed()
    assert webhooks(hass) == {the_entry(hass).data["webhook_id"]: True}
    with pytest.raises(UnknownFlow):
        await hass.config_entries.flow.async_configure(other.flow_id)


# Address and key.


@pytest.mark.parametrize("connection", ["lan", "internet"])
@pytest.mark.parametrize("text", ["", "  ", "http://h:99999", "http://h/lovelace", "ftp://h", "http:/h"])
async def test_invalid_address(hass: HomeAssistant, dialog: Dialog, prove: Post, connection: str, text: str) -> None:
    """An address that cannot be one is named in the form, which keeps everything that was typed."""
    await dialog.start()
    await dialog.choose(connection)
    await dialog.submit(base_url=text, secret_key=MINE)
    assert dialog.step == connection
    assert dialog.page["errors"] == {"base_url": "invalid_url"}
    example = URL(dialog.page["description_placeholders"]["example"])
    assert example.scheme == ("http" if connection == "lan" else "https")
    assert dialog.suggested == {"base_url": text, "secret_key": MINE}
    assert webhooks(hass) == {}

    await dialog.submit(base_url=" https://10.0.0.2:8123/ ")
    assert dialog.url == f"https://10.0.0.2:8123{dialog.path}"
    await prove(EventType=16)
    await dialog.progressed()
    assert the_entry(hass).data["base_url"] == "https://10.0.0.2:8123"


@pytest.mark.parametrize(("connection", "error"), [("lan", "no_lan_url"), ("internet", "no_internet_url")])
async def test_no_address(hass: HomeAssistant, dialog: Dialog, prove: Post, connection: str, error: str) -> None:
    """Where Home Assistant does not know its own address, the form says so, and typing one is a way out."""
    await hass.config.async_update(internal_url=None, external_url=None)
    hass.config.api = None
    await dialog.start()
    await dialog.choose(connection)
    assert dialog.page["errors"] == {"base": error}
    assert dialog.suggested["base_url"] == ""
    await dialog.submit()
    assert dialog.page["errors"] == {"base_url": "invalid_url"}
    await dialog.submit(base_url="https://ha.example.com")
    assert dialog.url.startswith("https://ha.example.com/")
    await prove(EventType=16)
    await dialog.progressed()
    assert the_entry(hass).data["base_url"] == "https://ha.example.com"
    assert issues(hass) == set()


async def test_no_https(hass: HomeAssistant, dialog: Dialog, prove: Post) -> None:
    """An address on the internet without encryption is asked about: it can be changed, or used all the same."""
    await dialog.start()
    await dialog.choose("internet")
    await dialog.submit(base_url="home.example.com:8123", secret_key=MINE)
    assert dialog.step == "no_https"
    assert dialog.page["menu_options"] == ["internet", "accept_no_https"]
    assert webhooks(hass) == {}

    await dialog.choose("internet")
    assert dialog.suggested == {"base_url": "http://home.example.com:8123", "secret_key": MINE}
    await dialog.submit(base_url="https://home.example.com:8123")
    assert dialog.url == f"https://home.example.com:8123{dialog.path}"
    dialog.close()

    await dialog.start()
    await dialog.choose("internet")
    await dialog.submit(base_url="http://home.example.com:8123")
    await dialog.choose("accept_no_https")
    assert dialog.url == f"http://home.example.com:8123{dialog.path}"
    await prove(EventType=16)
    await dialog.progressed()
    assert the_entry(hass).data["base_url"] == "http://home.example.com:8123"


@pytest.mark.parametrize("connection", ["lan", "cloud", "internet"])
@pytest.mark.parametrize(
    ("typed", "kept"), [("mine", "mine"), ("  mine\n", "mine"), (LONGEST, LONGEST), ("µ €", "µ €")]
)
async def test_own_key(
    hass: HomeAssistant, cloud: Cloud, dialog: Dialog, prove: Post, connection: str, typed: str, kept: str
) -> None:
    """The key can be replaced by one of up to 128 characters; a longer one is named in the form."""
    await dialog.start()
    await dialog.choose(connection)
    await dialog.submit(secret_key=TOO_LONG)
    assert dialog.page["errors"] == {"secret_key": "secret_key_too_long"}
    assert dialog.suggested["secret_key"] == TOO_LONG
    assert webhooks(hass) == {}
    assert cloud.hooks == {}

    await dialog.submit(secret_key=typed)
    assert dialog.key == kept
    assert (await prove(EventType=16)).status == 200
    await dialog.progressed()
    assert the_entry(hass).data["secret_key"] == kept


@pytest.mark.parametrize("connection", ["lan", "cloud", "internet"])
@pytest.mark.parametrize("empty", [{}, {"secret_key": ""}, {"secret_key": "  "}])
async def test_no_key(
    hass: HomeAssistant, cloud: Cloud, dialog: Dialog, prove: Post, connection: str, empty: dict[str, str]
) -> None:
    """Having no key is asked about: one can be chosen after all, or none be used."""
    await dialog.start()
    await dialog.choose(connection)
    filled_in = dialog.suggested | {"secret_key": ""}
    fields = {key: text for key, text in filled_in.items() if key != "secret_key"} | empty
    flows = hass.config_entries.flow
    dialog.page = await flows.async_configure(dialog.flow_id, fields)
    assert dialog.step == "no_key"
    assert dialog.page["menu_options"] == [connection, "copy"]
    assert webhooks(hass) == {}

    await dialog.choose(connection)
    assert len(dialog.suggested["secret_key"]) >= 32
    assert dialog.suggested | {"secret_key": ""} == filled_in
    await dialog.submit(secret_key=MINE)
    assert dialog.action == copy_of(connection)
    dialog.close()
    await hass.async_block_till_done()

    await dialog.start()
    await dialog.choose(connection)
    await dialog.submit(secret_key="")
    await dialog.choose("copy")
    assert dialog.action == f"{copy_of(connection)}_without_key"
    assert len(webhooks(hass)) == 1
    assert (await prove(EventType=16, SecretKey="anything")).status == 200
    await dialog.progressed()
    assert the_entry(hass).data["secret_key"] == ""
    assert len(cloud.hooks) == (connection == "cloud")


async def test_no_https_and_no_key(hass: HomeAssistant, dialog: Dialog) -> None:
    """What is not safe is asked about one after the other."""
    await dialog.start()
    await dialog.choose("internet")
    await dialog.submit(base_url="http://home.example.com", secret_key="")
    assert dialog.step == "no_https"
    await dialog.choose("accept_no_https")
    assert dialog.step == "no_key"
    assert webhooks(hass) == {}
    await dialog.choose("copy")
    assert dialog.action == "copy_internet_without_key"


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        ("disconnected", "cloud_not_connected"),
        ("no answer", "cloud_not_connected"),
        ("refused", "cloud_not_connected"),
        ("logged out", "no_cloud"),
        ("expired", "no_cloud"),
    ],
)
async def test_cloud_trouble(
    hass: HomeAssistant,
    cloud: Cloud,
    dialog: Dialog,
    caplog: pytest.LogCaptureFixture,
    trouble: str,
    error: str,
) -> None:
    """Where Home Assistant Cloud gives no address, the form says why, and goes on once it does."""
    await dialog.start()
    await dialog.choose("cloud")
    cloud.iot.connected = trouble != "disconnected"
    cloud.error = {"no answer": TimeoutError(), "refused": RuntimeError("No")}.get(trouble)
    cloud.is_logged_in = trouble != "logged out"
    cloud.subscription_expired = trouble == "expired"
    await dialog.submit(secret_key=MINE)
    assert dialog.step == "cloud"
    assert dialog.page["errors"] == {"base": error}
    assert dialog.suggested == {"secret_key": MINE}
    assert webhooks(hass) == {}
    assert not [
        record for record in caplog.records if record.levelname in ("WARNING", "ERROR") and DOMAIN in record.name
    ]

    cloud.iot.connected = cloud.is_logged_in = True
    cloud.error, cloud.subscription_expired = None, False
    await dialog.submit()
    assert dialog.action == copy_of("cloud")
    assert dialog.url == "https://hooks.nabu.casa/1"


# The proof.


@pytest.mark.parametrize(("slug", "number"), NUMBERS.items())
async def test_any_type_is_a_proof(
    hass: HomeAssistant, dialog: Dialog, prove: Post, announced: list[Event], slug: str, number: int
) -> None:
    """Any authentic notification proves that they arrive; the printer is there if it is about one."""
    await dialog.start()
    await (await dialog.choose("lan")).submit()
    assert (await prove(FULL, EventType=number)).status == 200
    await dialog.progressed()
    assert dialog.page["type"] is FlowResultType.CREATE_ENTRY
    assert slugs(announced) == [slug]
    assert (device_of(hass) is not None) is (slug not in ("test", "notification_limit"))
    assert issues(hass) == ({"notification_limit"} if slug == "notification_limit" else set())


@pytest.mark.parametrize(
    ("field", "text"), [("PrinterId", "no_usable_printer_id"), ("EventType", "no_usable_event_type")]
)
async def test_unusable_is_a_proof(
    hass: HomeAssistant, dialog: Dialog, prove: Post, announced: list[Event], field: str, text: str
) -> None:
    """What carries the key proves that OctoEverywhere gets through, even if nothing can be made of it."""
    await dialog.start()
    await (await dialog.choose("lan")).submit()
    response = await prove(FULL | {field: None})
    assert (response.status, await response.text()) == (400, text)
    await dialog.progressed()
    assert the_entry(hass).state is ConfigEntryState.LOADED
    assert device_of(hass) is None
    assert announced == []


@pytest.mark.parametrize(("data", "status"), [(b"", 400), (b"[]", 400), (b"{" + b" " * 16 * 1024 + b"}", 413)])
async def test_no_proof(
    hass: HomeAssistant, dialog: Dialog, client: Client, prove: Post, data: bytes, status: int
) -> None:
    """What cannot be a notification at all proves nothing, for or against the key."""
    await dialog.start()
    await (await dialog.choose("lan")).submit()
    assert (await client.post(dialog.path, data=data)).status == status
    dialog.page = await hass.config_entries.flow.async_configure(dialog.flow_id)
    assert dialog.action == "copy_lan"
    await prove(EventType=16)
    await dialog.progressed()
    assert the_entry(hass).state is ConfigEntryState.LOADED


async def test_several_before_the_end(hass: HomeAssistant, dialog: Dialog, prove: Post, announced: list[Event]) -> None:
    """All that arrives until the set-up has ended is shown and announced, in order, once."""
    await dialog.start()
    await (await dialog.choose("lan")).submit()
    await prove(EventType=16)
    await prove(FULL, EventType=1)
    await prove(FULL, EventType=10)
    await prove(FULL, EventType=1, PrinterId="printer-2", PrinterName="Voron")
    await prove(FULL, EventType=4)
    assert announced == []
    await dialog.progressed()
    assert slugs(announced) == ["test", "print_started", "first_layer_complete", "print_started", "print_paused"]
    assert value(hass, "sensor.ender3_status") == "paused"
    assert value(hass, "sensor.voron_status") == "printing"
    await prove(FULL, EventType=5)
    await hass.async_block_till_done()
    assert slugs(announced)[5:] == ["print_resumed"]


@pytest.mark.parametrize("option", ["wait", "copy"])
@pytest.mark.parametrize("received", [None, "", "wrong", 12345])
async def test_wrong_key(
    hass: HomeAssistant, dialog: Dialog, client: Client, prove: Post, received: object, option: str
) -> None:
    """A wrong or missing key is named at once, together with the right one, and the wait goes on."""
    await dialog.start()
    await (await dialog.choose("lan")).submit()
    shown_before = (dialog.url, dialog.key)
    response = await prove(FULL, SecretKey=received)
    assert (response.status, await response.text()) == (401, "wrong_secret_key")
    await dialog.progressed()
    assert dialog.step == "wrong_key"
    assert dialog.page["menu_options"] == ["wait", "copy", "lan", "finish"]
    assert dialog.key == shown_before[1]
    assert issues(hass) == set()

    await dialog.choose(option)
    assert dialog.action == ("copy_lan" if option == "copy" else option)
    assert (dialog.url, dialog.key) == shown_before
    # Once more with the wrong key, and at last with the right one.
    await prove(FULL, SecretKey=received)
    await dialog.progressed()
    assert dialog.step == "wrong_key"
    await dialog.choose(option)
    await prove(FULL)
    await dialog.progressed()
    assert the_entry(hass).data["secret_key"] == shown_before[1]
    assert value(hass, "sensor.ender3_status") == "printing"


async def test_proof_while_nobody_waits(
    hass: HomeAssistant, dialog: Dialog, prove: Post, announced: list[Event]
) -> None:
    """The right key that arrives while the page still tells of the wrong one counts as soon as the wait goes on."""
    await dialog.start()
    await (await dialog.choose("lan")).submit()
    await prove(FULL, SecretKey="wrong")
    await dialog.progressed()
    assert (await prove(FULL)).status == 200
    assert (await prove(FULL, SecretKey="wrong")).status == 401
    await dialog.choose("wait")
    assert dialog.page["type"] is FlowResultType.CREATE_ENTRY
    assert slugs(announced) == ["print_progress"]


@pytest.mark.parametrize("connection", ["lan", "cloud", "internet"])
@pytest.mark.parametrize("option", ["wait", "copy"])
async def test_nothing_arrives(
    hass: HomeAssistant,
    cloud: Cloud,
    dialog: Dialog,
    prove: Post,
    freezer: FrozenDateTimeFactory,
    connection: str,
    option: str,
) -> None:
    """After five minutes the page says what to check, and waits again as long as asked to."""
    await dialog.start()
    await (await dialog.choose(connection)).submit()
    shown_before = (dialog.url, dialog.key, webhooks(hass))
    for _ in range(2):
        await wait_in_vain(hass, dialog, freezer)
        assert dialog.step == f"nothing_{connection}"
        assert dialog.page["menu_options"] == ["wait", "copy", connection, "finish"]
        assert (dialog.url, dialog.key, webhooks(hass)) == shown_before
        await dialog.choose(option)
        assert dialog.action == (copy_of(connection) if option == "copy" else option)
        assert (dialog.url, dialog.key, webhooks(hass)) == shown_before
    await prove(FULL)
    await dialog.progressed()
    assert the_entry(hass).data["connection"] == connection
    assert webhooks(hass) == shown_before[2]


@pytest.mark.parametrize("is_wrong", [False, True])
async def test_dialog_that_is_left_open(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    dialog: Dialog,
    send: Post,
    prove: Post,
    freezer: FrozenDateTimeFactory,
    is_wrong: bool,
) -> None:
    """Somebody who leaves in the middle leaves nothing open that was closed before; who comes back goes on."""
    await reconfigure(dialog, loaded, "internet")
    await dialog.submit(secret_key=MINE)
    if is_wrong:
        await prove(SecretKey="wrong")
        await dialog.progressed()
    else:
        await wait_in_vain(hass, dialog, freezer)
    assert webhooks(hass) == {WEBHOOK_ID: False}
    for minutes, is_open in ((14, True), (2, False)):
        freezer.tick(timedelta(minutes=minutes))
        async_fire_time_changed(hass)
        assert webhooks(hass) == {WEBHOOK_ID: not is_open}
    assert (await send(FULL, SecretKey=MINE)).status == 401
    assert (await send(FULL, EventType=1)).status == 200
    assert issues(hass) == set()

    await dialog.choose("wait")
    assert webhooks(hass) == {WEBHOOK_ID: False}
    await prove(FULL)
    await dialog.progressed()
    assert is_done(dialog)
    assert the_entry(hass).data["secret_key"] == MINE


@pytest.mark.parametrize("is_wrong", [False, True])
async def test_change_after_waiting(
    hass: HomeAssistant, dialog: Dialog, prove: Post, freezer: FrozenDateTimeFactory, is_wrong: bool
) -> None:
    """Address and key can be changed when nothing or something wrong has arrived, and what is behind the address stays."""
    await dialog.start()
    await (await dialog.choose("lan")).submit()
    webhook_id = dialog.webhook_id
    if is_wrong:
        await prove(SecretKey="wrong")
        await dialog.progressed()
    else:
        await wait_in_vain(hass, dialog, freezer)
    await dialog.choose("lan")
    assert dialog.suggested == {"base_url": INTERNAL_URL, "secret_key": dialog.key}
    await dialog.submit(base_url="192.168.1.20:8123", secret_key=MINE)
    assert (dialog.url, dialog.key) == (f"http://192.168.1.20:8123/api/webhook/{webhook_id}", MINE)
    assert webhooks(hass) == {webhook_id: True}
    await prove(FULL)
    await dialog.progressed()
    assert the_entry(hass).data["base_url"] == "http://192.168.1.20:8123"
    assert value(hass, "sensor.ender3_status") == "printing"


@pytest.mark.parametrize("connection", ["lan", "cloud", "internet"])
@pytest.mark.parametrize("is_wrong", [False, True])
async def test_finish_without_a_test(
    hass: HomeAssistant,
    cloud: Cloud,
    dialog: Dialog,
    prove: Post,
    freezer: FrozenDateTimeFactory,
    connection: str,
    is_wrong: bool,
) -> None:
    """The set-up can be finished without a proof; what arrives later is accepted."""
    await dialog.start()
    await (await dialog.choose(connection)).submit()
    path, key, webhook_id = dialog.path, dialog.key, dialog.webhook_id
    if is_wrong:
        await prove(SecretKey="wrong")
        await dialog.progressed()
    else:
        await wait_in_vain(hass, dialog, freezer)
    await dialog.finish()
    assert dialog.page["type"] is FlowResultType.CREATE_ENTRY
    data = {"webhook_id": webhook_id, "secret_key": key, "connection": connection, "cloudhook": connection == "cloud"}
    if connection != "cloud":
        data["base_url"] = INTERNAL_URL if connection == "lan" else EXTERNAL_URL
    assert the_entry(hass).data == data
    assert device_of(hass) is None
    assert (await prove(FULL)).status == 200
    await hass.async_block_till_done()
    assert value(hass, "sensor.ender3_status") == "printing"
    assert path.endswith(webhook_id)


# Giving up.


@pytest.mark.parametrize("connection", ["lan", "cloud", "internet"])
@pytest.mark.parametrize(
    "stage", ["menu", "form", "error", "no_https", "no_key", "copy", "wrong_key", "nothing", "wait", "proved"]
)
async def test_close(
    hass: HomeAssistant,
    cloud: Cloud,
    dialog: Dialog,
    prove: Post,
    freezer: FrozenDateTimeFactory,
    announced: list[Event],
    connection: str,
    stage: str,
) -> None:
    """Closing the dialog leaves nothing behind, wherever it is."""
    await dialog.start()
    if stage != "menu":
        await dialog.choose(connection)
    match stage:
        case "error":
            await dialog.submit(secret_key=TOO_LONG)
        case "no_https" if connection == "internet":
            await dialog.submit(base_url="http://home.example.com")
        case "no_key":
            await dialog.submit(secret_key="")
        case "copy" | "wrong_key" | "nothing" | "wait" | "proved":
            await dialog.submit()
    match stage:
        case "wrong_key":
            await prove(SecretKey="wrong")
            await dialog.progressed()
        case "nothing" | "wait":
            await wait_in_vain(hass, dialog, freezer)
        case "proved":
            await prove(FULL)
            await hass.async_block_till_done()
    if stage == "wait":
        await dialog.choose("wait")
    dialog.close()
    await hass.async_block_till_done()
    assert webhooks(hass) == {}
    assert cloud.hooks == {}
    assert hass.config_entries.async_entries(DOMAIN) == []
    assert issues(hass) == set()
    assert announced == []


async def test_close_while_the_cloud_answers(hass: HomeAssistant, cloud: Cloud, dialog: Dialog) -> None:
    """Closing the dialog before Home Assistant Cloud has answered leaves nothing behind either."""
    await dialog.start()
    await dialog.choose("cloud")
    cloud.answering.clear()
    submit = asyncio.create_task(dialog.submit())
    await cloud.asked.wait()
    dialog.close()
    cloud.answering.set()
    with pytest.raises(UnknownFlow):
        await submit
    await hass.async_block_till_done()
    assert cloud.hooks == {}
    assert webhooks(hass) == {}


# Once more.


async def reconfigure(dialog: Dialog, entry: MockConfigEntry, *options: str) -> None:
    """Open the reconfiguration and choose."""
    await dialog.start(entry)
    assert dialog.step == "reconfigure"
    await dialog.choose(*options)


def is_done(dialog: Dialog) -> bool:
    """Tell whether the reconfiguration says that it is done."""
    return (dialog.page["type"], dialog.page["reason"]) == (FlowResultType.ABORT, "reconfigured")


async def test_show(
    hass: HomeAssistant, loaded: MockConfigEntry, dialog: Dialog, send: Post, announced: list[Event]
) -> None:
    """Address and key can be read again and proved again, while notifications are accepted as ever."""
    data = dict(loaded.data)
    await dialog.start(loaded)
    assert dialog.page["menu_options"] == ["show", "lan", "internet", "new_address"]
    assert (await send(FULL, EventType=1)).status == 200
    await dialog.choose("show")
    assert dialog.action == "copy_lan"
    assert (dialog.url, dialog.key) == (f"{INTERNAL_URL}{PATH}", SECRET)
    assert webhooks(hass) == {WEBHOOK_ID: True}

    assert (await send(FULL, EventType=4)).status == 200
    assert value(hass, "sensor.ender3_status") == "paused"
    await dialog.progressed()
    assert is_done(dialog)
    assert the_entry(hass).data == data
    assert slugs(announced) == ["print_started", "print_paused"]
    assert webhooks(hass) == {WEBHOOK_ID: True}
    assert (await send(FULL, EventType=5)).status == 200
    await hass.async_block_till_done()
    assert value(hass, "sensor.ender3_status") == "printing"


async def test_show_without_key(
    hass: HomeAssistant, entry: MockConfigEntry, dialog: Dialog, client: Client, send: Post
) -> None:
    """Who has no key is not asked for one."""
    hass.config_entries.async_update_entry(entry, data={**entry.data, "secret_key": ""})
    assert await hass.config_entries.async_setup(entry.entry_id)
    await reconfigure(dialog, entry, "show")
    assert dialog.action == "copy_lan_without_key"
    await send(EventType=16)
    await dialog.progressed()
    assert is_done(dialog)


@pytest.mark.parametrize("is_abandoned", [False, True])
async def test_other_connection(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    dialog: Dialog,
    send: Post,
    announced: list[Event],
    is_abandoned: bool,
) -> None:
    """From the home network to the internet: the webhook is open to both until the end, and then as was chosen."""
    data = dict(loaded.data)
    await reconfigure(dialog, loaded, "internet")
    assert dialog.suggested == {"base_url": EXTERNAL_URL, "secret_key": SECRET}
    assert webhooks(hass) == {WEBHOOK_ID: True}
    await dialog.submit()
    assert dialog.url == f"{EXTERNAL_URL}{PATH}"
    assert webhooks(hass) == {WEBHOOK_ID: False}
    with patch("homeassistant.components.webhook.network_util.is_local", return_value=False):
        assert (await send(FULL)).status == 200
    if is_abandoned:
        dialog.close()
    else:
        await dialog.progressed()
        assert is_done(dialog)
        data |= {"connection": "internet", "base_url": EXTERNAL_URL}
    await hass.async_block_till_done()
    assert slugs(announced) == ["print_progress"]
    assert the_entry(hass).data == data
    assert webhooks(hass) == {WEBHOOK_ID: is_abandoned}
    assert (await send(FULL)).status == 200


async def test_back_to_the_home_network(
    hass: HomeAssistant, entry: MockConfigEntry, dialog: Dialog, client: Client, send: Post
) -> None:
    """From the internet to the home network: the internet is shut out at the end, and not before."""
    data = {**entry.data, "connection": "internet", "base_url": "https://old.example.com"}
    hass.config_entries.async_update_entry(entry, data=data)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await dialog.start(entry)
    await dialog.choose("internet")
    assert dialog.suggested["base_url"] == "https://old.example.com"
    dialog.close()
    await reconfigure(dialog, entry, "lan")
    assert dialog.suggested["base_url"] == INTERNAL_URL
    await dialog.submit()
    assert webhooks(hass) == {WEBHOOK_ID: False}
    await send(EventType=16)
    await dialog.progressed()
    assert the_entry(hass).data == data | {"connection": "lan", "base_url": INTERNAL_URL}
    assert webhooks(hass) == {WEBHOOK_ID: True}


@pytest.mark.parametrize("is_abandoned", [False, True])
async def test_other_key(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    dialog: Dialog,
    send: Post,
    announced: list[Event],
    is_abandoned: bool,
) -> None:
    """Until the end both keys are accepted, as OctoEverywhere may use either; then the one that was decided on."""
    await reconfigure(dialog, loaded, "lan")
    await dialog.submit(secret_key=NEW)
    assert (await send(FULL, EventType=1, SecretKey=NEW)).status == 200
    assert (await send(FULL, EventType=4)).status == 200
    assert (await send(FULL, EventType=5, SecretKey="other")).status == 401
    assert (await send(FULL, EventType=10)).status == 200
    assert slugs(announced) == ["print_started", "print_paused", "first_layer_complete"]
    assert issues(hass) == set()
    if is_abandoned:
        dialog.close()
        await hass.async_block_till_done()
    else:
        await dialog.progressed()
        assert is_done(dialog)
    assert the_entry(hass).data["secret_key"] == (SECRET if is_abandoned else NEW)
    assert (await send(FULL, SecretKey=NEW)).status == (401 if is_abandoned else 200)
    assert (await send(FULL)).status == (200 if is_abandoned else 401)


async def test_old_key_is_no_mistake(hass: HomeAssistant, loaded: MockConfigEntry, dialog: Dialog, send: Post) -> None:
    """A printer that goes on with the old key does not take the new one off the page before it was copied."""
    await reconfigure(dialog, loaded, "lan")
    await dialog.submit(secret_key=NEW)
    for _ in range(2):
        assert (await send(FULL)).status == 200
    dialog.page = await hass.config_entries.flow.async_configure(dialog.flow_id)
    assert dialog.step == "copy"


@pytest.mark.parametrize("is_abandoned", [False, True])
async def test_new_address(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    dialog: Dialog,
    send: Post,
    prove: Post,
    announced: list[Event],
    is_abandoned: bool,
) -> None:
    """The old address works until the end; what arrives at the new one appears at once, whether or not it is kept."""
    await reconfigure(dialog, loaded, "new_address")
    assert dialog.step == "user"
    await dialog.choose("lan")
    assert dialog.suggested == {"base_url": INTERNAL_URL, "secret_key": SECRET}
    await dialog.submit()
    new = dialog.webhook_id
    assert new != WEBHOOK_ID
    assert dialog.url == f"{INTERNAL_URL}/api/webhook/{new}"
    assert webhooks(hass) == {WEBHOOK_ID: True, new: True}
    assert (await send(FULL, EventType=1)).status == 200
    assert value(hass, "sensor.ender3_status") == "printing"
    assert (await prove(FULL, EventType=4)).status == 200
    assert value(hass, "sensor.ender3_status") == "paused"
    if is_abandoned:
        dialog.close()
        await hass.async_block_till_done()
        assert webhooks(hass) == {WEBHOOK_ID: True}
        assert the_entry(hass).data["webhook_id"] == WEBHOOK_ID
        assert (await send(FULL, EventType=5)).status == 200
        assert value(hass, "sensor.ender3_status") == "printing"
        return
    await dialog.progressed()
    assert is_done(dialog)
    assert the_entry(hass).data == {**loaded.data, "webhook_id": new}
    assert webhooks(hass) == {new: True}
    assert value(hass, "sensor.ender3_status") == "paused"
    assert slugs(announced) == ["print_started", "print_paused"]


@pytest.mark.parametrize("is_abandoned", [False, True])
@pytest.mark.parametrize(
    ("options", "is_new"), [(["show"], False), (["cloud"], False), (["lan"], False), (["new_address", "cloud"], True)]
)
async def test_from_cloud(
    hass: HomeAssistant,
    cloud: Cloud,
    entry: MockConfigEntry,
    dialog: Dialog,
    prove: Post,
    options: list[str],
    is_new: bool,
    is_abandoned: bool,
) -> None:
    """The entry's address at Home Assistant Cloud lasts as long as the entry needs it, and no longer."""
    await cloud_entry(hass, cloud, entry)
    data = dict(entry.data)
    await reconfigure(dialog, entry, *options)
    if options != ["show"]:
        await dialog.submit()
    goes_to_lan = options == ["lan"]
    webhook_id = dialog.webhook_id
    assert (webhook_id != WEBHOOK_ID) is is_new
    assert dialog.url == (f"{INTERNAL_URL}{PATH}" if goes_to_lan else f"https://hooks.nabu.casa/{2 if is_new else 1}")
    assert set(cloud.hooks) == {WEBHOOK_ID, webhook_id}
    assert not any(webhooks(hass).values())
    assert (await prove(FULL)).status == 200
    if is_abandoned:
        dialog.close()
        await hass.async_block_till_done()
        assert list(cloud.hooks) == [WEBHOOK_ID]
        assert the_entry(hass).data == data
        assert webhooks(hass) == {WEBHOOK_ID: False}
        return
    await dialog.progressed()
    assert is_done(dialog)
    data["webhook_id"] = webhook_id
    if goes_to_lan:
        data |= {"connection": "lan", "cloudhook": False, "base_url": INTERNAL_URL}
    assert the_entry(hass).data == data
    assert list(cloud.hooks) == ([] if goes_to_lan else [webhook_id])
    assert webhooks(hass) == {webhook_id: goes_to_lan}
    assert issues(hass) == set()
    assert value(hass, "sensor.ender3_status") == "printing"


@pytest.mark.parametrize("is_abandoned", [False, True])
async def test_to_cloud(
    hass: HomeAssistant, cloud: Cloud, loaded: MockConfigEntry, dialog: Dialog, prove: Post, is_abandoned: bool
) -> None:
    """An address at Home Assistant Cloud is made for the entry, and deleted where the dialog is closed."""
    data = dict(loaded.data)
    await reconfigure(dialog, loaded, "cloud")
    await dialog.submit()
    assert dialog.url == cloud.hooks[WEBHOOK_ID]["cloudhook_url"]
    assert webhooks(hass) == {WEBHOOK_ID: False}
    await prove(FULL)
    if is_abandoned:
        dialog.close()
        await hass.async_block_till_done()
    else:
        await dialog.progressed()
        assert is_done(dialog)
        data |= {"connection": "cloud", "cloudhook": True}
        del data["base_url"]
    assert the_entry(hass).data == data
    assert list(cloud.hooks) == ([] if is_abandoned else [WEBHOOK_ID])
    assert webhooks(hass) == {WEBHOOK_ID: is_abandoned}
    assert (await prove(FULL)).status == 200


async def test_show_without_cloud(hass: HomeAssistant, cloud: Cloud, entry: MockConfigEntry, dialog: Dialog) -> None:
    """Who has no subscription any more is told so, and finds the other ways."""
    await cloud_entry(hass, cloud, entry)
    cloud.subscription_expired = True
    await dialog.start(entry)
    assert dialog.page["menu_options"] == ["show", "lan", "internet", "new_address"]
    await dialog.choose("show")
    assert dialog.page["errors"] == {"base": "no_cloud"}


@pytest.mark.parametrize(
    "is_proved",
    [False, True],
)
async def test_removed_meanwhile(
    hass: HomeAssistant, cloud: Cloud, loaded: MockConfigEntry, dialog: Dialog, prove: Post, is_proved: bool
) -> None:
    """Nothing is left of an entry that is removed while it is being reconfigured, once the dialog is closed."""
    await reconfigure(dialog, loaded, "cloud")
    await dialog.submit()
    assert await hass.config_entries.async_remove(loaded.entry_id)
    if is_proved:
        await prove(FULL)
        with suppress(UnknownEntry):
            await dialog.progressed()
    dialog.close()
    await hass.async_block_till_done()
    assert webhooks(hass) == {}
    assert cloud.hooks == {}


async def test_two_reconfigurations(
    hass: HomeAssistant, loaded: MockConfigEntry, dialog: Dialog, send: Post, freezer: FrozenDateTimeFactory
) -> None:
    """Of two reconfigurations side by side the newer one waits; closing it does not shut the webhook."""
    await reconfigure(dialog, loaded, "show")
    await send(FULL, SecretKey="wrong")
    await dialog.progressed()
    other = await Dialog(hass).start(loaded)
    await other.choose("show")
    await send(FULL)
    await other.progressed()
    assert is_done(other)
    assert webhooks(hass) == {WEBHOOK_ID: True}
    dialog.close()
    assert webhooks(hass) == {WEBHOOK_ID: True}
    assert (await send(FULL)).status == 200


@pytest.mark.parametrize(
    "is_disabled",
    [
        False,
        True,
    ],
)
async def test_entry_that_is_not_loaded(
    hass: HomeAssistant, loaded: MockConfigEntry, dialog: Dialog, prove: Post, is_disabled: bool
) -> None:
    """Once the reconfiguration has ended, nothing is answered 200 that no entry has taken."""
    await reconfigure(dialog, loaded, "show")
    await prove(FULL, EventType=1)
    if is_disabled:
        await hass.config_entries.async_set_disabled_by(loaded.entry_id, ConfigEntryDisabler.USER)
    else:
        assert await hass.config_entries.async_unload(loaded.entry_id)
    await dialog.progressed()
    assert is_done(dialog)
    assert webhooks(hass) == ({} if is_disabled else {WEBHOOK_ID: True})


@pytest.mark.parametrize("is_new", [False, True])
async def test_entry_that_cannot_be_loaded(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    client: Client,
    dialog: Dialog,
    prove: Post,
    is_new: bool,
    entry_data: dict[str, Any],
) -> None:
    """Where the entry cannot be set up at the end, what arrives from then on is not answered as if it had been taken."""
    if not is_new:
        entry = MockConfigEntry(domain=DOMAIN, data=entry_data)
        entry.add_to_hass(hass)
        assert await hass.config_entries.async_setup(entry.entry_id)
        await reconfigure(dialog, entry, "show")
    else:
        await dialog.start()
        await (await dialog.choose("lan")).submit()
    await prove(FULL, EventType=1)
    with patch("custom_components.octoeverywhere.store.PrinterStore.async_load", side_effect=OSError("Disk")):
        await dialog.progressed()
    assert the_entry(hass).state is ConfigEntryState.SETUP_ERROR
    assert dialog.webhook_id not in webhooks(hass) or (await prove(FULL, EventType=4)).status == 503
