"""Tests of the action that tells what was printed."""

from datetime import UTC, datetime, timedelta
import json
from typing import Any, cast
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.service import async_get_all_descriptions
from homeassistant.util.json import json_loads_object
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.octoeverywhere.const import DOMAIN
from custom_components.octoeverywhere.history import MAX_PRINTS, History, Outcome, Print
from custom_components.octoeverywhere.services import GET_PRINTS, GET_PRINTS_SCHEMA
from custom_components.octoeverywhere.store import HistoryStore

from .conftest import FULL, WORDS, Post, device_of
from .test_translations import INTEGRATION

# A day on which it is ten o'clock in Berlin.
NOW = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
async def _berlin(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Live where the local time is not UTC."""
    freezer.move_to(NOW)
    await hass.config.async_set_time_zone("Europe/Berlin")


def past(print_id: str, ago: timedelta, outcome: Outcome) -> Print:
    """Return a print that began so long ago and took an hour."""
    return Print(print_id=print_id, outcome=outcome, started_at=NOW - ago, ended_at=NOW - ago + HOUR)


@pytest.fixture
async def printers(hass: HomeAssistant, post: Post) -> dict[str, str]:
    """Make two printers, each with a past and one of them at work; return the ids of their devices."""
    store = HistoryStore(hass)
    await post(EventType=1, PrintId="now", DurationSec=0, TimeRemainingSec=3600)
    await post(EventType=4, PrinterId="printer-2", PrinterName="Voron")
    await store.async_save(
        "printer-1",
        History(
            prints=(
                past("year", 365 * DAY, Outcome.COMPLETE),
                past("week", 7 * DAY, Outcome.FAILED),
                past("day", DAY, Outcome.COMPLETE),
            )
        ),
    )
    await store.async_save("printer-2", History(prints=(past("silent", 3 * DAY, Outcome.SILENT),)))
    devices = {"Ender3": device_of(hass, "printer-1"), "Voron": device_of(hass, "printer-2")}
    return {name: device.id for name, device in devices.items() if device}


async def get_prints(hass: HomeAssistant, **fields: Any) -> list[dict[str, Any]]:
    """Return what the action answers, as a client gets it."""
    response = await hass.services.async_call(DOMAIN, GET_PRINTS, fields, blocking=True, return_response=True)
    return cast("list[dict[str, Any]]", json_loads_object(json.dumps(response))["prints"])


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        pytest.param({}, ["now", "day", "silent", "week", "year"], id="everything, the newest first"),
        pytest.param({"printer": "Ender3"}, ["now", "day", "week", "year"], id="one printer"),
        pytest.param({"printer": ["Voron"]}, ["silent"], id="the other one"),
        pytest.param({"printer": ["Voron", "Ender3"]}, ["now", "day", "silent", "week", "year"], id="both printers"),
        pytest.param({"period": {"days": 7}}, ["now", "day", "silent", "week"], id="a period"),
        pytest.param({"period": "23:00:01"}, ["now", "day"], id="a period with a print that ended in it"),
        pytest.param({"period": "23:00:00"}, ["now"], id="a period that begins when a print ends"),
        pytest.param({"period": 1}, ["now"], id="a second"),
        pytest.param({"period": 0}, ["now"], id="no time at all"),
        pytest.param({"period": {"days": 2}, "end": "2026-03-12 00:00:00"}, ["silent"], id="a period before an end"),
        pytest.param(
            {"period": {"days": 2}, "end": "2027-01-01"}, ["now", "day"], id="counts from now, not the future"
        ),
        pytest.param({"start": "2026-03-13 10:59:59"}, ["now", "day"], id="a start in local time"),
        pytest.param({"start": "2026-03-13 11:00:00"}, ["now"], id="a start when a print ends"),
        pytest.param({"start": "2026-03-13 09:59:59+00:00"}, ["now", "day"], id="a start in UTC"),
        pytest.param({"start": "2026-03-14 11:00:00"}, [], id="a start when the print under way will end"),
        pytest.param({"start": "2026-03-14 10:59:59"}, ["now"], id="a start before that"),
        pytest.param({"end": "2026-03-13 10:00:00"}, ["silent", "week", "year"], id="an end when a print begins"),
        pytest.param({"end": "2026-03-13 10:00:01"}, ["day", "silent", "week", "year"], id="an end after that"),
        pytest.param({"start": "2026-03-01", "end": "2026-04-01"}, ["now", "day", "silent", "week"], id="a month"),
        pytest.param({"start": "2026-03-12", "end": "2026-03-13"}, [], id="a day without a print"),
        pytest.param({"outcome": "complete"}, ["day", "year"], id="an outcome"),
        pytest.param({"outcome": ["failed", "silent"]}, ["silent", "week"], id="outcomes"),
        pytest.param({"outcome": ["under_way"]}, ["now"], id="under way"),
        pytest.param({"limit": 2}, ["now", "day"], id="at most"),
        pytest.param({"limit": 2.0, "outcome": "complete"}, ["day", "year"], id="at most, of what was asked for"),
        pytest.param({"limit": MAX_PRINTS}, ["now", "day", "silent", "week", "year"], id="as many as there can be"),
    ],
)
async def test_fields(hass: HomeAssistant, printers: dict[str, str], fields: dict[str, Any], found: list[str]) -> None:
    """The action answers with the prints that were asked for."""
    if isinstance(names := fields.get("printer"), list):
        fields = fields | {"printer": [printers[name] for name in names]}
    elif names:
        fields = fields | {"printer": printers[names]}
    assert [known["print_id"] for known in await get_prints(hass, **fields)] == found


@pytest.mark.parametrize("field", ["printer", "outcome"])
async def test_nothing_chosen(hass: HomeAssistant, printers: dict[str, str], field: str) -> None:
    """A field in which nothing is chosen means all, as its description says."""
    assert "if you choose none" in WORDS["services"][GET_PRINTS]["fields"][field]["description"]
    assert len(await get_prints(hass, **{field: []})) == 5


async def test_printer_named_twice(hass: HomeAssistant, printers: dict[str, str]) -> None:
    """A printer that is named twice is one printer."""
    assert len(await get_prints(hass, printer=[printers["Voron"]] * 2)) == 1


@pytest.mark.parametrize(
    ("fields", "found"),
    [({"period": {"days": 800_000}}, 5), ({"start": "0001-01-01 00:00:00"}, 5), ({"end": "0001-01-01 00:00:00"}, 0)],
)
async def test_moment_that_cannot_be(
    hass: HomeAssistant, printers: dict[str, str], fields: dict[str, Any], found: int
) -> None:
    """However far somebody looks back, there are the prints that there are."""
    try:
        assert len(await get_prints(hass, **fields)) == found
    except ServiceValidationError as err:
        assert (found, err.translation_key) == (0, "no_period")  # noqa: PT017 - either answer will do


async def test_response(hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory) -> None:
    """A print is told with everything that is known of it, and null for what is not."""
    await post(FULL, EventType=3, DurationSec=50)
    await post(EventType=1, PrintId="print-2", PrinterId="printer-2", PrinterName=None, DurationSec=60)
    devices = [device_of(hass, printer_id) for printer_id in ("printer-1", "printer-2")]
    failed = {
        "printer": "Ender3",
        "device_id": devices[0] and devices[0].id,
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
        "device_id": devices[1] and devices[1].id,
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
        await post(EventType=4, PrinterId=f"printer-{number}", PrinterName=f"Printer {number}")
        prints = [
            past(f"{number}-{day}", day * DAY + number * HOUR, Outcome.COMPLETE) for day in range(MAX_PRINTS, 0, -1)
        ]
        await HistoryStore(hass).async_save(f"printer-{number}", History(prints=tuple(prints)))
    found = [known["print_id"] for known in await get_prints(hass)]
    assert found == [f"{number}-{day}" for day in range(1, 51) for number in (1, 2)]
    assert len(await get_prints(hass, limit=MAX_PRINTS)) == MAX_PRINTS


async def test_nothing_to_tell(hass: HomeAssistant, post: Post) -> None:
    """Without a printer, or without a print, the answer is empty."""
    assert await get_prints(hass) == []
    await post(EventType=4)
    assert await get_prints(hass) == []


def message(err: ServiceValidationError) -> str:
    """Return what Home Assistant shows, which must be what the translations say."""
    assert err.translation_domain == DOMAIN
    assert err.translation_key is not None
    said: str = WORDS["exceptions"][err.translation_key]["message"].format(**(err.translation_placeholders or {}))
    return said


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"printer": "nobody"}, "The device nobody is not one of OctoEverywhere's printers."),
        ({"start": "2026-03-14", "end": "2026-03-13"}, "The period ends before it begins."),
        ({"start": "2026-03-14", "end": "2026-03-14"}, "The period ends before it begins."),
    ],
)
async def test_refused(hass: HomeAssistant, printers: dict[str, str], fields: dict[str, Any], said: str) -> None:
    """What makes no sense is refused in words that can be translated."""
    with pytest.raises(ServiceValidationError) as refused:
        await get_prints(hass, **fields)
    assert message(refused.value) == said


async def test_refused_in_german(hass: HomeAssistant, printers: dict[str, str]) -> None:
    """The words are in every language."""
    with pytest.raises(ServiceValidationError) as refused:
        await get_prints(hass, printer="niemand")
    german = json.loads((INTEGRATION / "translations" / "de.json").read_text("utf-8"))["exceptions"]
    said = german[refused.value.translation_key]["message"].format(**(refused.value.translation_placeholders or {}))
    assert "niemand" in said
    assert said != message(refused.value)


async def test_device_of_another_printer(
    hass: HomeAssistant, printers: dict[str, str], loaded: MockConfigEntry
) -> None:
    """One device that is no printer refuses all; so does a printer that was removed."""
    await loaded.runtime_data.async_forget("printer-2")
    await hass.async_block_till_done()
    bridge = dr.async_get(hass).async_get_or_create(
        config_entry_id=loaded.entry_id, identifiers={("somebody_else", "1")}, name="Bridge"
    )
    for devices, name in (
        ([printers["Ender3"], "nobody"], "nobody"),
        ([printers["Voron"]], printers["Voron"]),
        ([bridge.id], "Bridge"),
    ):
        with pytest.raises(ServiceValidationError) as refused:
            await get_prints(hass, printer=devices)
        assert message(refused.value) == f"The device {name} is not one of OctoEverywhere's printers."
    assert len(await get_prints(hass)) == 4


async def test_not_loaded(hass: HomeAssistant, printers: dict[str, str], loaded: MockConfigEntry) -> None:
    """The action stays while the integration is not loaded, and says so."""
    assert await hass.config_entries.async_unload(loaded.entry_id)
    with pytest.raises(ServiceValidationError) as refused:
        await get_prints(hass)
    assert message(refused.value) == "OctoEverywhere is not set up, or not loaded at the moment."
    assert await hass.config_entries.async_setup(loaded.entry_id)
    assert len(await get_prints(hass)) == 5


@pytest.mark.parametrize(
    "fields",
    [
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
    ],
)
async def test_invalid(hass: HomeAssistant, printers: dict[str, str], fields: dict[str, Any]) -> None:
    """What no field takes is refused by Home Assistant, and names the field."""
    with pytest.raises(vol.Invalid) as refused:
        await get_prints(hass, **fields)
    assert any(name in str(refused.value) for name in fields)


async def test_printer_that_comes_meanwhile(hass: HomeAssistant, printers: dict[str, str], post: Post) -> None:
    """A printer that is first heard of while the prints of the others are read disturbs nobody."""
    load = HistoryStore.async_load

    async def load_slowly(store: HistoryStore, printer_id: str) -> History | None:
        await post(EventType=1, PrinterId=f"{printer_id} too", PrinterName="Another")
        return await load(store, printer_id)

    with patch.object(HistoryStore, "async_load", load_slowly):
        assert len(await get_prints(hass)) == 5


async def test_two_starts(hass: HomeAssistant, printers: dict[str, str]) -> None:
    """A period and a start at once are one too many."""
    with pytest.raises(ServiceValidationError) as refused:
        await get_prints(hass, period={"days": 7}, start="2026-03-01")
    assert message(refused.value) == "Give either a period or a start, not both."


async def test_description(hass: HomeAssistant, loaded: MockConfigEntry) -> None:
    """The UI has a selector, a name and a description for every field, and takes what the action takes."""
    described = (await async_get_all_descriptions(hass))[DOMAIN]
    assert set(described) == set(WORDS["services"]) == {GET_PRINTS}
    assert described[GET_PRINTS]["response"] == {"optional": False}
    fields = described[GET_PRINTS]["fields"]
    words = WORDS["services"][GET_PRINTS]
    assert words["name"]
    assert words["description"]
    assert set(fields) == set(words["fields"]) == {str(marker) for marker in GET_PRINTS_SCHEMA.schema}
    for name, field in fields.items():
        assert field["selector"]
        assert words["fields"][name]["name"]
        assert words["fields"][name]["description"]
    select = fields["outcome"]["selector"]["select"]
    assert select["options"] == [outcome.value for outcome in Outcome]
    assert set(WORDS["selector"][select["translation_key"]]["options"]) == set(Outcome)
    limits = fields["limit"]["selector"]["number"]
    assert (limits["min"], limits["max"]) == (1, MAX_PRINTS)
    assert GET_PRINTS_SCHEMA({})["limit"] == fields["limit"]["default"]
    # Whoever copies the examples gets an answer.
    GET_PRINTS_SCHEMA({name: fields[name]["example"] for name in ("start", "end")})
    icons = json.loads((INTEGRATION / "icons.json").read_text("utf-8"))["services"]
    assert {name: set(icon) for name, icon in icons.items()} == {GET_PRINTS: {"service"}}
