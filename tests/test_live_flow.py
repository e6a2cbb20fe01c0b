"""Tests of how a live connection is added and changed, through the API that the frontend uses."""

from collections.abc import Callable, Coroutine
from types import MappingProxyType
from typing import Any, Final

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.octoeverywhere.plugin_api import Problem

from .conftest import WORDS, Post, Remove, device_of
from .fake_plugin_api import FakePluginApi, RelayedPrinter

PATH: Final = "/api/config/config_entries/subentries/flow"
TEXTS: Final = WORDS["config_subentries"]["live"]

type Submit = Callable[..., Coroutine[Any, Any, dict[str, Any]]]


@pytest.fixture(autouse=True)
def _no_pace(plugin_api: FakePluginApi, relayed: RelayedPrinter) -> None:
    """Let somebody try again at once."""
    plugin_api.pace = None


@pytest.fixture
async def submit(
    hass: HomeAssistant, loaded: MockConfigEntry, relayed: RelayedPrinter, hass_client: ClientSessionGenerator
) -> Submit:
    """Return a function that begins a flow, or submits a page of it; each page has its words, and none shows the address."""
    client: Any = await hass_client()

    async def submit(page: dict[str, Any] | None = None, /, subentry_id: str = "", **fields: str) -> dict[str, Any]:
        if page is None:
            begin = {"handler": [loaded.entry_id, "live"], **({"subentry_id": subentry_id} if subentry_id else {})}
            response = await client.post(PATH, json=begin)
        else:
            response = await client.post(f"{PATH}/{page['flow_id']}", json=fields)
        assert response.status == 200, await response.text()
        assert relayed.host not in await response.text()
        answer: dict[str, Any] = await response.json()
        check_words(answer)
        await hass.async_block_till_done()
        return answer

    return submit


def check_words(page: dict[str, Any]) -> None:
    """Check that there is a text for everything on a page."""
    if page["type"] == "form":
        words = TEXTS["step"][page["step_id"]]
        assert {field["name"] for field in page["data_schema"]} == set(words["data"]) == set(words["data_description"])
        for text in (words["description"], *(TEXTS["error"][error] for error in (page["errors"] or {}).values())):
            text.format(**(page["description_placeholders"] or {}))
    elif page["type"] == "abort":
        assert page["reason"] in TEXTS["abort"]


def offered(page: dict[str, Any]) -> tuple[list[str], str]:
    """Return the printers that are offered, and the one that is chosen already."""
    (field,) = page["data_schema"]
    names = [option["label"] for option in field["selector"]["select"]["options"]]
    return names, field["description"]["suggested_value"]


async def test_added(
    hass: HomeAssistant, loaded: MockConfigEntry, post: Post, submit: Submit, relayed: RelayedPrinter
) -> None:
    """The printer that prints just this is chosen already; what was found is shown, and kept once it is confirmed."""
    relayed.start("benchy.gcode", warmup=0)
    await post(EventType=12, PrinterId="printer-0", PrinterName="Other")
    await post(EventType=1, PrintId=relayed.print_id)
    page = await submit(await submit(), url=f"My printer: {relayed.url.upper()}/")
    assert (page["step_id"], offered(page)) == ("printer", (["Other", "Ender3"], "printer-1"))
    assert page["description_placeholders"] == {
        "other": "Ender3",
        "status": "Printing, benchy.gcode, 0\u00a0%",
        "entities": "Nozzle temperature, Bed temperature, Chamber temperature, Pause print, Resume print, Cancel print, "
        "Turn heaters off, Camera",
    }
    page = await submit(page, printer_id="printer-1")
    assert (page["type"], page["title"]) == ("create_entry", "Ender3")
    (subentry,) = loaded.subentries.values()
    assert (subentry.title, subentry.unique_id) == ("Ender3", "printer-1")
    assert subentry.data == {"printer_id": "printer-1", "url": relayed.url}
    assert hass.states.get("button.ender3_pause")


async def test_contradiction(loaded: MockConfigEntry, post: Post, submit: Submit, relayed: RelayedPrinter) -> None:
    """Who chooses another printer than that which prints just this is asked once whether they are sure."""
    relayed.start(warmup=0)
    for number in (0, 1, 2):
        await post(EventType=1, PrinterId=f"printer-{number}", PrintId=relayed.print_id if number == 1 else "x")
    page = await submit(await submit(), url=relayed.url)
    for chosen in ("printer-0", "printer-2"):
        page = await submit(page, printer_id=chosen)
        assert page["errors"] == {"printer_id": "other_printer"}
        assert offered(page)[1] == chosen
    await submit(page, printer_id="printer-2")
    assert [subentry.unique_id for subentry in loaded.subentries.values()] == ["printer-2"]


@pytest.mark.parametrize(
    ("auth", "fields"),
    [
        (("me", "secret"), {"username": "me", "password": "secret"}),
        ("a-token", {"token": "a-token"}),
    ],
)
async def test_credentials(
    loaded: MockConfigEntry, post: Post, submit: Submit, relayed: RelayedPrinter, auth: Any, fields: dict[str, str]
) -> None:
    """User and password, or a token, are asked for where they are wanted, and until they are right."""
    relayed.auth = auth
    await post(EventType=12)
    page = await submit(await submit(), url=relayed.url)
    assert page["step_id"] == "credentials"
    page = await submit(page, username="me", password="wrong")
    assert (page["step_id"], page["errors"]) == ("credentials", {"base": "wrong_credentials"})
    page = await submit(page, **fields)
    assert page["step_id"] == "printer"
    await submit(page, printer_id="printer-1")
    (subentry,) = loaded.subentries.values()
    assert subentry.data == {"printer_id": "printer-1", "url": relayed.url, **fields}


async def test_credentials_in_address(
    loaded: MockConfigEntry, post: Post, submit: Submit, relayed: RelayedPrinter
) -> None:
    """What stands in the address is asked for no more."""
    relayed.auth = ("me", "s/t")
    await post(EventType=12)
    page = await submit(await submit(), url=f"https://me:s%2Ft@{relayed.host}")
    await submit(page, printer_id="printer-1")
    (subentry,) = loaded.subentries.values()
    assert dict(subentry.data) == {"printer_id": "printer-1", "url": relayed.url, "username": "me", "password": "s/t"}


async def test_errors(post: Post, submit: Submit, relayed: RelayedPrinter) -> None:
    """Each error is said on the page where it can be put right; afterwards it works."""
    await post(EventType=12)
    page = await submit()
    for text, problem in (("", "no_address"), ("https://example.com", "other_domain"), ("oe.ink/1", "live_link")):
        page = await submit(page, url=text)
        assert page["errors"] == {"url": problem}
    for answer in (*range(600, 606), *range(607, 614), "login", "index_html", "not_object", "reset", "huge"):
        relayed.respond(answer)
        page = await submit(page, url=relayed.url)
        assert (page["step_id"], list(page["errors"])) == ("user", ["url"])
    relayed.respond(None)
    relayed.switch_off()
    page = await submit(page, url=relayed.url)
    assert page["errors"] == {"url": "printer_off"}
    relayed.switch_on()
    page = await submit(page, url=relayed.url)
    assert page["step_id"] == "printer"


@pytest.mark.parametrize("make", ["elegoo_cc1"])
async def test_says_nothing_yet(post: Post, submit: Submit, relayed: RelayedPrinter) -> None:
    """A printer that says nothing of its state yet can be added."""
    relayed.switch_on(is_named=False)
    await post(EventType=12)
    page = await submit(await submit(), url=relayed.url)
    assert page["description_placeholders"]["status"] == "-"
    assert (await submit(page, printer_id="printer-1"))["type"] == "create_entry"


async def test_no_printer(
    hass: HomeAssistant, loaded: MockConfigEntry, post: Post, submit: Submit, relayed: RelayedPrinter
) -> None:
    """Where there is no printer to add one to, it is said why; also where that has come about meanwhile."""
    assert (await submit())["reason"] == "no_printer"
    await post(EventType=12)
    first, second = await submit(await submit(), url=relayed.url), await submit(await submit(), url=relayed.url)
    await submit(first, printer_id="printer-1")
    assert (await submit(second, printer_id="printer-1"))["reason"] == "every_printer"
    assert (await submit())["reason"] == "every_printer"
    await post(EventType=12, PrinterId="printer-2")
    asked = await submit()
    relayed.auth = "token"
    waiting = await submit(await submit(), url=relayed.url)
    assert await hass.config_entries.async_unload(loaded.entry_id)
    for page in (asked, waiting):
        assert (await submit(page, **({"url": relayed.url} if page is asked else {"token": "token"})))[
            "reason"
        ] == "not_loaded"


async def test_taken_meanwhile(post: Post, submit: Submit, relayed: RelayedPrinter) -> None:
    """A printer that was given a connection meanwhile can be chosen no more."""
    for number in (1, 2):
        await post(EventType=12, PrinterId=f"printer-{number}")
    first, second = await submit(await submit(), url=relayed.url), await submit(await submit(), url=relayed.url)
    await submit(first, printer_id="printer-1")
    page = await submit(second, printer_id="printer-1")
    assert (page["step_id"], offered(page)[1]) == ("printer", "printer-2")


async def test_changed(
    hass: HomeAssistant, loaded: MockConfigEntry, post: Post, submit: Submit, relayed: RelayedPrinter
) -> None:
    """A connection gets another address, which is in use at once; and another printer."""
    relayed.respond(604)
    await post(EventType=12)
    await post(EventType=12, PrinterId="printer-2", PrinterName="Other")
    connection = ConfigSubentry(
        data=MappingProxyType({"printer_id": "printer-1", "url": relayed.url}),
        subentry_type="live",
        title="Ender3",
        unique_id="printer-1",
    )
    hass.config_entries.async_add_subentry(loaded, connection)
    await hass.async_block_till_done()
    (subentry,) = loaded.subentries.values()
    relayed.respond(None)
    page = await submit(subentry_id=subentry.subentry_id)
    page = await submit(page, url=f"https://me:you@{relayed.host}")
    assert offered(page) == (["Ender3", "Other"], "printer-1")
    page = await submit(page, printer_id="printer-2")
    assert page["reason"] == "reconfigure_successful"
    assert (subentry.title, subentry.unique_id, subentry.data["username"]) == ("Other", "printer-2", "me")
    assert {state.entity_id for state in hass.states.async_all("button")} >= {"button.other_pause"}
    assert not hass.states.get("button.ender3_pause")


async def test_device_removed(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    post: Post,
    submit: Submit,
    relayed: RelayedPrinter,
    remove: Remove,
) -> None:
    """With a printer, its connection is gone, and no other."""
    assert await async_setup_component(hass, "config", {})
    await post(EventType=12)
    await post(EventType=12, PrinterId="printer-2", PrinterName="Other")
    await submit(await submit(await submit(), url=relayed.url), printer_id="printer-1")
    for printer_id, left in (("printer-2", 1), ("printer-1", 0)):
        device = device_of(hass, printer_id)
        assert device
        assert await remove(device.id)
        assert len(loaded.subentries) == left
    assert not hass.states.async_all()


def test_words() -> None:
    """Each problem that a person can meet has its words."""
    assert set(TEXTS["error"]) == {problem.value for problem in Problem} | {"other_printer"}
