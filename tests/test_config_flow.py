"""Tests of the set-up in the UI: the entry first, then the proof, and nothing says that it works before something was accepted."""

import asyncio
from datetime import timedelta
import re
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import UnknownFlow
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from custom_components.octoeverywhere.const import DOMAIN

from .conftest import (
    EXTERNAL_URL,
    FULL,
    INTERNAL_URL,
    PATH,
    PRINTER,
    SECRET,
    WEBHOOK_ID,
    Client,
    Cloud,
    Dialog,
    Disk,
    Post,
    change,
    cloud_entry,
    device_of,
    issues,
    load,
    logged,
    outside,
    records,
    the_entry,
    unload,
    value,
    webhooks,
)

pytestmark = pytest.mark.usefixtures("client")

MINE = "mine, and long enough"
OWN = {"lan": INTERNAL_URL, "internet": EXTERNAL_URL}
WAYS = ("lan", "cloud", "internet")
CLOUD_URL = "https://hooks.nabu.casa/1"
DOUBTFUL, NO_HTTPS, NO_KEY = {"base_url": "doubtful_url"}, {"base_url": "no_https"}, {"secret_key": "no_key"}


@pytest.fixture
def prove(hass: HomeAssistant, client: Client, dialog: Dialog) -> Post:
    """Return a function that posts to the address with the key that the dialog shows, keys as keywords."""

    async def prove(payload: dict[str, Any] | None = None, /, **keys: Any) -> Any:
        body = {**PRINTER, "SecretKey": dialog.key, **(payload or {}), **keys}
        response = await client.post(dialog.path, json=body)
        await hass.async_block_till_done()
        return response

    return prove


async def set_up(dialog: Dialog, way: str = "lan", **fields: str) -> None:
    """Add the integration, up to the page that shows address and key."""
    await dialog.add(way)
    await dialog.submit(**fields)
    assert dialog.step == ("copy_lan" if way == "lan" else "copy_internet")


async def wait_in_vain(hass: HomeAssistant, dialog: Dialog, freezer: FrozenDateTimeFactory) -> None:
    """Let the dialog wait until it gives up, and not a moment less."""
    freezer.tick(timedelta(seconds=59))
    async_fire_time_changed(hass)
    dialog.page = await hass.config_entries.flow.async_configure(dialog.flow_id)
    assert dialog.step == "wait"
    freezer.tick(timedelta(seconds=2))
    async_fire_time_changed(hass)
    await dialog.progressed()


# The whole way.


@pytest.mark.parametrize("way", WAYS)
async def test_whole_way(hass: HomeAssistant, cloud: Cloud, dialog: Dialog, prove: Post, way: str) -> None:
    """With nothing typed: the entry, what to copy, the wait, the proof; and a test makes no printer."""
    await dialog.add()
    assert dialog.page["menu_options"] == [*WAYS]
    await dialog.choose(way)
    key = dialog.suggested["secret_key"]
    assert dialog.suggested == {"secret_key": key} | ({} if way == "cloud" else {"base_url": OWN[way]})
    assert len(key) >= 32
    assert (webhooks(hass), cloud.hooks) == (set(), {})

    await dialog.submit()
    entry = the_entry(hass)
    assert (entry.state, entry.title) == (ConfigEntryState.LOADED, "OctoEverywhere")
    data = {"webhook_id": dialog.webhook_id, "secret_key": key, "connection": way, "own_url": OWN.get(way, CLOUD_URL)}
    assert entry.data == data | ({} if way == "cloud" else {"base_url": OWN[way]})
    assert dialog.key == key
    assert re.fullmatch("[0-9a-f]{64}", dialog.webhook_id)
    assert dialog.url == (CLOUD_URL if way == "cloud" else f"{OWN[way]}{dialog.path}")
    assert webhooks(hass) == {dialog.webhook_id}
    assert issues(hass) == {"nothing_arrived"}

    await dialog.submit()
    assert dialog.step == "wait"
    assert (await prove(EventType=16)).status == 200
    await dialog.progressed()
    assert dialog.outcome == "proven"
    assert (issues(hass), device_of(hass)) == (set(), None)
    await prove(FULL, EventType=1)
    assert value(hass, "sensor.ender3_status") == "printing"
    assert await hass.config_entries.async_remove(entry.entry_id)
    assert (webhooks(hass), cloud.hooks, issues(hass)) == (set(), {}, set())


async def test_closed_half_way(
    hass: HomeAssistant, dialog: Dialog, prove: Post, freezer: FrozenDateTimeFactory
) -> None:
    """A dialog that is closed by mistake loses nothing, wherever it is: address and key stay, and are shown again."""
    await dialog.add()
    dialog.close()
    await dialog.add("lan")
    dialog.close()
    assert (webhooks(hass), hass.config_entries.async_entries(DOMAIN)) == (set(), [])
    await set_up(dialog)
    shown = dialog.url, dialog.key
    for is_waiting in (False, True, True):
        if is_waiting:
            await dialog.submit()
        dialog.close()
        await hass.async_block_till_done(wait_background_tasks=True)
        assert issues(hass) == {"nothing_arrived"}
        await dialog.reconfigure("show")
        assert (dialog.url, dialog.key) == shown
    await dialog.submit()
    await wait_in_vain(hass, dialog, freezer)
    dialog.close()
    assert (await prove(FULL)).status == 200
    assert (issues(hass), value(hass, "sensor.ender3_status")) == (set(), "printing")


async def test_two_at_once(hass: HomeAssistant, dialog: Dialog) -> None:
    """Of two set-ups side by side one makes the entry, and there is nothing to add twice."""
    other = await Dialog(hass).add("internet")
    await set_up(dialog)
    with pytest.raises(UnknownFlow):
        await other.submit()
    assert webhooks(hass) == {the_entry(hass).data["webhook_id"]}
    await other.add()
    assert other.outcome == "single_instance_allowed"


# Address and key.


@pytest.mark.parametrize("way", ["lan", "internet"])
async def test_unusable(hass: HomeAssistant, dialog: Dialog, way: str) -> None:
    """What cannot be an address or a key is named in the form, which keeps what was typed."""
    await dialog.add(way)
    for text, key, errors in (
        ("https://[::1", MINE, {"base_url": "invalid_url"}),
        ("http://[]@", "k" * 129, {"base_url": "invalid_url", "secret_key": "secret_key_too_long"}),
        (OWN[way], "7 chars", {"secret_key": "secret_key_too_short"}),
    ):
        await dialog.submit(base_url=text, secret_key=key)
        assert (dialog.step, dialog.page["errors"]) == (way, errors)
        assert dialog.suggested == {"base_url": text, "secret_key": key}
    assert webhooks(hass) == set()
    await dialog.submit(base_url=f" {OWN[way]}/lovelace/0?edit=1 ", secret_key=MINE)
    assert the_entry(hass).data["base_url"] == OWN[way]


@pytest.mark.parametrize(("way", "error"), [("lan", "no_lan_url"), ("internet", "no_internet_url")])
async def test_no_address(hass: HomeAssistant, dialog: Dialog, way: str, error: str) -> None:
    """Where Home Assistant does not know its own address, the form says so, and typing one is a way out."""
    await hass.config.async_update(internal_url=None, external_url=None)
    hass.config.api = None
    await dialog.add(way)
    assert (dialog.page["errors"], dialog.suggested["base_url"]) == ({"base": error}, None)
    await dialog.submit(base_url="https://ha.example.com")
    assert dialog.url == f"https://ha.example.com{dialog.path}"


@pytest.mark.parametrize(
    ("way", "fields", "errors"),
    [
        ("lan", {"base_url": "http://192.168.1.10"}, DOUBTFUL),
        ("lan", {"base_url": "http://localhost:8123"}, DOUBTFUL),
        ("lan", {"base_url": "https://192.168.1.10:8123"}, DOUBTFUL),
        ("lan", {"secret_key": ""}, NO_KEY),
        ("lan", {"base_url": "127.0.0.1:8123", "secret_key": " "}, DOUBTFUL | NO_KEY),
        ("cloud", {"secret_key": ""}, NO_KEY),
        ("internet", {"base_url": "http://home.example.com"}, NO_HTTPS),
        ("internet", {"base_url": "http://a.example", "secret_key": ""}, NO_HTTPS | NO_KEY),
    ],
)
async def test_doubts(
    hass: HomeAssistant, cloud: Cloud, dialog: Dialog, way: str, fields: dict[str, str], errors: dict[str, str]
) -> None:
    """What may be a mistake is asked back once, and offered instead of a doubtful address is Home Assistant's own."""
    await dialog.add(way)
    usual = dialog.suggested
    await dialog.submit(**fields)
    assert (dialog.step, dialog.page["errors"]) == (way, errors)
    assert (webhooks(hass), cloud.hooks) == (set(), {})
    offered = {"base_url": INTERNAL_URL} if "doubtful_url" in errors.values() else {}
    assert dialog.suggested == usual | fields | offered

    await dialog.submit(**fields)
    data = the_entry(hass).data
    assert data["secret_key"] == dialog.key == fields.get("secret_key", usual["secret_key"]).strip()
    assert data.get("base_url", "").endswith(fields.get("base_url", ""))


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
    hass: HomeAssistant, cloud: Cloud, dialog: Dialog, caplog: pytest.LogCaptureFixture, trouble: str, error: str
) -> None:
    """Where Home Assistant Cloud gives no address, the form says why, and goes on once it does."""
    await dialog.add("cloud")
    cloud.iot.connected = trouble != "disconnected"
    cloud.error = {"no answer": TimeoutError(), "refused": RuntimeError("No")}.get(trouble)
    cloud.is_logged_in = trouble != "logged out"
    cloud.subscription_expired = trouble == "expired"
    await dialog.submit(secret_key=MINE)
    assert (dialog.step, dialog.page["errors"]) == ("cloud", {"base": error})
    assert dialog.suggested == {"secret_key": MINE}
    assert logged(caplog) == []
    await dialog.add()
    assert ("cloud" in dialog.page["menu_options"]) is (error != "no_cloud")


# The proof.


@pytest.mark.parametrize("is_early", [False, True])
@pytest.mark.parametrize(
    ("posts", "outcome"),
    [
        *(([{**FULL, "EventType": number}], "proven") for number in (1, 13, 16, 99)),
        ([{"PrinterId": None, "EventType": 16}], "not_understood"),
        ([{"EventType": None}], "not_understood"),
        *(([{**FULL, "SecretKey": key}], "wrong_key") for key in (None, "", "wrong", 12345)),
        # The best of what has come.
        ([{**FULL}, {**FULL, "SecretKey": "wrong"}], "proven"),
        ([{"EventType": None}, {"SecretKey": "wrong"}], "not_understood"),
    ],
)
async def test_outcome(
    hass: HomeAssistant, dialog: Dialog, prove: Post, posts: list[dict[str, Any]], outcome: str, is_early: bool
) -> None:
    """What is said is what came, whether before or after the person went on; from there, one can look again and go back."""
    await set_up(dialog)
    if not is_early:
        await dialog.submit()
        await prove(posts[0])
        await dialog.progressed()
    else:
        for body in posts:
            await prove(body)
        await dialog.submit()
    if outcome == "proven":
        assert dialog.outcome == outcome
        return
    assert dialog.step == outcome
    assert "nothing_arrived" in issues(hass)
    assert dialog.page["menu_options"] == ["wait", "copy", "reconfigure"]
    # What comes while that is shown is found afterwards, on both ways.
    await prove(FULL)
    await dialog.choose("copy" if is_early else "wait")
    if is_early:
        await dialog.submit()
    assert dialog.outcome == "proven"


@pytest.mark.parametrize("address", ["203.0.113.9", "100.64.0.1", "2001:db8::1"])
async def test_from_outside(hass: HomeAssistant, dialog: Dialog, prove: Post, address: str) -> None:
    """Who knocks from outside the home network is named, and let in over the internet if the person chooses that."""
    await set_up(dialog)
    await dialog.submit()
    with outside(address):
        assert (await prove(FULL)).status == 403
        await dialog.progressed()
        assert dialog.step == "from_outside"
        assert dialog.page["description_placeholders"]["remote"] == address
        await dialog.choose("reconfigure", "internet")
        await dialog.submit()
        assert (await prove(FULL)).status == 200
        await dialog.submit()
    assert dialog.outcome == "proven"
    assert issues(hass) == set()


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("way", WAYS)
async def test_nothing_arrives(
    hass: HomeAssistant, client: Client, dialog: Dialog, prove: Post, freezer: FrozenDateTimeFactory, way: str
) -> None:
    """After a minute the page says what to check; junk proves nothing, and one can wait on or choose another way."""
    await set_up(dialog, way)
    await dialog.submit()
    assert (await client.post(dialog.path, data=b"junk")).status == 400
    for _ in range(2):
        await wait_in_vain(hass, dialog, freezer)
        assert dialog.step == f"nothing_{way}"
        assert dialog.page["description_placeholders"]["url"] == dialog.url
        assert issues(hass) == {"nothing_arrived"}
        await dialog.choose("wait")
    await wait_in_vain(hass, dialog, freezer)
    await dialog.choose("reconfigure")
    assert dialog.page["menu_options"] == ["show", *WAYS, "new_address"]
    await dialog.choose("internet" if way == "lan" else "lan")
    await dialog.submit()
    await prove(FULL)
    await dialog.submit()
    assert dialog.outcome == "proven"


async def test_back_from_copy(hass: HomeAssistant, dialog: Dialog, prove: Post) -> None:
    """From what is to be copied one can go back; another key is saved, whatever is done to the address is not."""
    await set_up(dialog)
    url, key = dialog.url, dialog.key
    for typed, error in (("short", "secret_key_too_short"), ("k" * 129, "secret_key_too_long")):
        await dialog.submit(secret_key=typed)
        assert dialog.page["errors"] == {"secret_key": error}
    await dialog.submit(url="http://typed.example", secret_key=" ", change=True)
    assert dialog.step == "reconfigure"
    await dialog.choose("show")
    assert (dialog.url, dialog.key) == (url, key)
    await dialog.submit(secret_key="")
    assert (dialog.step, the_entry(hass).data["secret_key"]) == ("wait", key)
    await prove(SecretKey="no longer", EventType=16)
    await dialog.progressed()
    await dialog.choose("copy")
    await dialog.submit(secret_key=f" {MINE} ", url="http://typed.example")
    assert (dialog.step, the_entry(hass).data["secret_key"]) == ("wait", MINE)
    assert (await prove(FULL)).status == 401
    await dialog.progressed()
    await dialog.choose("wait")
    assert (await prove(FULL, SecretKey=MINE)).status == 200
    await dialog.progressed()
    assert dialog.outcome == "proven"


@pytest.mark.parametrize("end", ["unloaded", "removed"])
async def test_ends_while_it_waits(
    hass: HomeAssistant, loaded: MockConfigEntry, dialog: Dialog, end: str, send: Post, freezer: FrozenDateTimeFactory
) -> None:
    """Where nobody listens any more, the dialog says so."""
    await dialog.reconfigure("show")
    await dialog.submit()
    if end == "removed":
        assert await hass.config_entries.async_remove(loaded.entry_id)
    else:
        await unload(hass)
    await wait_in_vain(hass, dialog, freezer)
    assert dialog.outcome == "not_loaded"


# Once more.


@pytest.mark.parametrize("key", [SECRET, "short", ""])
async def test_show(hass: HomeAssistant, entry: MockConfigEntry, dialog: Dialog, send: Post, key: str) -> None:
    """Address and key can be read and proved again, while notifications are accepted as ever; a short key may stay."""
    data = {**entry.data, "secret_key": key}
    hass.config_entries.async_update_entry(entry, data=data)
    await load(hass)
    account = entry.runtime_data
    await dialog.reconfigure()
    assert dialog.page["menu_options"] == ["show", "lan", "internet", "new_address"]
    await dialog.choose("show")
    assert (dialog.url, dialog.key) == (f"{INTERNAL_URL}{PATH}", key)
    await dialog.submit()
    assert (await send(FULL, SecretKey=key)).status == 200
    await dialog.progressed()
    assert dialog.outcome == "proven"
    assert (entry.data, entry.runtime_data) == (data, account)
    await dialog.reconfigure("lan")
    assert dialog.suggested["secret_key"] == key or not key
    await dialog.submit(secret_key=key)
    assert entry.data == data


async def test_keep(hass: HomeAssistant, post: Post, dialog: Dialog, disk: Disk) -> None:
    """Printers that somebody made up are removed at once: all that the page has listed, but for those that the owner selects."""
    await post(FULL)
    await dialog.reconfigure()
    assert "keep" not in dialog.page["menu_options"]  # there is nothing to choose from
    made_up = [f"made-up-{number}" for number in range(3)]
    for printer_id in made_up[:-1]:
        await post(FULL, PrinterId=printer_id, EventType=2)
    await dialog.reconfigure("keep")
    await post(FULL, PrinterId=made_up[-1], EventType=2)  # not listed yet
    await dialog.submit()
    assert dialog.page["errors"] == {"keep": "none_kept"}
    await post(FULL, PrinterId="new", EventType=2)
    disk.error = OSError("full")
    await dialog.submit(keep=["printer-1"])
    assert dialog.page["errors"] == {"base": "not_removed"}
    assert all(device_of(hass, printer_id) for printer_id in made_up)
    disk.error = None
    await post(FULL, PrinterId="newest", EventType=2)  # nor this one
    await dialog.submit(keep=["printer-1", "new"])
    assert dialog.outcome == "removed"
    stay = [bool(device_of(hass, printer_id)) for printer_id in ("printer-1", "new", "newest", *made_up)]
    assert stay == [True, True, True, False, False, False]
    assert value(hass, "sensor.ender3_status") == "printing"
    assert records(hass).keys() == {"printer-1", "new", "newest"}


@pytest.mark.parametrize("before", WAYS)
@pytest.mark.parametrize("options", [[*options, way] for options in ((), ("new_address",)) for way in WAYS])
async def test_change(
    hass: HomeAssistant,
    cloud: Cloud,
    entry: MockConfigEntry,
    dialog: Dialog,
    prove: Post,
    before: str,
    options: list[str],
) -> None:
    """At once, and together, only what was chosen counts: way, address, key; and no address at the Cloud is left over."""
    if before == "cloud":
        await cloud_entry(hass, cloud, entry)
    else:
        change(hass, connection=before, base_url=OWN[before], own_url=OWN[before])
        await load(hass)
    old, after, is_new = dict(entry.data), options[-1], "new_address" in options
    await dialog.reconfigure(*options)
    suggested = dialog.suggested["secret_key"]
    assert (suggested != SECRET) is is_new
    await dialog.submit()
    assert entry.data["connection"] == after
    assert ("base_url" in entry.data) is (after != "cloud")
    assert entry.data["secret_key"] == dialog.key == suggested
    assert webhooks(hass) == {dialog.webhook_id} == {entry.data["webhook_id"]}
    assert (dialog.webhook_id != WEBHOOK_ID) is is_new
    assert set(cloud.hooks) == ({dialog.webhook_id} if after == "cloud" else set())
    assert issues(hass) == (set() if entry.data == old else {"nothing_arrived"})
    assert (await prove(FULL, SecretKey="another key")).status == 401
    with outside():
        assert (await prove(FULL)).status == (403 if after == "lan" else 200)
    assert (await prove(FULL)).status == 200
    await dialog.submit()
    assert dialog.outcome == "proven"


async def test_without_cloud(hass: HomeAssistant, cloud: Cloud, entry: MockConfigEntry, dialog: Dialog) -> None:
    """Who has no subscription any more is told so, and finds the other ways."""
    await cloud_entry(hass, cloud, entry)
    cloud.subscription_expired = True
    await dialog.reconfigure()
    assert dialog.page["menu_options"] == ["show", "lan", "internet", "new_address"]
    await dialog.choose("show")
    assert dialog.page["errors"] == {"base": "no_cloud"}


async def test_removed_while_the_cloud_answers(
    hass: HomeAssistant, cloud: Cloud, loaded: MockConfigEntry, dialog: Dialog
) -> None:
    """Closing the dialog before Home Assistant Cloud has answered changes nothing."""
    await dialog.reconfigure("cloud")
    cloud.answering.clear()
    submit = asyncio.create_task(dialog.submit())
    await cloud.asked.wait()
    dialog.close()
    cloud.answering.set()
    with pytest.raises(UnknownFlow):
        await submit


@pytest.mark.parametrize("is_new", [False, True])
async def test_entry_that_cannot_be_loaded(
    hass: HomeAssistant, entry_data: dict[str, Any], client: Client, dialog: Dialog, disk: Disk, is_new: bool
) -> None:
    """While the entry cannot be loaded, nothing is shown that would not work, and no address but the newest is open."""
    with patch("custom_components.octoeverywhere.store.Store.read", side_effect=OSError):
        if is_new:
            await dialog.add("lan")
            await dialog.submit()
        else:
            MockConfigEntry(domain=DOMAIN, data=entry_data).add_to_hass(hass)
            assert not await hass.config_entries.async_setup(the_entry(hass).entry_id)
            await dialog.reconfigure()
        assert the_entry(hass).state is ConfigEntryState.SETUP_RETRY
        assert dialog.step == "reconfigure"
        await dialog.choose("show")
        assert dialog.outcome == "not_loaded"
        for _ in range(2):
            await dialog.reconfigure("new_address", "lan")
            await dialog.submit()
            assert dialog.outcome == "not_loaded"
            webhook_id = the_entry(hass).data["webhook_id"]
            assert webhooks(hass) == {webhook_id}
            response = await client.post(
                f"/api/webhook/{webhook_id}", json=FULL | PRINTER | {"SecretKey": the_entry(hass).data["secret_key"]}
            )
            assert response.status == 503
