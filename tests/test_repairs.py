"""Tests of how the issues under Repairs are put right, through the API that the frontend uses."""

from collections.abc import Callable, Coroutine
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.octoeverywhere.const import DOMAIN, WEBHOOK_PAGE

from .conftest import EXTERNAL_URL, FULL, INTERNAL_URL, SECRET, WORDS, Client, Dialog, Post, issues, webhooks

FIX = "/api/repairs/issues/fix"
NEW = "the key of OctoEverywhere"

type Repair = Callable[..., Coroutine[Any, Any, dict[str, Any]]]


@pytest.fixture
async def repairs(hass: HomeAssistant) -> None:
    """Set up Repairs; nothing can be added to the server once a client is there."""
    assert await async_setup_component(hass, "repairs", {})


@pytest.fixture
async def repair(hass: HomeAssistant, repairs: None, client: Client, hass_client: ClientSessionGenerator) -> Repair:
    """Return a function that starts to repair an issue, or goes on with it."""
    owner = await hass_client()

    async def repair(page: dict[str, Any] | str, **fields: Any) -> dict[str, Any]:
        if isinstance(page, str):
            response = await owner.post(FIX, json={"handler": DOMAIN, "issue_id": page})
        else:
            response = await owner.post(f"{FIX}/{page['flow_id']}", json=fields)
        assert response.status == 200
        answer: dict[str, Any] = await response.json()
        return answer

    return repair


@pytest.mark.usefixtures("repairs")
async def test_wrong_key(hass: HomeAssistant, repair: Repair, loaded: MockConfigEntry, send: Post) -> None:
    """Entering the key that OctoEverywhere uses is enough, at once, and what is shown stays."""
    words = WORDS["issues"]["wrong_secret_key"]["fix_flow"]
    await send(FULL)
    await send(FULL, SecretKey=NEW)
    assert issues(hass) == {"wrong_secret_key"}
    account = loaded.runtime_data
    page = await repair("wrong_secret_key")
    assert page["type"] == "form"
    assert set(words["step"]) == {page["step_id"]}
    (field,) = page["data_schema"]
    assert field["name"] == "secret_key"
    assert field["description"] == {"suggested_value": SECRET}
    assert set(words["step"][page["step_id"]]["data"]) == {"secret_key"}
    assert page["description_placeholders"] == {"webhook_page": WEBHOOK_PAGE}

    page = await repair(page, secret_key="k" * 129)
    assert page["errors"] == {"secret_key": "secret_key_too_long"}
    assert set(words["error"]) == {"secret_key_too_long", "secret_key_missing"}
    assert page["data_schema"][0]["description"] == {"suggested_value": "k" * 129}
    assert loaded.data["secret_key"] == SECRET

    page = await repair(page, secret_key=f" {NEW} ")
    assert page["type"] == "create_entry"
    assert issues(hass) == set()
    assert loaded.data["secret_key"] == NEW
    assert loaded.runtime_data is account
    assert (await send(FULL, SecretKey=NEW)).status == 200
    assert (await send(FULL)).status == 401
    assert issues(hass) == {"wrong_secret_key"}


@pytest.mark.usefixtures("repairs")
async def test_key_copied_to_the_other_side(
    hass: HomeAssistant, repair: Repair, loaded: MockConfigEntry, send: Post
) -> None:
    """Leaving the key as it is, is right where it was copied to OctoEverywhere."""
    await send(FULL, SecretKey=NEW)
    page = await repair("wrong_secret_key")
    page = await repair(page, secret_key=SECRET)
    assert page["type"] == "create_entry"
    assert issues(hass) == set()
    assert (await send(FULL)).status == 200


@pytest.mark.usefixtures("repairs")
async def test_no_key(hass: HomeAssistant, repair: Repair, loaded: MockConfigEntry, send: Post) -> None:
    """A key that is left empty does not open the webhook to everybody."""
    await send(FULL, SecretKey=NEW)
    page = await repair("wrong_secret_key")
    page = await repair(page, secret_key=" ")
    assert page["errors"] == {"secret_key": "secret_key_missing"}
    assert loaded.data["secret_key"] == SECRET


@pytest.mark.usefixtures("repairs")
@pytest.mark.parametrize(("connection", "own"), [("lan", INTERNAL_URL), ("internet", EXTERNAL_URL)])
async def test_address(
    hass: HomeAssistant,
    client: Client,
    repair: Repair,
    entry: MockConfigEntry,
    dialog: Dialog,
    send: Post,
    connection: str,
    own: str,
) -> None:
    """The repair says what has happened and leads into the reconfiguration; the issue is over when that is."""
    old = "http://192.168.1.99:8123"
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "connection": connection, "base_url": old}, options={"own_url": old}
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert issues(hass) == {"address_changed"}
    page = await repair("address_changed")
    assert page["type"] == "form"
    assert set(WORDS["issues"]["address_changed"]["fix_flow"]["step"]) == {page["step_id"]}
    page = await repair(page)
    assert page["type"] == "abort"
    assert page["reason"] in WORDS["issues"]["address_changed"]["fix_flow"]["abort"]
    kind, flow_id = page["next_flow"]
    assert kind == "config_flow"
    assert issues(hass) == {"address_changed"}

    dialog.page = await hass.config_entries.flow.async_configure(flow_id)
    assert dialog.step == "reconfigure"
    await dialog.choose(connection)
    await dialog.submit(base_url=own)
    await send(EventType=16)
    await dialog.progressed()
    assert entry.data["base_url"] == own
    assert issues(hass) == set()


@pytest.mark.usefixtures("repairs")
async def test_address_repair_given_up(
    hass: HomeAssistant, client: Client, repair: Repair, entry: MockConfigEntry, dialog: Dialog
) -> None:
    """Who closes the reconfiguration is told again."""
    old = "http://192.168.1.99:8123"
    hass.config_entries.async_update_entry(entry, data={**entry.data, "base_url": old}, options={"own_url": old})
    assert await hass.config_entries.async_setup(entry.entry_id)
    page = await repair(await repair("address_changed"))
    hass.config_entries.flow.async_abort(page["next_flow"][1])
    await hass.async_block_till_done()
    assert issues(hass) == {"address_changed"}
    assert list(webhooks(hass).values()) == [True]
