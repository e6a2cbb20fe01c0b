"""Tests of the action that tells what was printed."""

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.service import async_get_all_descriptions
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.octoeverywhere.const import DOMAIN
from custom_components.octoeverywhere.history import MAX_PRINTS, Outcome, Print
from custom_components.octoeverywhere.services import GET_PRINTS, GET_PRINTS_SCHEMA
from custom_components.octoeverywhere.store import Store

from .conftest import FULL, ICONS, NUMBERS, WORDS, Post, get_prints, load, the_device, unload

# A day on which it is ten o'clock in Berlin.
NOW = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
STARTED, COMPLETE, FAILED, PAUSED, PROGRESS = (
    NUMBERS[f"print_{what}"] for what in ("started", "complete", "failed", "paused", "progress")
)
VORON = {"PrinterId": "printer-2", "PrinterName": "Voron"}


@pytest.fixture(autouse=True)
async def _berlin(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Live where the local time is not UTC."""
    freezer.move_to(NOW)
    await hass.config.async_set_time_zone("Europe/Berlin")


@pytest.fixture
async def printers(hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory) -> dict[str, str]:
    """Make two printers, each with a past and one of them at work; return the ids of their devices."""
    for print_id, ago, said in (
        ("year", 365 * DAY, {"EventType": COMPLETE}),
        ("week", 7 * DAY, {"EventType": FAILED}),
        ("silent", 3 * DAY, {"EventType": PROGRESS, **VORON}),
        ("cancelled", 2 * DAY, {"EventType": FAILED, "PlatformErrorCode": "cancelled", **VORON}),
        ("day", DAY, {"EventType": COMPLETE}),
    ):
        freezer.move_to(NOW - ago + HOUR)  # each took an hour
        await post(said, PrintId=print_id, DurationSec=3600)
    freezer.move_to(NOW)
    await post(EventType=STARTED, PrintId="now", DurationSec=0, TimeRemainingSec=3600)
    return {"Ender3": the_device(hass).id, "Voron": the_device(hass, "printer-2").id}


EVERYTHING = ["now", "day", "cancelled", "silent", "week", "year"]
ASKED: list[tuple[dict[str, Any], list[str]]] = [
    ({}, EVERYTHING),
    ({"printer": "Ender3"}, ["now", "day", "week", "year"]),
    ({"printer": ["Voron"]}, ["cancelled", "silent"]),
    ({"printer": ["Voron", "Ender3"]}, EVERYTHING),
    ({"printer": []}, EVERYTHING),
    ({"period": {"days": 7}}, ["now", "day", "cancelled", "silent", "week"]),
    ({"period": "23:00:01"}, ["now", "day"]),  # one ended in it
    ({"period": "23:00:00"}, ["now"]),  # begins when that print ends
    ({"period": 0}, ["now"]),
    ({"period": {"days": 2}, "end": "2026-03-12 00:00:00"}, ["silent"]),
    ({"period": {"days": 2}, "end": "2027-01-01"}, ["now", "day", "cancelled"]),  # counts from now, not the future
    ({"period": {"days": 800_000}}, EVERYTHING),
    ({"printer": ["Voron", "Voron"]}, ["cancelled", "silent"]),
    ({"start": "0001-01-01 00:00:00"}, EVERYTHING),
    ({"outcome": ["cancelled"]}, ["cancelled"]),
    ({"start": "2026-03-13 10:59:59"}, ["now", "day"]),  # in local time
    ({"start": "2026-03-13 11:00:00"}, ["now"]),
    ({"start": "2026-03-13 09:59:59+00:00"}, ["now", "day"]),
    ({"start": "2026-03-14 11:00:00"}, []),  # when the print under way will end
    ({"start": "2026-03-14 10:59:59"}, ["now"]),
    ({"end": "2026-03-13 10:00:00"}, ["cancelled", "silent", "week", "year"]),  # when a print begins
    ({"end": "2026-03-13 10:00:01"}, ["day", "cancelled", "silent", "week", "year"]),
    ({"start": "2026-03-01", "end": "2026-04-01"}, ["now", "day", "cancelled", "silent", "week"]),
    ({"start": "2026-03-09", "end": "2026-03-10"}, []),
    ({"outcome": "complete"}, ["day", "year"]),
    ({"outcome": ["failed", "silent"]}, ["silent", "week"]),
    ({"outcome": ["under_way"]}, ["now"]),
    ({"outcome": []}, EVERYTHING),
    ({"limit": 2}, ["now", "day"]),
    ({"limit": 2.0, "outcome": "complete"}, ["day", "year"]),  # of what was asked for
]


async def test_fields(hass: HomeAssistant, printers: dict[str, str]) -> None:
    """The action answers with the prints that were asked for, the newest first."""
    for asked, found in ASKED:
        fields = dict(asked)
        if isinstance(names := asked.get("printer"), list):
            fields["printer"] = [printers[name] for name in names]
        elif names:
            fields["printer"] = printers[names]
        assert [known["print_id"] for known in await get_prints(hass, **fields)] == found, asked


async def test_response(hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory) -> None:
    """A print is told with everything that is known of it, and null for what is not."""
    await post(FULL, EventType=FAILED, DurationSec=50)
    await post(EventType=STARTED, PrintId="print-2", PrinterId="printer-2", PrinterName=None, DurationSec=60)
    failed = {
        "printer": "Ender3",
        "device_id": the_device(hass).id,
        "print_id": "print-1",
        "file_name": "MyCoolPrint.gcode",
        "outcome": "failed",
        "start": "2026-03-14T08:59:10+00:00",
        "end": "2026-03-14T09:00:00+00:00",
        "duration": 50,
        "current_layer": 50,
        "total_layers": 100,
        "error": "Oh no, something bad happened!",
        "quick_view_url": "https://octoeverywhere.com/quickview/1",
        "snapshot_url": "https://octoeverywhere.com/snapshot/1.jpg",
    }
    under_way = dict.fromkeys(failed) | {
        "device_id": the_device(hass, "printer-2").id,
        "print_id": "print-2",
        "outcome": "under_way",
        "start": "2026-03-14T08:59:00+00:00",
        "end": "2026-03-14T10:00:00+00:00",
        "duration": 60,
    }
    assert await get_prints(hass) == [failed, under_way]
    # A week later the link leads nowhere.
    freezer.tick(7 * DAY)
    (old,) = await get_prints(hass, outcome="failed")
    assert old == failed | {"snapshot_url": None}


async def test_many(hass: HomeAssistant, post: Post) -> None:
    """Without a limit the newest hundred are told, of all printers together."""
    for number in (1, 2):
        printer = f"printer-{number}"
        await post(EventType=PAUSED, PrinterId=printer, PrinterName=printer)
        starts = {f"{number}-{day}": NOW - day * DAY - number * HOUR for day in range(MAX_PRINTS, 0, -1)}
        prints = [Print(print_id=id_, started_at=start, ended_at=start + HOUR) for id_, start in starts.items()]
        await hass.async_add_executor_job(Store(hass).file_prints, printer, prints)
    found = [known["print_id"] for known in await get_prints(hass)]
    assert found == [f"{number}-{day}" for day in range(1, 51) for number in (1, 2)]
    assert len(await get_prints(hass, limit=MAX_PRINTS)) == MAX_PRINTS


async def test_nothing_to_tell(hass: HomeAssistant, post: Post) -> None:
    """Without a printer, or without a print, the answer is empty."""
    assert await get_prints(hass) == []
    await post(EventType=PAUSED)
    assert await get_prints(hass) == []


async def refusal(hass: HomeAssistant, **fields: Any) -> str:
    """Return with which words of the translations the action refuses to answer."""
    with pytest.raises(ServiceValidationError) as refused:
        await get_prints(hass, **fields)
    assert refused.value.translation_domain == DOMAIN
    words = WORDS["exceptions"][refused.value.translation_key]["message"]
    return str(words.format(**(refused.value.translation_placeholders or {})))


async def test_refused(hass: HomeAssistant, printers: dict[str, str]) -> None:
    """What makes no sense is refused."""
    for fields, said in (
        ({"start": "2026-03-14", "end": "2026-03-13"}, "The period ends before it begins."),
        ({"start": "2026-03-14", "end": "2026-03-14"}, "The period ends before it begins."),
        ({"end": "0001-01-01 00:00:00"}, "The period ends before it begins."),
        ({"period": {"days": 7}, "start": "2026-03-01"}, "Give either a period or a start, not both."),
    ):
        assert await refusal(hass, **fields) == said


async def test_device_of_another_printer(
    hass: HomeAssistant, printers: dict[str, str], loaded: MockConfigEntry
) -> None:
    """One device that is no printer refuses all, by its name; so does a printer that was removed."""
    await loaded.runtime_data.async_forget({"printer-2"})
    await hass.async_block_till_done()
    bridge = dr.async_get(hass).async_get_or_create(
        config_entry_id=loaded.entry_id, identifiers={("somebody_else", "1")}, name="Bridge"
    )
    for devices, name in (
        ([printers["Ender3"], "nobody"], "nobody"),
        ([printers["Voron"]], printers["Voron"]),
        ([bridge.id], "Bridge"),
    ):
        said = f"The device {name} is not one of OctoEverywhere's printers."
        assert await refusal(hass, printer=devices) == said
    assert len(await get_prints(hass)) == 4


async def test_unreadable(hass: HomeAssistant, printers: dict[str, str]) -> None:
    """Prints that cannot be read right now are not taken for none."""
    with patch("pathlib.Path.read_bytes", side_effect=PermissionError), pytest.raises(HomeAssistantError) as failed:
        await get_prints(hass)
    assert failed.value.translation_key == "not_read"
    assert len(await get_prints(hass)) == 6


async def test_not_loaded(hass: HomeAssistant, printers: dict[str, str]) -> None:
    """The action stays while the integration is not loaded, and says so."""
    await unload(hass)
    assert await refusal(hass) == "OctoEverywhere is not set up, or not loaded at the moment."
    await load(hass)
    assert len(await get_prints(hass)) == 6


async def test_invalid(hass: HomeAssistant, printers: dict[str, str]) -> None:
    """What no field takes is refused by Home Assistant, and names the field."""
    for fields in (
        {"period": {"days": -1}},
        {"period": "a week"},
        {"start": "yesterday"},
        {"end": 5},
        {"outcome": "melted"},
        {"outcome": ["complete", "melted"]},
        {"limit": 0},
        {"limit": MAX_PRINTS + 1},
        {"limit": "many"},
        {"printer": [["nested"]]},
        {"colour": "red"},
    ):
        with pytest.raises(vol.Invalid) as refused:
            await get_prints(hass, **fields)
        assert any(name in str(refused.value) for name in fields)


async def test_printer_that_comes_meanwhile(hass: HomeAssistant, printers: dict[str, str], post: Post) -> None:
    """A printer that is first heard of while the prints of the others are read disturbs nobody."""
    answer = hass.async_create_task(get_prints(hass))
    await post(EventType=STARTED, PrinterId="printer-3", PrinterName="Another", PrintId="another")
    assert [known["print_id"] for known in await answer if known["print_id"] != "another"] == EVERYTHING


async def test_description(hass: HomeAssistant, loaded: MockConfigEntry) -> None:
    """The UI has a selector, a name and a description for every field, and takes what the action takes."""
    described = (await async_get_all_descriptions(hass))[DOMAIN]
    assert set(described) == set(WORDS["services"]) == {GET_PRINTS}
    assert described[GET_PRINTS]["response"] == {"optional": False}
    fields = described[GET_PRINTS]["fields"]
    words = WORDS["services"][GET_PRINTS]["fields"]
    assert set(fields) == set(words) == {str(marker) for marker in GET_PRINTS_SCHEMA.schema}
    assert all(fields[name]["selector"] and words[name]["name"] and words[name]["description"] for name in fields)
    select = fields["outcome"]["selector"]["select"]
    assert sorted(select["options"]) == sorted(Outcome)
    assert set(WORDS["selector"][select["translation_key"]]["options"]) == set(Outcome)
    limits = fields["limit"]["selector"]["number"]
    assert (limits["min"], limits["max"]) == (1, MAX_PRINTS)
    assert GET_PRINTS_SCHEMA({})["limit"] == fields["limit"]["default"]
    # Whoever copies the examples gets an answer.
    GET_PRINTS_SCHEMA({name: fields[name]["example"] for name in ("start", "end")})
    assert {name: set(icon) for name, icon in ICONS["services"].items()} == {GET_PRINTS: {"service"}}
