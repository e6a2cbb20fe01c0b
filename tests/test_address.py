"""Tests of the address that OctoEverywhere is given, and of what is said once it is no longer Home Assistant's."""

import asyncio
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from hypothesis import given, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.octoeverywhere.address import parse_base_url

from .conftest import (
    EXTERNAL_URL,
    INTERNAL_URL,
    WEBHOOK_ID,
    Client,
    Cloud,
    Dialog,
    Post,
    change,
    cloud_entry,
    issues,
    load,
    reload,
    unload,
)

OTHER_URL = "http://192.168.1.20:8123"
TYPED_URL = "http://10.0.0.2:8123"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://192.168.1.10:8123", "http://192.168.1.10:8123"),
        ("192.168.1.10:8123", "http://192.168.1.10:8123"),
        ("homeassistant.local", "http://homeassistant.local"),
        ("host_name", "http://host_name"),
        ("HTTP://HomeAssistant.Local:8123/", "http://homeassistant.local:8123"),
        ("  https://ha.example.com\n", "https://ha.example.com"),
        ("https://ha.example.com//", "https://ha.example.com"),
        ("https://ha.example.com:443", "https://ha.example.com"),
        ("http://ha.example.com:80", "http://ha.example.com"),
        ("https://ha.example.com:80", "https://ha.example.com:80"),
        ("http://bücher.example:8123", "http://xn--bcher-kva.example:8123"),
        ("http://[fd00::1]:8123", "http://[fd00::1]:8123"),
        ("[fd00::1]:8123", "http://[fd00::1]:8123"),
        ("http://192.168.1.10:8123/lovelace/0?edit=1#a", "http://192.168.1.10:8123"),
        ("ha.example.com/config", "http://ha.example.com"),
    ],
)
def test_address(text: str, address: str) -> None:
    """What a person may type becomes an address without a path."""
    assert parse_base_url(text) == address
    assert parse_base_url(address) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "://ha.example.com",
        "http://ha.example.com:99999",
        "http://ha.example.com:port",
        "http://[fd00::1",
        "http://[]@",
        "http:///lovelace",
        "fd00::1",
        "http:/ha.example.com",
        "http//ha.example.com",
        "https://https://ha.example.com",
        "ftp://ha.example.com",
        "javascript:alert(1)",
        "me@example.com",
        "http://me:secret@ha.example.com",
        "/config/network",
        '"http://ha.example.com"',
        "http://my house:8123",
        "http://192.168.1.10,8123",
        "http://<address>:8123",
        "http://ha..example.com",
        "http://ha.example.com:0",
        "http://ha\x00.example.com",
        "h" * 300,
    ],
)
def test_no_address(text: str) -> None:
    """What cannot be an address is not taken for one."""
    assert parse_base_url(text) is None


@given(st.text() | st.text(st.sampled_from("htps:/[]@.%?#0189a\u200b ")))
def test_any_text(text: str) -> None:
    """Whatever is pasted is an address or is none, and never an exception."""
    address = parse_base_url(text)
    assert address is None or parse_base_url(address) == address


@pytest.fixture
async def entry(hass: HomeAssistant, entry: MockConfigEntry, client: Client) -> MockConfigEntry:
    """Return an entry of a Home Assistant that knows its addresses."""
    await hass.config.async_update(internal_url=INTERNAL_URL, external_url=EXTERNAL_URL)
    return entry


async def set_up(hass: HomeAssistant, **changes: Any) -> None:
    """Set up the entry with other data; `own_url` is what Home Assistant took for its own when it was made."""
    change(hass, **changes)
    await load(hass)


async def move(hass: HomeAssistant, **addresses: str | None) -> None:
    """Give Home Assistant other addresses."""
    await hass.config.async_update(**addresses)
    await hass.async_block_till_done()


def told(hass: HomeAssistant) -> dict[str, str]:
    """Return the old and the new address that the repair names."""
    issue = ir.async_get(hass).async_get_issue("octoeverywhere", "address_changed")
    assert issue is not None
    assert issue.translation_placeholders is not None
    return {name: issue.translation_placeholders[name] for name in ("old", "new")}


@pytest.mark.parametrize(
    ("connection", "own", "name", "other_name"),
    [("lan", INTERNAL_URL, "internal_url", "external_url"), ("internet", EXTERNAL_URL, "external_url", "internal_url")],
)
async def test_changes(
    hass: HomeAssistant, entry: MockConfigEntry, connection: str, own: str, name: str, other_name: str
) -> None:
    """A change of the address that OctoEverywhere was given is told at once, and taken back with it."""
    await set_up(hass, connection=connection, base_url=own, own_url=own)
    assert issues(hass) == set()
    await hass.config.async_update(latitude=50)
    await move(hass, **{other_name: OTHER_URL})
    assert issues(hass) == set()

    await move(hass, **{name: OTHER_URL})
    assert told(hass) == {"old": own, "new": OTHER_URL}
    await move(hass, **{name: f"{own}/"})
    assert issues(hass) == set()

    if connection == "internet":
        await move(hass, **{name: None})
        assert told(hass) == {"old": own, "new": "-"}
    else:
        hass.config.api = None  # without a network Home Assistant does not know its address, and may get it back
        await move(hass, **{name: None})
        assert issues(hass) == set()
    await unload(hass)
    await move(hass, **{name: OTHER_URL})
    assert issues(hass) == set()


@pytest.mark.parametrize(
    ("connection", "base_url", "own_url", "is_told"),
    [
        ("lan", INTERNAL_URL, INTERNAL_URL, False),
        ("lan", OTHER_URL, OTHER_URL, True),
        ("internet", EXTERNAL_URL, EXTERNAL_URL, False),
        ("internet", OTHER_URL, OTHER_URL, True),
        # The person typed another address than Home Assistant's own, which has changed since, or was not known.
        ("lan", TYPED_URL, OTHER_URL, False),
        ("internet", TYPED_URL, None, False),
    ],
)
async def test_changed_meanwhile(
    hass: HomeAssistant, entry: MockConfigEntry, connection: str, base_url: str, own_url: str | None, is_told: bool
) -> None:
    """A change is noticed when the entry is set up, too; an address that a person typed is that person's affair."""
    await set_up(hass, connection=connection, base_url=base_url, own_url=own_url)
    assert issues(hass) == ({"address_changed"} if is_told else set())
    await move(hass, internal_url="http://a.example", external_url="https://b.example")
    assert issues(hass) == ({"address_changed"} if base_url == own_url else set())


@pytest.mark.parametrize("option", ["show", "form"])
@pytest.mark.parametrize("connection", ["lan", "internet"])
async def test_reconfigured(
    hass: HomeAssistant, entry: MockConfigEntry, dialog: Dialog, connection: str, option: str
) -> None:
    """The reconfiguration offers Home Assistant's new address; with it, there is nothing to tell until that changes."""
    own = {"lan": INTERNAL_URL, "internet": EXTERNAL_URL}[connection]
    await set_up(hass, connection=connection, base_url=OTHER_URL, own_url=OTHER_URL)
    assert told(hass) == {"old": OTHER_URL, "new": own}
    await dialog.reconfigure(connection if option == "form" else option)
    if option == "form":
        assert dialog.suggested["base_url"] == own
        await dialog.submit()
    assert dialog.url.startswith(own)
    assert (entry.data["base_url"], entry.data["own_url"]) == (own, own)
    assert issues(hass) == {"nothing_arrived"}
    await move(hass, internal_url=TYPED_URL, external_url=TYPED_URL)
    assert told(hass) == {"old": own, "new": TYPED_URL}


async def test_cloud(hass: HomeAssistant, cloud: Cloud, entry: MockConfigEntry) -> None:
    """The entry follows its address at Home Assistant Cloud."""
    await cloud_entry(hass, cloud, entry)
    assert issues(hass) == set()

    # Without a connection nothing is known, and other webhooks are not our affair.
    await cloud.connect(is_connected=False)
    assert issues(hass) == set()
    await cloud.async_create("other", managed=True)
    await cloud.connect()
    assert issues(hass) == set()
    await cloud.async_delete("other")
    await hass.async_block_till_done()
    assert issues(hass) == set()

    # The owner switches it off. Home Assistant makes another one, with another address.
    await cloud.async_delete(WEBHOOK_ID)
    await hass.async_block_till_done()
    assert issues(hass) == {"address_changed"}
    await cloud.connect()
    assert list(cloud.hooks) == [WEBHOOK_ID]
    assert issues(hass) == {"address_changed"}
    await reload(hass)
    assert issues(hass) == {"address_changed"}
    cloud.hooks[WEBHOOK_ID]["cloudhook_url"] = entry.data["own_url"]
    await cloud.connect()
    assert issues(hass) == set()


@pytest.mark.parametrize("trouble", ["expired", "logged out"])
async def test_no_subscription(hass: HomeAssistant, cloud: Cloud, entry: MockConfigEntry, trouble: str) -> None:
    """Without a subscription the address is gone; it comes back with the subscription."""
    await cloud_entry(hass, cloud, entry)
    cloud.is_logged_in = trouble != "logged out"
    cloud.subscription_expired = trouble == "expired"
    await cloud.connect(is_connected=False)
    assert issues(hass) == {"address_changed"}
    await reload(hass)
    assert issues(hass) == {"address_changed"}
    cloud.is_logged_in, cloud.subscription_expired = True, False
    await cloud.connect()
    assert issues(hass) == set()


async def test_cloud_is_not_there(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Without Home Assistant Cloud the entry is set up all the same, says so, and can be removed."""
    await set_up(hass, connection="cloud", own_url="https://hooks.nabu.casa/1")
    assert issues(hass) == {"address_changed"}
    assert await hass.config_entries.async_remove(entry.entry_id)
    assert issues(hass) == set()


async def test_cloud_reconfigured(
    hass: HomeAssistant, cloud: Cloud, entry: MockConfigEntry, dialog: Dialog, send: Post
) -> None:
    """The new address at Home Assistant Cloud is shown, and then is the one that is followed."""
    await cloud_entry(hass, cloud, entry)
    await cloud.async_delete(WEBHOOK_ID)
    assert issues(hass) == {"address_changed"}
    await dialog.reconfigure("show")
    assert dialog.url == entry.data["own_url"] == "https://hooks.nabu.casa/2"
    assert issues(hass) == {"nothing_arrived"}
    await send(EventType=16)
    await reload(hass)
    assert issues(hass) == set()


async def test_cloud_address_that_cannot_be_deleted(
    hass: HomeAssistant, cloud: Cloud, entry: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """What is gone at Home Assistant Cloud already is no error where the entry is removed."""
    await cloud_entry(hass, cloud, entry)
    cloud.hooks.clear()
    assert await hass.config_entries.async_remove(entry.entry_id)
    assert "Error calling entry remove callback" not in caplog.text


async def test_answer_after_the_end(hass: HomeAssistant, cloud: Cloud, entry: MockConfigEntry) -> None:
    """What Home Assistant Cloud answers once the entry is removed brings nothing back."""
    await cloud_entry(hass, cloud, entry)
    await cloud.async_delete(WEBHOOK_ID)
    cloud.asked.clear()
    cloud.answering.clear()
    connect = asyncio.create_task(cloud.connect())
    await cloud.asked.wait()
    assert await hass.config_entries.async_remove(entry.entry_id)
    cloud.answering.set()
    await connect
    assert issues(hass) == set()
    assert cloud.hooks == {}
