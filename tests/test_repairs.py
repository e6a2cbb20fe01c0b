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

from .conftest import INTERNAL_URL, PATH, SECRET, WORDS, Client, Dialog, Post, issues, the_entry

FIX = "/api/repairs/issues/fix"
FACTS = {"count": "1", "remote": "203.0.113.9", "old": INTERNAL_URL, "new": "-"}

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
@pytest.mark.parametrize("issue", ["nothing_arrived", "wrong_secret_key"])
async def test_leads_to_address_and_key(
    hass: HomeAssistant, repair: Repair, loaded: MockConfigEntry, send: Post, issue: str
) -> None:
    """Where either may be wrong at OctoEverywhere, both are shown; the issue stays until something is accepted."""
    async_raise(hass, loaded, issue, **FACTS)
    for _ in range(2):
        dialog = await repair(issue)
        assert (dialog.url, dialog.key) == (f"{INTERNAL_URL}{PATH}", SECRET)
        dialog.close()
        assert issues(hass) == {issue}
    dialog = await repair(issue)
    await send(EventType=16)
    await dialog.submit()
    assert (dialog.outcome, issues(hass)) == ("proven", set())


@pytest.mark.usefixtures("repairs")
@pytest.mark.parametrize("issue", ["from_outside", "address_changed"])
async def test_leads_to_the_choice(hass: HomeAssistant, repair: Repair, loaded: MockConfigEntry, issue: str) -> None:
    """Where another address or way may be wanted, one can choose; who closes the set-up before is told again."""
    async_raise(hass, loaded, issue, **FACTS)
    for _ in range(2):
        dialog = await repair(issue)
        assert dialog.step == "reconfigure"
        dialog.close()
        assert issues(hass) == {issue}


@pytest.mark.usefixtures("repairs")
async def test_not_loaded(hass: HomeAssistant, repair: Repair, entry: MockConfigEntry) -> None:
    """Where the entry is not loaded, the repair leads to where one can change it."""
    async_raise(hass, entry, "nothing_arrived")
    with patch("custom_components.octoeverywhere.store.Store.read", side_effect=OSError):
        assert not await hass.config_entries.async_setup(the_entry(hass).entry_id)
    assert (await repair("nothing_arrived")).step == "reconfigure"
