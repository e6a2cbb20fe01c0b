"""Tests of what can be attached to a bug report, without anything secret in it."""

import json
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
    get_diagnostics_for_device,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from .conftest import FULL, INTERNAL_URL, PATH, PRINTER, SECRET, WEBHOOK_ID, Client, Post, device_of

MOMENT = "2026-03-14T09:26:53+00:00"
PRINTER_ID = "3f1c8a90-printer"
PRINT_ID = "77ab42c1-print"
REDACTED = "**REDACTED**"
LINKS = [
    "https://octoeverywhere.com/quickview/7c9e6679",
    "HTTPS://Snapshots.OctoEverywhere.com/get/7c9e6679.jpg?token=b2c3",
    "http://192.168.1.50:7125/moonraker",
    "rtsp://me:password@192.168.1.51/front",
]


@pytest.fixture(autouse=True)
async def _diagnostics(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Set up the diagnostics; nothing can be added to the server once a client is there."""
    assert await async_setup_component(hass, "diagnostics", {})
    freezer.move_to(MOMENT)


async def diagnostics(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, entry: MockConfigEntry
) -> dict[str, Any]:
    """Return the diagnostics of the entry."""
    return dict(await get_diagnostics_for_config_entry(hass, hass_client, entry))


async def device_diagnostics(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, entry: MockConfigEntry, printer_id: str = "printer-1"
) -> dict[str, Any]:
    """Return the diagnostics of a printer."""
    device: Any = device_of(hass, printer_id)
    return dict(await get_diagnostics_for_device(hass, hass_client, entry, device))


async def test_nothing_yet(hass: HomeAssistant, loaded: MockConfigEntry, hass_client: ClientSessionGenerator) -> None:
    """Before the first notification there is the connection to tell of."""
    assert await diagnostics(hass, hass_client, loaded) == {
        "connection": "lan",
        "cloudhook": False,
        "has_secret_key": True,
        "newest_notification_at": None,
        "since_start": {"accepted": 0, "late": 0, "refused": {}},
        "printers": [],
        "newest_notifications": [],
    }


@pytest.mark.parametrize(
    "entry_data", [{"webhook_id": WEBHOOK_ID, "secret_key": "", "connection": "internet", "cloudhook": False}]
)
async def test_without_key(hass: HomeAssistant, loaded: MockConfigEntry, hass_client: ClientSessionGenerator) -> None:
    """Whether there is a key can be seen."""
    found = await diagnostics(hass, hass_client, loaded)
    assert (found["connection"], found["has_secret_key"]) == ("internet", False)


async def test_not_loaded(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    """Of an entry that is not loaded the connection can be told of, and of its printers nothing."""
    await post(FULL)
    assert await hass.config_entries.async_unload(loaded.entry_id)
    assert await diagnostics(hass, hass_client, loaded) == {
        "connection": "lan",
        "cloudhook": False,
        "has_secret_key": True,
    }
    assert await device_diagnostics(hass, hass_client, loaded) == {}


async def test_set_up_has_failed(
    hass: HomeAssistant, entry: MockConfigEntry, hass_client: ClientSessionGenerator, client: Client
) -> None:
    """An entry that could not be set up has no printers to tell of, but a connection."""
    with patch("custom_components.octoeverywhere.store.PrinterStore.async_load", side_effect=OSError):
        assert not await hass.config_entries.async_setup(entry.entry_id)
    assert (await diagnostics(hass, hass_client, entry))["connection"] == "lan"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("x" * 10_000, id="long"),
        pytest.param("🦑" * 1_000, id="long in bytes"),
        pytest.param("two\r\nSet-Cookie: lines\x85\u2028\x7f", id="line breaks"),
        pytest.param("\n\x01\t", id="only controls"),
        pytest.param('";=\\/../%00\u200f 🖨️', id="marks"),
    ],
)
async def test_any_name(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, hass_client: ClientSessionGenerator, name: str
) -> None:
    """Home Assistant names the file after the printer, so a printer of any name must make a file name."""
    assert (await post(FULL, PrinterName=name)).status == 200
    (printer,) = (await device_diagnostics(hass, hass_client, loaded))["printers"]
    assert printer["shown_status"] == "printing"


async def test_one_printer(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    """All that is known of a printer, and what it said last, but for ids and links."""
    await post(FULL)
    notification = {
        "at": MOMENT,
        "printer_id": REDACTED,
        "printer_name": "Ender3",
        "print_id": REDACTED,
        "type": "print_progress",
        "event_type": 6,
        "file_name": "MyCoolPrint.gcode",
        "progress": 21,
        "duration": 50,
        "time_remaining": 605,
        "estimated_finish": "2026-03-14T09:36:58+00:00",
        "z_offset": 0.3,
        "current_layer": 50,
        "total_layers": 100,
        "error": "Oh no, something bad happened!",
        "error_code": "33",
        "snapshot_url": REDACTED,
        "quick_view_url": REDACTED,
        "extra": REDACTED,
    }
    printer = {
        "state": {
            "name": "Ender3",
            "quick_view_url": REDACTED,
            "print_id": REDACTED,
            "status": "printing",
            "error_message": "Oh no, something bad happened!",
            "error_code": "33",
            "file_name": "MyCoolPrint.gcode",
            "duration": 50,
            "progress": 21,
            "time_remaining": 605,
            "z_offset": 0.3,
            "current_layer": 50,
            "total_layers": 100,
            "started_at": "2026-03-14T09:26:03+00:00",
            "finish_at": "2026-03-14T09:36:58+00:00",
            "estimated_at": MOMENT,
            "snapshot_url": REDACTED,
            "snapshot_at": MOMENT,
            "fingerprint": REDACTED,
            "heard_at": MOMENT,
        },
        "shown_status": "printing",
        "prints": {"completed": 0, "failed": 0, "seconds": 0},
        "newest_notification": notification,
    }
    assert await diagnostics(hass, hass_client, loaded) == {
        "connection": "lan",
        "cloudhook": False,
        "has_secret_key": True,
        "newest_notification_at": MOMENT,
        "since_start": {"accepted": 1, "late": 0, "refused": {}},
        "printers": [printer],
        "newest_notifications": [notification],
    }
    assert await device_diagnostics(hass, hass_client, loaded) == {
        "printers": [printer],
        "newest_notifications": [notification],
    }


async def test_counts(
    hass: HomeAssistant,
    post: Post,
    client: Client,
    loaded: MockConfigEntry,
    hass_client: ClientSessionGenerator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What was accepted, what of it came late, and what was refused why, since the entry was loaded."""
    await post(FULL, EventType=1)
    await post(FULL, PrintId="print-2")
    await post(FULL, EventType=2)
    freezer.tick(60)
    await post(FULL, EventType=16, PrinterId="printer-2")
    freezer.tick(60)
    for _ in range(3):
        await post(FULL, SecretKey="wrong")
    await post(FULL, EventType=None)
    await post(FULL, PrinterId=None)
    await client.post(PATH, data=b"{")
    await client.post(PATH, data=b"[]")
    await client.post(PATH, data=b" " * 20_000)
    found = await diagnostics(hass, hass_client, loaded)
    assert found["since_start"] == {
        "accepted": 4,
        "late": 1,
        "refused": {
            "wrong_secret_key": 3,
            "no_usable_event_type": 1,
            "no_usable_printer_id": 1,
            "not_json": 1,
            "not_an_object": 1,
            "body_too_large": 1,
        },
    }
    assert found["newest_notification_at"] == "2026-03-14T09:27:53+00:00"
    assert [each["type"] for each in found["newest_notifications"]] == [
        "print_started",
        "print_progress",
        "print_complete",
        "test",
    ]
    assert [each["state"]["name"] for each in found["printers"]] == ["Ender3"]
    assert found["printers"][0]["newest_notification"]["type"] == "print_complete"
    of_device = await device_diagnostics(hass, hass_client, loaded)
    assert of_device["printers"] == found["printers"]
    assert len(of_device["newest_notifications"]) == 3

    assert await hass.config_entries.async_reload(loaded.entry_id)
    found = await diagnostics(hass, hass_client, loaded)
    assert found["since_start"] == {"accepted": 0, "late": 0, "refused": {}}
    assert found["newest_notifications"] == []
    assert found["printers"][0]["newest_notification"]["type"] == "print_complete"


async def test_newest(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    """Only the last few notifications are kept."""
    for progress in range(15):
        await post(FULL, Progress=progress)
    found = await diagnostics(hass, hass_client, loaded)
    assert [each["progress"] for each in found["newest_notifications"]] == list(range(5, 15))
    assert found["since_start"]["accepted"] == 15


async def test_silent(
    hass: HomeAssistant,
    post: Post,
    loaded: MockConfigEntry,
    hass_client: ClientSessionGenerator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What is shown of a silent print can be told from what is known."""
    freezer.tick(-86400)
    await post(FULL)
    freezer.move_to(MOMENT)
    assert await hass.config_entries.async_reload(loaded.entry_id)
    (printer,) = (await diagnostics(hass, hass_client, loaded))["printers"]
    assert (printer["state"]["status"], printer["shown_status"]) == ("printing", None)


def leaks(found: object, secrets: list[str]) -> list[str]:
    """Return the secrets that are in the diagnostics, however they are written."""
    text = json.dumps(found).lower()
    return [secret for secret in secrets if secret.lower() in text]


@pytest.mark.parametrize(
    "write",
    [
        pytest.param("{}".format, id="alone"),
        pytest.param("See {}, or ask".format, id="in a sentence"),
        pytest.param("({})".format, id="in brackets"),
        pytest.param('<a href="{}">'.format, id="in HTML"),
        pytest.param("{0} {0}\n{0}".format, id="several"),
        pytest.param("url={}".format, id="as a value"),
        pytest.param("Bild1{}".format, id="behind a digit"),
        pytest.param("printer_{}".format, id="behind an underscore"),
        pytest.param("für{}".format, id="behind a word"),
        pytest.param(lambda link: json.dumps({"url": link}).replace("/", "\\/"), id="in JSON"),
        pytest.param(lambda link: link.split("://")[1], id="without a scheme"),
    ],
)
@pytest.mark.parametrize("link", LINKS)
async def test_no_links(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, hass_client: ClientSessionGenerator, link: str, write: Any
) -> None:
    """A link is in no field, whatever is around it."""
    text = write(link)
    await post(
        FULL,
        EventType=9,
        PrinterId=PRINTER_ID,
        PrintId=PRINT_ID,
        PrinterName=text.replace("\n", " "),
        FileName=text,
        Error=text,
        PlatformErrorCode=text,
        SnapshotUrl=LINKS[1],
        QuickViewUrl=LINKS[0],
        Camera={"url": text, "all": [text, {text: text}]},
        **{text: 1},
    )
    secrets = [part for each in (link, *LINKS) for part in each.split("://")[1].split("/", 1)]
    for found in (
        await diagnostics(hass, hass_client, loaded),
        await device_diagnostics(hass, hass_client, loaded, PRINTER_ID),
    ):
        assert found["printers"][0]["state"]["status"] == "error"
        assert leaks(found, [*secrets, SECRET, WEBHOOK_ID, PRINTER_ID, PRINT_ID, INTERNAL_URL]) == []


async def test_no_ids(
    hass: HomeAssistant,
    post: Post,
    client: Client,
    loaded: MockConfigEntry,
    hass_client: ClientSessionGenerator,
) -> None:
    """Neither the key nor an id is in the diagnostics, nor those of earlier prints, nor what was refused."""
    for number in range(3):
        await post(FULL, PrinterId=PRINTER_ID, PrintId=f"{PRINT_ID}-{number}")
    await post(FULL, PrinterId=PRINTER_ID, EventType=16)
    await post(FULL, PrinterId=PRINTER_ID, SecretKey=f"{SECRET}-")
    await client.post(PATH, json=PRINTER | {"PrinterId": PRINTER_ID})
    device: Any = device_of(hass, PRINTER_ID)
    for found in (
        await diagnostics(hass, hass_client, loaded),
        await device_diagnostics(hass, hass_client, loaded, PRINTER_ID),
    ):
        assert leaks(found, [SECRET, WEBHOOK_ID, PRINTER_ID, PRINT_ID, device.id, INTERNAL_URL]) == []


async def test_no_ids_in_texts(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    """A text that holds the key or an id does not give it away."""
    text = f"{SECRET}, {WEBHOOK_ID}, {PRINTER_ID}, {PRINT_ID}"
    await post(
        FULL, EventType=9, PrinterId=PRINTER_ID, PrintId=PRINT_ID, PrinterName=PRINTER_ID, FileName=text, Error=text
    )
    found = await diagnostics(hass, hass_client, loaded)
    assert leaks(found, [SECRET, WEBHOOK_ID, PRINTER_ID, PRINT_ID]) == []


async def test_ids_of_which_texts_are_made(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    """However short ids are, and whatever they say, the diagnostics stay as long as they are."""
    ids = ("*", "R", "E", "D", "A", "C", "T", "**", "RE", "RED", "ACTED", "**REDACTED**")
    for printer_id in ids:
        await post(FULL, EventType=9, PrinterId=printer_id, PrintId="TED", FileName="*" * 100, Error="REDACTED " * 50)
    text = json.dumps(await diagnostics(hass, hass_client, loaded))
    assert len(text) < len(ids) * 30_000


async def test_no_ids_of_earlier_prints(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    """A text does not give away the id of a print that has been superseded since."""
    await post(FULL, EventType=9, PrintId=PRINT_ID, Error=f"The print {PRINT_ID} has stopped")
    await post(FULL, EventType=1, PrintId="print-2")
    assert leaks(await diagnostics(hass, hass_client, loaded), [PRINT_ID]) == []


@pytest.mark.timeout(15)
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a" * 14_000, id="one word"),
        pytest.param(":/" * 7_000, id="colons and slashes"),
        pytest.param("a/" * 7_000, id="words and slashes"),
        pytest.param("http://" * 2_000, id="schemes"),
        pytest.param(
            "a." * 7_000,
            id="words and dots",
        ),
    ],
)
async def test_long_text(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, hass_client: ClientSessionGenerator, text: str
) -> None:
    """However long a text is, its beginning is enough, and Home Assistant does not stand still."""
    assert (await post(FULL, FileName=text)).status == 200
    found = await diagnostics(hass, hass_client, loaded)
    assert found["since_start"]["accepted"] == 1
    assert len(found["printers"][0]["state"]["file_name"]) <= 255
