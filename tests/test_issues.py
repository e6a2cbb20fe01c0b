"""Tests of what the owner has to know, and for how long."""

from datetime import timedelta
import logging

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from custom_components.octoeverywhere.const import DOMAIN

from .conftest import FULL, NUMBERS, PATH, WORDS, Client, Dialog, Post, issues

LIMIT = NUMBERS["notification_limit"]
WRONG = "another key"


@pytest.fixture
def changes(hass: HomeAssistant) -> list[tuple[str, str]]:
    """Collect what becomes of the integration's issues."""
    collected: list[tuple[str, str]] = []

    @callback
    def collect(event: Event[ir.EventIssueRegistryUpdatedData]) -> None:
        if event.data["domain"] == DOMAIN:
            collected.append((event.data["action"], event.data["issue_id"]))

    hass.bus.async_listen(ir.EVENT_REPAIRS_ISSUE_REGISTRY_UPDATED, collect)
    return collected


@pytest.mark.parametrize("slug", NUMBERS)
async def test_wrong_key(hass: HomeAssistant, post: Post, changes: list[tuple[str, str]], slug: str) -> None:
    """The first refusal because of the key is told, once, and any accepted notification takes it back."""
    await post(FULL, EventType=1)
    for _ in range(3):
        assert (await post(FULL, SecretKey=WRONG)).status == 401
    assert (await post(FULL, SecretKey=None)).status == 401
    assert issues(hass) == {"wrong_secret_key"}
    assert changes == [("create", "wrong_secret_key")]
    assert (await post(EventType=NUMBERS[slug])).status == 200
    assert issues(hass) - {"notification_limit"} == set()
    assert changes[1] == ("remove", "wrong_secret_key")


@pytest.mark.parametrize("data", [b"", b"[]", b"{" + b" " * 16 * 1024 + b"}"])
async def test_other_refusals(hass: HomeAssistant, post: Post, client: Client, data: bytes) -> None:
    """What is refused for other reasons neither raises nor takes back anything."""
    await client.post(PATH, data=data)
    await post(EventType=None)
    await post(EventType=1, PrinterId=None)
    assert issues(hass) == set()
    await post(SecretKey=WRONG)
    await client.post(PATH, data=data)
    await post(EventType=None)
    assert issues(hass) == {"wrong_secret_key"}


async def test_wrong_key_in_a_set_up(hass: HomeAssistant, loaded: MockConfigEntry, dialog: Dialog, send: Post) -> None:
    """A set-up that waits tells of the wrong key itself; before and after it, Repairs do."""
    await dialog.start(loaded)
    await dialog.choose("show")
    await send(SecretKey=WRONG)
    await dialog.progressed()
    assert issues(hass) == set()
    dialog.close()
    await hass.async_block_till_done()
    await send(SecretKey=WRONG)
    assert issues(hass) == {"wrong_secret_key"}


async def test_nothing_is_logged(
    hass: HomeAssistant, post: Post, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever posts nonsense cannot fill the log."""
    await post(FULL)
    caplog.clear()
    caplog.set_level(logging.INFO)
    for data in (b"", b"[]", b"{" + b" " * 16 * 1024 + b"}"):
        await client.post(PATH, data=data)
    await post(FULL, SecretKey=WRONG)
    await post(FULL, PrinterId=None)
    await post(FULL, EventType=None)
    assert not [record for record in caplog.records if "access" not in record.name]


async def test_limit(hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory) -> None:
    """The daily limit is told for a day, anew each time it is reached."""
    await post(FULL, EventType=1)
    await post(EventType=LIMIT)
    assert issues(hass) == {"notification_limit"}
    freezer.tick(timedelta(hours=20))
    await post(EventType=LIMIT)
    freezer.tick(timedelta(hours=23, minutes=59))
    async_fire_time_changed(hass)
    await hass.async_block_till_done()
    assert issues(hass) == {"notification_limit"}
    freezer.tick(timedelta(minutes=2))
    async_fire_time_changed(hass)
    await hass.async_block_till_done()
    assert issues(hass) == set()


@pytest.mark.parametrize("is_known", [False, True])
@pytest.mark.parametrize("slug", NUMBERS)
async def test_limit_is_over(hass: HomeAssistant, post: Post, slug: str, is_known: bool) -> None:
    """Any ordinary notification shows that the limit is over; a test does not, as it does not count."""
    if is_known:
        await post(FULL, EventType=1)
    await post(EventType=LIMIT)
    await post(FULL, EventType=NUMBERS[slug])
    assert issues(hass) == ({"notification_limit"} if slug in ("test", "notification_limit") else set())


@pytest.mark.parametrize("is_known", [False, True])
async def test_limit_is_recalled(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, freezer: FrozenDateTimeFactory, is_known: bool
) -> None:
    """After a restart the limit is told for the rest of the day."""
    if is_known:
        await post(FULL, EventType=1)
        await post(FULL, EventType=1, PrinterId="printer-2", PrinterName="Voron")
        freezer.tick(1)
    await post(EventType=LIMIT)
    freezer.tick(timedelta(hours=23, minutes=58))
    assert await hass.config_entries.async_unload(loaded.entry_id)
    freezer.tick(timedelta(minutes=1))
    assert await hass.config_entries.async_setup(loaded.entry_id)
    assert issues(hass) == {"notification_limit"}
    freezer.tick(timedelta(minutes=2))
    async_fire_time_changed(hass)
    await hass.async_block_till_done()
    assert issues(hass) == set()
    assert await hass.config_entries.async_reload(loaded.entry_id)
    assert issues(hass) == set()


@pytest.mark.parametrize("slug", ["print_progress", "test"])
@pytest.mark.parametrize("printer_id", ["printer-1", "printer-2"])
async def test_limit_and_then_another(
    hass: HomeAssistant,
    post: Post,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    printer_id: str,
    slug: str,
) -> None:
    """What is told after a reload is what was told before it."""
    await post(FULL, EventType=1)
    await post(FULL, EventType=1, PrinterId="printer-2", PrinterName="Voron")
    freezer.tick(1)
    await post(EventType=LIMIT)
    freezer.tick(1)
    await post(FULL, EventType=NUMBERS[slug], PrinterId=printer_id)
    told = issues(hass)
    assert await hass.config_entries.async_reload(loaded.entry_id)
    assert issues(hass) == told


@pytest.mark.parametrize("is_removed", [False, True])
async def test_end(hass: HomeAssistant, post: Post, loaded: MockConfigEntry, is_removed: bool) -> None:
    """No issue outlives the entry."""
    await hass.config.async_update(internal_url="http://192.168.1.10:8123")
    assert await hass.config_entries.async_reload(loaded.entry_id)
    await post(EventType=LIMIT)
    await post(SecretKey=WRONG)
    await hass.config.async_update(internal_url="http://192.168.1.20:8123")
    await hass.async_block_till_done()
    assert issues(hass) == {"notification_limit", "wrong_secret_key", "address_changed"}
    registry = ir.async_get(hass)
    for issue_id in issues(hass):
        issue = registry.async_get_issue(DOMAIN, issue_id)
        assert issue is not None
        words = WORDS["issues"][issue_id]
        assert words["title"]
        assert ("fix_flow" in words) is issue.is_fixable
        assert ("description" in words) is not issue.is_fixable
    if is_removed:
        await hass.config_entries.async_remove(loaded.entry_id)
    else:
        await hass.config_entries.async_set_disabled_by(loaded.entry_id, ConfigEntryDisabler.USER)
    assert issues(hass) == set()
