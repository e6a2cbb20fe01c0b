"""Tests of how the issues under Repairs are put right, through the API that the frontend uses."""

from collections.abc import Callable, Coroutine
from typing import Any
from unittest.mock import patch

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.octoeverywhere.const import DOMAIN
from custom_components.octoeverywhere.issues import async_raise

from .conftest import FULL, INTERNAL_URL, PATH, SECRET, WORDS, Client, Dialog, Post, issues, load, outside, the_entry

FIX = "/api/repairs/issues/fix"
NEW = "the key of OctoEverywhere"

type Repair = Callable[[str], Coroutine[Any, Any, Dialog]]


@pytest.fixture
async def repairs(hass: HomeAssistant) -> None:
    """Set up Repairs; nothing can be added to the server once a client is there."""
    assert await async_setup_component(hass, "repairs", {})


@pytest.fixture
async def repair(
    hass: HomeAssistant, repairs: None, client: Client, hass_client: ClientSessionGenerator, dialog: Dialog
) -> Repair:
    """Return a function that reads what an issue says, and follows it into the set-up."""
    owner = await hass_client()

    async def post(path: str, **fields: Any) -> dict[str, Any]:
        response = await owner.post(path, json=fields)
        assert response.status == 200
        answer: dict[str, Any] = await response.json()
        return answer

    async def repair(issue_id: str) -> Dialog:
        words = WORDS["issues"][issue_id]["fix_flow"]
        page = await post(FIX, handler=DOMAIN, issue_id=issue_id)
        assert (page["type"], page["step_id"], page["data_schema"]) == ("form", "confirm", [])
        assert words["step"]["confirm"]["description"].format(**page["description_placeholders"])
        page = await post(f"{FIX}/{page['flow_id']}")
        assert (page["type"], page["next_flow"][0]) == ("abort", "config_flow")
        assert words["abort"][page["reason"]]
        return await dialog.follow(page)

    return repair


@pytest.mark.usefixtures("repairs")
async def test_nothing_arrived(hass: HomeAssistant, repair: Repair, loaded: MockConfigEntry, send: Post) -> None:
    """Who closed the set-up by mistake finds address and key again, and the issue stays until something arrives."""
    async_raise(hass, loaded, "nothing_arrived")
    for _ in range(2):
        dialog = await repair("nothing_arrived")
        assert (dialog.url, dialog.key) == (f"{INTERNAL_URL}{PATH}", SECRET)
        dialog.close()
        assert issues(hass) == {"nothing_arrived"}
    dialog = await repair("nothing_arrived")
    await send(EventType=16)
    await dialog.submit()
    assert (dialog.outcome, issues(hass)) == ("proven", set())


@pytest.mark.usefixtures("repairs")
async def test_nothing_arrived_and_not_loaded(hass: HomeAssistant, repair: Repair, entry: MockConfigEntry) -> None:
    """Where the entry is not loaded, the repair leads to where one can change it."""
    async_raise(hass, entry, "nothing_arrived")
    with patch("custom_components.octoeverywhere.store.Store.read", side_effect=OSError):
        assert not await hass.config_entries.async_setup(the_entry(hass).entry_id)
    assert (await repair("nothing_arrived")).step == "reconfigure"


@pytest.mark.usefixtures("repairs")
@pytest.mark.parametrize("is_copied", [False, True])
async def test_wrong_key(
    hass: HomeAssistant, repair: Repair, loaded: MockConfigEntry, send: Post, is_copied: bool
) -> None:
    """Either side's key can be taken over; nothing says repaired before a notification was accepted."""
    await send(FULL, SecretKey=NEW)
    dialog = await repair("wrong_secret_key")
    assert dialog.key == SECRET
    assert issues(hass) == {"wrong_secret_key"}
    await dialog.submit(**({} if is_copied else {"secret_key": NEW}))
    assert dialog.step == "wait"
    assert issues(hass) == {"wrong_secret_key" if is_copied else "nothing_arrived"}
    assert (await send(FULL, SecretKey=SECRET if is_copied else NEW)).status == 200
    await dialog.progressed()
    assert (dialog.outcome, issues(hass)) == ("proven", set())


@pytest.mark.usefixtures("repairs")
async def test_from_outside(hass: HomeAssistant, repair: Repair, loaded: MockConfigEntry, send: Post) -> None:
    """Who is to be let in from outside can be."""
    with outside():
        await send(FULL)
        dialog = await repair("from_outside")
        assert issues(hass) == {"from_outside"}
        await dialog.choose("internet")
        await dialog.submit()
        assert (await send(FULL)).status == 200
    assert issues(hass) == set()


@pytest.mark.usefixtures("repairs")
async def test_address(hass: HomeAssistant, repair: Repair, entry: MockConfigEntry) -> None:
    """The new address is shown; who closes the set-up before is told again."""
    old = "http://192.168.1.99:8123"
    hass.config_entries.async_update_entry(entry, data={**entry.data, "base_url": old, "own_url": old})
    await load(hass)
    dialog = await repair("address_changed")
    assert dialog.step == "reconfigure"
    dialog.close()
    assert issues(hass) == {"address_changed"}
    dialog = await repair("address_changed")
    await dialog.choose("show")
    assert dialog.url == f"{INTERNAL_URL}{PATH}"
    assert issues(hass) == {"nothing_arrived"}
