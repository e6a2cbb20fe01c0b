"""Tests of what the owner has to know, and for how long."""

from datetime import timedelta
import logging
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events

from custom_components.octoeverywhere.const import DOMAIN
from custom_components.octoeverywhere.issues import async_raise

from .conftest import (
    FULL,
    NUMBERS,
    PATH,
    WEBHOOK_ID,
    WORDS,
    Client,
    Disk,
    Post,
    hand_over,
    issues,
    load,
    logged,
    outside,
    pass_time,
    reload,
    unload,
)

LIMIT = NUMBERS["notification_limit"]
WRONG = "another key"


def shown(hass: HomeAssistant, issue_id: str) -> dict[str, str]:
    """Return what an issue names; its words must be there, with a value for each gap."""
    issue = ir.async_get(hass).async_get_issue(DOMAIN, issue_id)
    assert issue is not None
    words = WORDS["issues"][issue_id]
    facts = issue.translation_placeholders or {}
    step = words["fix_flow"]["step"]["confirm"] if issue.is_fixable else words
    assert ("description" in words) is not issue.is_fixable
    assert words["title"]
    assert step["description"].format(**facts)
    return facts


async def test_accepted(hass: HomeAssistant, loaded: MockConfigEntry, post: Post) -> None:
    """Any accepted notification takes back what it disproves; a restart what is found out anew."""
    for number in (*NUMBERS.values(), None):
        async_raise(hass, loaded, "nothing_arrived")
        await post(FULL, SecretKey=WRONG)
        with outside():
            await post(FULL)
        assert issues(hass) - {"notification_limit"} == {"nothing_arrived", "wrong_secret_key", "from_outside"}
        if number is not None:
            assert (await post(EventType=number)).status == 200
            assert issues(hass) - {"notification_limit"} == set()
    await reload(hass)
    assert issues(hass) == {"nothing_arrived"}
    assert ir.async_get(hass).issues[DOMAIN, "nothing_arrived"].is_persistent


async def test_wrong_key(hass: HomeAssistant, post: Post, caplog: pytest.LogCaptureFixture) -> None:
    """How many were refused and from where is told, but not each: whoever guesses keeps nobody busy, and fills no log."""
    changes = async_capture_events(hass, ir.EVENT_REPAIRS_ISSUE_REGISTRY_UPDATED)
    for number in range(1, 21):
        with outside(f"192.168.1.{number}"), patch("custom_components.octoeverywhere.webhook._GUESSING_SECONDS", 0):
            assert (await post(FULL, SecretKey=None if number == 3 else WRONG)).status == 401
        facts = shown(hass, "wrong_secret_key")
        assert int(facts["count"]) <= number < 2 * int(facts["count"])
        assert facts["remote"] == f"192.168.1.{facts['count']}"
    assert [event.data["action"] for event in changes] == ["create", *["update"] * 4]
    await post(FULL)
    await post(FULL, SecretKey=WRONG)
    assert shown(hass, "wrong_secret_key")["count"] == "1"
    said = logged(caplog)
    assert [line for line in said if "192.168.1.1," in line] == said
    assert len(said) == 1


async def test_from_outside(hass: HomeAssistant, post: Post, caplog: pytest.LogCaptureFixture) -> None:
    """Who knocked from outside is named, and said once in the log, until somebody is let in; and anew once it is loaded anew."""
    for address in ("203.0.113.9", "2001:db8::1"):
        with outside(address):
            assert (await post(FULL)).status == 403
        assert shown(hass, "from_outside")["remote"] == address
    await post(FULL)
    assert issues(hass) == set()
    await reload(hass)
    assert (await hand_over(hass, remote=None))[0] == 403
    assert shown(hass, "from_outside")["remote"] == "Home Assistant Cloud"
    said = logged(caplog)
    assert ["203.0.113.9" in said[0], "Home Assistant Cloud" in said[1]] == [True, True]
    assert (len(said), WEBHOOK_ID in str(said)) == (2, False)


async def test_other_refusals(
    hass: HomeAssistant, post: Post, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """What is refused for other reasons neither raises nor takes back anything, and cannot fill the log."""
    caplog.set_level(logging.INFO)
    for raised in (set(), {"wrong_secret_key"}):
        caplog.clear()
        for data in (b"", b"[]", b"{" + b" " * 16 * 1024 + b"}"):
            await client.post(PATH, data=data)
        await post(EventType=None)
        await post(EventType=1, PrinterId=None)
        assert issues(hass) == raised
        assert not [record for record in caplog.records if "access" not in record.name]
        await post(SecretKey=WRONG)


async def test_limit(hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory) -> None:
    """The daily limit is told for a day, anew each time it is reached."""
    await post(FULL, EventType=1)
    await post(EventType=LIMIT)
    shown(hass, "notification_limit")
    freezer.tick(timedelta(hours=20))
    await post(EventType=LIMIT)
    await pass_time(hass, freezer, timedelta(hours=23, minutes=59))
    assert issues(hass) == {"notification_limit"}
    await pass_time(hass, freezer, timedelta(minutes=2))
    assert issues(hass) == set()


async def test_limit_that_is_ignored(hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory) -> None:
    """Who does not want to hear of the limit does not hear of it tomorrow either, nor after a restart."""
    await post(EventType=LIMIT)
    ir.async_ignore_issue(hass, DOMAIN, "notification_limit", ignore=True)
    for _ in range(2):
        await post(FULL, EventType=1)
        await pass_time(hass, freezer, timedelta(days=1, minutes=1))
        await reload(hass)
        await post(EventType=LIMIT)
        assert ir.async_get(hass).issues[DOMAIN, "notification_limit"].dismissed_version is not None


async def test_limit_is_over(hass: HomeAssistant, post: Post) -> None:
    """Any ordinary notification shows that the limit is over; a test does not, as it does not count."""
    for slug, number in NUMBERS.items():
        await post(EventType=LIMIT, DurationSec=number)
        await post(FULL, EventType=number)
        assert issues(hass) == ({"notification_limit"} if slug in ("test", "notification_limit") else set()), slug


async def test_limit_is_recalled(hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory) -> None:
    """After a restart the limit is told for the rest of the day."""
    await post(EventType=LIMIT)
    freezer.tick(timedelta(hours=23, minutes=58))
    await unload(hass)
    freezer.tick(timedelta(minutes=1))
    await load(hass)
    assert issues(hass) == {"notification_limit"}
    await pass_time(hass, freezer, timedelta(minutes=2))
    assert issues(hass) == set()
    await reload(hass)
    assert issues(hass) == set()


@pytest.mark.parametrize("is_removed", [False, True])
async def test_end(hass: HomeAssistant, loaded: MockConfigEntry, post: Post, disk: Disk, is_removed: bool) -> None:
    """No issue outlives the entry."""
    await post(EventType=LIMIT)
    async_raise(hass, loaded, "nothing_arrived")
    await post(SecretKey=WRONG)
    await hass.config.async_update(internal_url="http://192.168.1.20:8123")
    await hass.async_block_till_done()
    shown(hass, "address_changed")
    shown(hass, "nothing_arrived")
    assert issues(hass) == {"notification_limit", "nothing_arrived", "wrong_secret_key", "address_changed"}
    if is_removed:
        await hass.config_entries.async_remove(loaded.entry_id)
    else:
        await hass.config_entries.async_set_disabled_by(loaded.entry_id, ConfigEntryDisabler.USER)
    assert issues(hass) == set()
