"""Tests of what can be attached to a bug report, without anything secret in it."""

from collections.abc import Callable, Coroutine
from datetime import timedelta
import json
from types import MappingProxyType
from typing import Any, Final

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from hypothesis import HealthCheck, given, settings, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion

from .conftest import (
    FULL,
    INTERNAL_URL,
    PATH,
    PRINTER,
    SECRET,
    WEBHOOK_ID,
    Client,
    Clock,
    Post,
    change,
    connection_to,
    device_of,
    hand_over,
    reload,
    the_entry,
    unload,
)
from .fake_plugin_api import FakePluginApi

MOMENT: Final = "2026-03-14T09:26:53+00:00"
PRINTER_ID: Final = "3f1c8a90-printer"
PRINT_ID: Final = "77ab42c1-print"
LINKS: Final = (
    "https://octoeverywhere.com/quickview/7c9e6679",
    "HTTPS://Snapshots.OctoEverywhere.com/get/7c9e6679.jpg?token=b2c3",
    "http://192.168.1.50:7125/moonraker",
    "rtsp://me:password@192.168.1.51/front",
)

type Diagnose = Callable[[], Coroutine[Any, Any, dict[str, Any]]]


@pytest.fixture(autouse=True)
async def _diagnostics(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Set up the diagnostics; nothing can be added to the server once a client is there."""
    assert await async_setup_component(hass, "diagnostics", {})
    freezer.move_to(MOMENT)


@pytest.fixture
def diagnose(hass: HomeAssistant, client: Client, hass_client: ClientSessionGenerator) -> Diagnose:
    """Return a function that downloads the diagnostics."""

    async def diagnose() -> dict[str, Any]:
        entry: Any = the_entry(hass)
        return dict(await get_diagnostics_for_config_entry(hass, hass_client, entry))

    return diagnose


async def test_nothing_yet(hass: HomeAssistant, loaded: MockConfigEntry, diagnose: Diagnose) -> None:
    """Before the first notification there is the connection to tell of."""
    assert await diagnose() == {
        "connection": "lan",
        "has_secret_key": True,
        "since_start": {"accepted": 0, "late": 0, "repeated": 0, "refused": {}, "newest_from": ""},
        "printers": [],
        "newest_notifications": [],
    }


async def test_not_loaded(hass: HomeAssistant, post: Post, diagnose: Diagnose) -> None:
    """Of an entry that is not loaded the connection can be told of, and of its printers nothing."""
    await post(FULL)
    await unload(hass)
    change(hass, secret_key="", connection="internet")
    assert await diagnose() == {"connection": "internet", "has_secret_key": False}


async def test_one_printer(hass: HomeAssistant, post: Post, diagnose: Diagnose, snapshot: SnapshotAssertion) -> None:
    """All that is known of a printer and shown of it, and what it said last, but for ids and links."""
    await post(FULL)
    assert await diagnose() == snapshot
    # Where there is no key to hide, texts stay as they are.
    change(hass, secret_key="")
    found = await diagnose()
    assert (found["has_secret_key"], found["printers"][0]["job"]["file_name"]) == (False, "MyCoolPrint.gcode")


async def test_counts(hass: HomeAssistant, post: Post, client: Client, diagnose: Diagnose) -> None:
    """What was accepted, what of it came late or twice, and what was refused why, since the entry was loaded."""
    await post(FULL, EventType=1)
    await post(FULL, PrintId="print-2")
    await post(FULL, EventType=2)
    await post(FULL, EventType=2)
    await post(FULL, EventType=16, PrinterId="printer-2")
    for _ in range(3):
        await post(FULL, SecretKey="wrong")
    await post(FULL, EventType=None)
    await post(FULL, PrinterId=None)
    for data in (b"{", b"[]", b" " * 20_000):
        await client.post(PATH, data=data)
    await client.post(PATH, json=PRINTER | FULL, headers={"Origin": "https://example.com"})
    assert (await hand_over(hass, FULL, remote="203.0.113.9"))[0] == 403
    found = await diagnose()
    assert found["since_start"] == {
        "accepted": 5,
        "late": 1,
        "repeated": 1,
        "refused": {
            "wrong_secret_key": 3,
            "no_usable_event_type": 1,
            "no_usable_printer_id": 1,
            "not_json": 1,
            "not_an_object": 1,
            "body_too_large": 1,
            "from_a_web_page": 1,
            "from_outside_the_home_network": 1,
        },
        "newest_from": "203.0.113.9",
    }
    told = ["print_started", "print_progress", "print_complete", "test"]
    assert [each["data"]["type"] for each in found["newest_notifications"]] == told
    # Only the last few notifications are kept.
    for progress in range(30, 45):
        await post(FULL, PrintId="print-2", Progress=progress)
    found = await diagnose()
    assert [each["data"]["progress"] for each in found["newest_notifications"]] == list(range(35, 45))
    await reload(hass)
    after = await diagnose()
    assert after["since_start"]["accepted"] == 0
    assert after["newest_notifications"] == []
    assert after["printers"] == found["printers"]


def leaks(found: object, secrets: list[str]) -> list[str]:
    """Return the secrets that are in the diagnostics, however they are written."""
    text = json.dumps(found).lower()
    return [secret for secret in secrets if secret.lower() in text]


WAYS: Final = (
    "{}".format,
    "See {}, or ask".format,
    '<a href="{}">'.format,
    "{0} {0}\n{0}".format,
    "Bild1{}".format,
    "für_{}".format,
    lambda link: json.dumps({"url": link}).replace("/", "\\/"),
    lambda link: link.split("://")[-1],
)
"""How a link may be written in a text."""
TEXTS: Final = st.builds(
    lambda before, way, link, after: f"{before}{way(link)}{after}",
    st.text(st.characters(codec="utf-8"), max_size=5),
    st.sampled_from(WAYS),
    st.sampled_from(LINKS),
    st.text(st.characters(codec="utf-8"), max_size=5),
) | st.sampled_from((SECRET, f"({SECRET})", f"x{SECRET}x"))


@given(texts=st.lists(TEXTS, min_size=6, max_size=6), event_type=st.sampled_from((2, 3, 6, 9, 16)))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_nothing_secret(
    hass: HomeAssistant, loaded: MockConfigEntry, diagnose: Diagnose, texts: list[str], event_type: int
) -> None:
    """Neither a key, an id nor a link is in any field, whatever is around it, nor of an earlier print."""
    name, file, error, code, deep, key = texts
    extra: dict[str, Any] = {key: 1}
    for print_id in (f"{PRINT_ID}-{hash(name)}", PRINT_ID):
        status, _ = await hand_over(
            hass,
            FULL,
            EventType=event_type,
            PrinterId=PRINTER_ID,
            PrintId=print_id,
            PrinterName=name,
            FileName=file,
            Error=error,
            PlatformErrorCode=code,
            SnapshotUrl=LINKS[1],
            QuickViewUrl=LINKS[0],
            Camera={"url": deep, "all": [deep, {deep: deep}]},
            **extra,
        )
        assert status == 200
    await hand_over(hass, PrinterId=PRINTER_ID, SecretKey=f"{SECRET}-", EventType=1)
    await hass.async_block_till_done()
    secrets = [part for link in LINKS for part in link.split("://")[1].split("/", 1)]
    secrets += [SECRET, WEBHOOK_ID, PRINTER_ID, PRINT_ID, INTERNAL_URL]
    if device := device_of(hass, PRINTER_ID):
        secrets.append(device.id)
    assert leaks(await diagnose(), secrets) == []


@pytest.mark.timeout(15)
@pytest.mark.parametrize(
    "text", ["a" * 14_000, ":/" * 7_000, "a/" * 7_000, "http://" * 2_000, "a." * 7_000], ids=lambda text: text[:7]
)
async def test_long_text(hass: HomeAssistant, post: Post, diagnose: Diagnose, text: str) -> None:
    """However long a text is, its beginning is enough, and Home Assistant does not stand still."""
    assert (await post(FULL, FileName=text)).status == 200
    (printer,) = (await diagnose())["printers"]
    assert len(printer["job"]["file_name"]) <= 255


async def test_live_printer(
    hass: HomeAssistant, clock: Clock, plugin_api: FakePluginApi, post: Post, diagnose: Diagnose
) -> None:
    """Of a printer that can be asked, what it says is told, and nothing of the way to it."""
    secrets = {"username": "me-myself", "password": "pa55word", "token": "t0ken"}
    relayed = plugin_api.add("bambu", auth="t0ken")
    relayed.stage = f"See {relayed.url}/x"
    await post(EventType=12)
    connection = connection_to(relayed, **secrets)
    subentry = ConfigSubentry(**{**connection, "data": MappingProxyType(dict(connection["data"]))})  # type: ignore[arg-type]
    hass.config_entries.async_add_subentry(the_entry(hass), subentry)
    await hass.async_block_till_done()
    relayed.start(warmup=0)
    await clock.elapse(timedelta(seconds=10), wait_background_tasks=True)
    answer = await diagnose()
    assert answer["printers"][0]["shown"]["live"]["status"] == "printing"
    assert leaks(answer, [relayed.host, *secrets.values()]) == []
