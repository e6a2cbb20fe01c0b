"""Tests of what starts an automation: the triggers, by what they are aimed at, and what templates see."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import CoreState, Event, HomeAssistant, ServiceCall
from homeassistant.helpers import area_registry as ar, device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import async_mock_service
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.octoeverywhere.const import DOMAIN

from .conftest import (
    FULL,
    FULL_DISK,
    NUMBERS,
    Disk,
    Post,
    Remove,
    device_of,
    hand_over,
    load,
    pass_time,
    records,
    reload,
    start,
    the_entry,
    unload,
    value,
)
from .targets import KINDS_OF_TARGETS, SECOND, Target, device_id_of, offered, target

SLUGS: Final = [slug for slug in NUMBERS if slug != "unknown"]
TRIGGERS: Final = {*SLUGS, "print_cancelled", "finishes_soon"}
EVENT: Final = "event.ender3_notification"
WHICH: Final = "{{ trigger.event.data.printer_name }} {{ trigger.event.data.type }}"


def trigger(slug: str, target: Target | None, **options: Any) -> dict[str, Any]:
    """Return a trigger as the automation editor writes it: one that was found by searching has no target yet."""
    config = {"trigger": f"{DOMAIN}.{slug}", "target": target, "options": options}
    return {key: value for key, value in config.items() if value or (key == "target" and value is not None)}


async def automate(hass: HomeAssistant, data: str, *triggers: dict[str, Any]) -> list[ServiceCall]:
    """Set up an automation for each trigger; return a list that fills with its number and the data, a template."""
    automations = [
        {
            "alias": f"Number {number}",
            "triggers": [trigger],
            "actions": [{"action": "test.hear", "data": {"number": number, "data": data}}],
        }
        for number, trigger in enumerate(triggers)
    ]
    calls: list[ServiceCall] = async_mock_service(hass, "test", "hear")
    assert await async_setup_component(hass, "automation", {"automation": automations})
    await hass.async_block_till_done()
    return calls


def heard(calls: list[ServiceCall]) -> list[tuple[int, Any]]:
    """Return which automations ran, with which data."""
    return [(call.data["number"], call.data["data"]) for call in calls]


@pytest.fixture
async def printers(hass: HomeAssistant, post: Post) -> None:
    """Have two printers at work."""
    await post(FULL)
    await post(FULL, **SECOND)


# What they are aimed at.


@pytest.mark.usefixtures("printers")
@pytest.mark.parametrize("kind", KINDS_OF_TARGETS)
async def test_offered(hass: HomeAssistant, hass_ws_client: WebSocketGenerator, kind: str) -> None:
    """The automation editor offers every trigger wherever a printer is in the target."""
    assert await async_setup_component(hass, "automation", {})
    websocket = await hass_ws_client(hass)
    names = await offered(websocket, "triggers", target(hass, kind, EVENT))
    assert names == (set() if kind == "other_entity" else TRIGGERS)


@pytest.mark.usefixtures("printers")
@pytest.mark.parametrize("kind", KINDS_OF_TARGETS)
async def test_targets(hass: HomeAssistant, post: Post, kind: str) -> None:
    """A trigger hears of the printers in its target alone."""
    first, second = target(hass, kind, EVENT), target(hass, kind, "event.voron_notification", "printer-2")
    both = {key: [first[key], second[key]] for key in first} if kind != "other_entity" else first
    triggers = (trigger("print_paused", aim) for aim in (first, second, both))
    calls = await automate(hass, "{{ trigger.event.data.printer_name }}", *triggers)
    for printer in ({}, SECOND):
        await post(FULL, **printer, EventType=NUMBERS["print_paused"])
    expected = [(0, "Ender3"), (1, "Voron"), (2, "Ender3")]
    assert sorted(heard(calls)) == expected + ([(2, "Voron")] if kind != "other_entity" else [])


@pytest.mark.usefixtures("printers")
async def test_target_that_changes(hass: HomeAssistant, post: Post) -> None:
    """A printer is in an area from when it is put there; its parts may be elsewhere, or be nowhere to be seen."""
    room = ar.async_get(hass).async_create("Workshop")
    calls = await automate(hass, WHICH, trigger("print_progress", {"area_id": room.id}))
    registry = er.async_get(hass)
    await post(FULL, Progress=30)
    registry.async_update_entity("image.ender3_snapshot", area_id=room.id)
    await post(FULL, Progress=31)
    assert heard(calls) == []
    dr.async_get(hass).async_update_device(device_id_of(hass), area_id=room.id)
    await post(FULL, Progress=32)
    assert heard(calls) == [(0, "Ender3 print_progress")]
    registry.async_update_entity(EVENT, hidden_by=er.RegistryEntryHider.USER)
    await post(FULL, Progress=33)
    assert len(calls) == 1
    registry.async_update_entity(EVENT, hidden_by=None, new_entity_id="event.renamed")
    await post(FULL, Progress=34)
    assert len(calls) == 2


NOTHING_NAMED: Final[tuple[Target | None, ...]] = (None, {}, {"device_id": []})
GONE: Final[tuple[Target, ...]] = ({"device_id": "gone"}, {"area_id": ["gone"]}, {"entity_id": "event.gone"})


@pytest.mark.parametrize("aim", [*NOTHING_NAMED, *GONE])
async def test_no_printer_is_named(
    hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory, aim: Target | None
) -> None:
    """Where nothing is named, every printer is meant, also one that comes later, and a test, which has no printer.

    Where what is named is no printer, nothing happens, and nothing breaks: neither by a test.
    """
    slugs = ("test", "print_started")
    triggers = (trigger(slug, aim) for slug in slugs)
    calls = await automate(hass, WHICH, *triggers, trigger("finishes_soon", aim, before=3600))
    for printer in ({}, SECOND):
        for slug in slugs:
            await post(FULL, **printer, EventType=NUMBERS[slug])
    await pass_time(hass, freezer, timedelta(seconds=6))
    each = list(enumerate((*slugs, "finishes_soon")))
    every = [(number, f"{name} {slug}") for number, slug in each for name in ("Ender3", "Voron")]
    assert sorted(heard(calls)) == (every if aim in NOTHING_NAMED else [])


# What they hear, and what templates see.


@pytest.mark.usefixtures("printers")
async def test_kinds(hass: HomeAssistant, post: Post, announced: list[Event]) -> None:
    """A trigger hears of its kind of notification alone, and templates see all that it says."""
    aim = {"device_id": device_id_of(hass)}
    seen = "{{ [trigger.platform, trigger.event.event_type, trigger.event.data] }}"
    calls = await automate(hass, seen, *(trigger(slug, aim) for slug in SLUGS))
    for number in NUMBERS.values():
        await post(FULL, EventType=number, Progress=30)
    said = {event.data["type"]: dict(event.data) for event in announced}
    assert heard(calls) == [
        (number, [f"{DOMAIN}.{slug}", f"{DOMAIN}_{slug}", said[slug]]) for number, slug in enumerate(SLUGS)
    ]
    assert all(said[slug]["event_type"] == NUMBERS[slug] for slug in SLUGS)
    assert said["error"]["device_id"] == aim["device_id"]


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ({"Error": "cancelled"}, "print_cancelled"),
        ({"Error": "error"}, "print_failed"),
        ({"PlatformErrorCode": "FAILED"}, "print_failed"),  # nobody can tell
    ],
)
@pytest.mark.usefixtures("printers")
async def test_failed_or_cancelled(hass: HomeAssistant, post: Post, says: dict[str, Any], expected: str) -> None:
    """A print that somebody cancelled has not failed; one of which that cannot be told has."""
    aim = {"device_id": device_id_of(hass)}
    slugs = ("print_failed", "print_cancelled")
    calls = await automate(hass, "{{ trigger.event.data.cancelled }}", *(trigger(slug, aim) for slug in slugs))
    await post(says, EventType=NUMBERS["print_failed"], PrintId="print-1")
    assert [slugs[number] for number, _ in heard(calls)] == [expected]


@pytest.mark.usefixtures("printers")
async def test_reload(hass: HomeAssistant, post: Post) -> None:
    """A trigger outlives its printer's entry, and repeats nothing then."""
    aim = {"device_id": device_id_of(hass)}
    calls = await automate(hass, "{{ trigger.event.data.progress }}", trigger("print_progress", aim))
    await post(FULL, Progress=30)
    await reload(hass)
    await post(FULL, Progress=40)
    assert heard(calls) == [(0, 30), (0, 40)]
    await hass.services.async_call("automation", "turn_off", {"entity_id": "automation.number_0"}, blocking=True)
    await post(FULL, Progress=50)
    assert len(calls) == 2


@pytest.mark.usefixtures("printers")
async def test_removed_device(hass: HomeAssistant, post: Post, remove: Remove) -> None:
    """When a printer is removed, its automation stays as it is, and goes on with the printer's next word."""
    device_id = device_id_of(hass)
    calls = await automate(hass, WHICH, trigger("print_started", {"device_id": device_id}))
    assert await remove(device_id)
    assert device_of(hass) is None
    assert value(hass, "automation.number_0") == "on"
    await post(EventType=1, **SECOND)
    await post(EventType=1)
    assert heard(calls) == [(0, "Ender3 print_started")]


@pytest.mark.usefixtures("printers")
@pytest.mark.parametrize(
    ("wrong", "is_valid"),
    [
        ({}, True),
        ({"trigger": f"{DOMAIN}.finishes_soon", "options": {"before": {"minutes": 10}}}, True),
        ({"trigger": f"{DOMAIN}.finishes_soon", "options": {"before": "00:10:00"}}, True),
        ({"trigger": f"{DOMAIN}.finishes_soon"}, False),
        ({"trigger": f"{DOMAIN}.finishes_soon", "options": {"before": -1}}, False),
        ({"trigger": f"{DOMAIN}.unknown"}, False),
        ({"trigger": f"{DOMAIN}.print_stopped"}, False),
        ({"target": {"printer": "Ender3"}}, False),
        ({"options": {"before": 5}}, False),
    ],
)
async def test_valid(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator, wrong: dict[str, Any], is_valid: bool
) -> None:
    """The automation editor refuses what no printer ever says, and takes a trigger to which no target was added."""
    websocket = await hass_ws_client(hass)
    for aim in ({"device_id": device_id_of(hass)}, None):
        config = trigger("error", aim) | wrong
        await websocket.send_json_auto_id({"type": "validate_config", "triggers": [config]})
        assert (await websocket.receive_json())["result"]["triggers"]["valid"] is is_valid


# A print finishes soon.

NOON: Final = datetime(2026, 11, 1, 12, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)


class Prints:
    """Prints that go on by the minute, and the automations that hear when they finish soon."""

    def __init__(self, hass: HomeAssistant, freezer: FrozenDateTimeFactory, post: Post) -> None:
        """Begin at minute 0."""
        self.hass = hass
        self.minute = 0
        self.calls: list[ServiceCall] = []
        self._freezer = freezer
        self._post = post
        freezer.move_to(NOON)

    async def automate(self, *befores: int, aims: Iterable[Target] = ()) -> None:
        """Make an automation for each of these minutes before the end, and each of these targets, or the first printer."""
        aims = list(aims) or [{"device_id": device_id_of(self.hass)}]
        triggers = (trigger("finishes_soon", aim, before={"minutes": before}) for before in befores for aim in aims)
        self.calls = await automate(self.hass, "{{ now().isoformat() }}", *triggers)

    async def say(self, slug: str, left: int | None, **keys: Any) -> None:
        """Have a printer say something; so many minutes remain."""
        seconds = None if left is None else left * 60
        body = {"PrintId": "1", "TimeRemainingSec": seconds, "DurationSec": self.minute * 60, **keys}
        await self._post(EventType=NUMBERS[slug], **body)

    async def until(self, minute: int) -> None:
        """Let minutes pass, one after the other."""
        for _ in range(self.minute, minute):
            await pass_time(self.hass, self._freezer, MINUTE)
        self.minute = max(minute, self.minute)

    async def leap(self, minute: int) -> None:
        """Let minutes pass in which Home Assistant is off."""
        self._freezer.tick(MINUTE * (minute - self.minute))
        self.minute = minute

    @property
    def told(self) -> list[tuple[int, int]]:
        """Return in which minute each automation ran, by its number."""
        return [((datetime.fromisoformat(at) - NOON) // MINUTE, number) for number, at in heard(self.calls)]


@pytest.fixture
def prints(hass: HomeAssistant, freezer: FrozenDateTimeFactory, post: Post) -> Prints:
    """Return prints that go on by the minute."""
    return Prints(hass, freezer, post)


# What is said when, with the minutes that remain; and in which minute is told that 10 of them remain.
STORIES: Final[dict[str, tuple[str, int | None]]] = {
    "by the estimate": ("0 print_started 60", 50),
    "longer than thought": ("0 print_started 60, 20 print_progress 60, 60 print_progress 25", 75),
    "shorter than thought": ("0 print_started 60, 20 print_progress 15", 25),
    "soon all at once": ("0 print_started 60, 20 print_progress 5", 21),
    "told once, however the estimate moves": ("0 print_started 60, 51 print_progress 40, 60 print_progress 31", 50),
    "paused": ("0 print_started 60, 40 print_paused 20, 100 print_resumed 20", 110),
    "paused after": ("0 print_started 60, 55 print_paused 5, 90 print_resumed 5", 50),
    "paused for good": ("0 print_started 60, 40 print_paused 20", None),
    "over before": ("0 print_started 60, 40 print_complete 0", None),
    "stopped before": ("0 print_started 60, 40 error 20", None),
    "goes on": ("0 print_started 60, 40 error 20, 60 print_resumed 20", 70),
    "shorter than that": ("0 print_started 5", 1),
    "known later": ("0 print_started, 20 print_progress 30", 40),
    "never known": ("0 print_started", None),
    "something else said": ("0 print_started 60, 30 gadget_warning", 50),
}


@pytest.mark.parametrize(("story", "told"), STORIES.values(), ids=STORIES)
async def test_finishes_soon(prints: Prints, story: str, told: int | None) -> None:
    """It is told once in a print, as soon as only so much is left of a print that goes on."""
    await prints.say("test", None)
    await prints.say("print_progress", None, PrintId="0")
    await prints.automate(10)
    for line in story.split(", "):
        minute, slug, *left = line.split(" ")
        await prints.until(int(minute))
        await prints.say(slug, int(left[0]) if left else None)
    await prints.until(150)
    assert prints.told == ([] if told is None else [(told, 0)])


async def test_each_for_itself(prints: Prints) -> None:
    """Each automation is told at its own time, however long that is before, and two that want the same are told both."""
    await prints.say("print_progress", None, PrintId="0")
    await prints.automate(10, 30, 0, 10, 10**9)
    await prints.say("print_started", 60)
    await prints.until(90)
    assert sorted(prints.told) == [(1, 4), (30, 1), (50, 0), (50, 3), (60, 2)]


async def test_next_print(prints: Prints) -> None:
    """Each print is told of, and each printer's."""
    await prints.say("print_started", 60)
    await prints.say("print_started", 60, **SECOND)
    await prints.automate(10, aims=[{"device_id": device_id_of(prints.hass, f"printer-{number}")} for number in (1, 2)])
    await prints.until(20)
    await prints.say("print_progress", 20, **SECOND)
    await prints.until(60)
    assert prints.told == [(30, 1), (50, 0)]
    await prints.say("print_complete", 0)
    await prints.say("print_started", 60, PrintId="2", DurationSec=0)
    await prints.until(120)
    assert prints.told[2:] == [(110, 0)]
    # The same file once more, under the same id.
    await prints.say("print_complete", 0, PrintId="2", DurationSec=3600)
    await prints.until(121)
    await prints.say("print_started", 60, PrintId="2", DurationSec=3660)
    await prints.until(200)
    assert prints.told[3:] == [(171, 0)]


async def test_silence(prints: Prints) -> None:
    """A print of which nothing more is heard is not told of, until it is heard of again."""
    await prints.say("print_started", 60)
    await prints.leap(180)
    await prints.automate(30)
    await prints.until(190)
    assert prints.told == []
    await prints.say("print_progress", 40)
    await prints.until(230)
    assert prints.told == [(200, 0)]


async def test_new_automation(prints: Prints) -> None:
    """An automation that is made or switched on in mid-print is in time, and says at once what is so already."""
    await prints.say("print_started", 60)
    await prints.until(45)
    await prints.automate(30, 10)
    await _turn(prints, "off")
    await prints.until(48)
    await _turn(prints, "on")
    await prints.until(90)
    assert prints.told == [(49, 0), (50, 1)]


async def _turn(prints: Prints, on_or_off: str) -> None:
    """Switch the automations on or off."""
    await prints.hass.services.async_call("automation", f"turn_{on_or_off}", {"entity_id": "all"}, blocking=True)
    await prints.hass.async_block_till_done()


@pytest.mark.parametrize(
    ("off", "on", "expected"),
    [
        pytest.param(20, 29, [(50, 0), (50, 1), (30, 2), (30, 3)], id="before"),
        pytest.param(40, 55, [(56, 0), (56, 1), (30, 2), (30, 3)], id="in the moment"),
        pytest.param(52, 55, [(50, 0), (50, 1), (30, 2), (30, 3)], id="after"),
        pytest.param(40, 240, [(30, 2), (30, 3)], id="when the print is long over"),
    ],
)
async def test_restart(hass: HomeAssistant, prints: Prints, off: int, on: int, expected: list[tuple[int, int]]) -> None:
    """What became due while Home Assistant was off is told to all once it has started; nothing is told twice."""
    await prints.say("print_started", 60)
    await prints.automate(10, 30, aims=({"device_id": device_id_of(hass)}, {"entity_id": EVENT}))
    await prints.until(off)
    await _turn(prints, "off")
    await unload(hass)
    await prints.leap(on)
    hass.set_state(CoreState.starting)
    await load(hass)
    await _turn(prints, "on")
    before = len(prints.calls)
    await prints.until(on)
    await start(hass)
    assert len(prints.calls) == before
    await prints.until(on + 60)
    assert sorted(prints.told) == sorted(expected)


async def test_reload_of_the_entry(hass: HomeAssistant, prints: Prints) -> None:
    """Automations go on to hear it once the entry has been loaded again; until then nothing is told."""
    await prints.say("print_started", 60)
    await prints.automate(10)
    await unload(hass)
    await _turn(prints, "off")
    await _turn(prints, "on")
    await prints.until(55)
    assert prints.told == []
    await load(hass)
    await prints.until(70)
    assert prints.told == [(56, 0)]
    await reload(hass)
    await prints.until(80)
    assert len(prints.told) == 1


async def test_reload_while_something_is_saved(hass: HomeAssistant, prints: Prints, disk: Disk) -> None:
    """What is shown while the entry is unloaded is no reason to tell it twice."""
    await prints.say("print_started", 60)
    await prints.automate(10)
    disk.hold()
    body = FULL | {"PrintId": "1", "TimeRemainingSec": 40 * 60}
    said = hass.async_create_task(hand_over(hass, body))
    await asyncio.to_thread(disk.writing.wait)
    reloaded = hass.async_create_task(hass.config_entries.async_reload(the_entry(hass).entry_id))
    disk.release()
    assert (await said, await reloaded) == ((200, ""), True)
    await prints.until(60)
    assert prints.told == [(30, 0)]


@pytest.mark.parametrize("is_full", [False, True])
async def test_saved_before_it_is_told(hass: HomeAssistant, prints: Prints, disk: Disk, is_full: bool) -> None:
    """A power cut right after it was told cannot have it told again; where the disk does not take it, it is told all the same."""
    await prints.say("print_started", 60)
    await prints.automate(10)
    await prints.until(49)
    assert records(hass)["printer-1"]["job"]["soon"] == []
    disk.error = FULL_DISK if is_full else None
    await prints.until(50)
    assert prints.told == [(50, 0)]
    assert records(hass)["printer-1"]["job"]["soon"] == ([] if is_full else [600])
    await prints.until(90)
    assert len(prints.told) == 1


async def test_area_of_a_printer_to_come(hass: HomeAssistant, prints: Prints) -> None:
    """A printer that joins the area is told of."""
    await prints.say("print_started", 60)
    room = ar.async_get(hass).async_create("Workshop")
    await prints.automate(10, aims=({"area_id": room.id},))
    await prints.until(20)
    dr.async_get(hass).async_update_device(device_id_of(hass), area_id=room.id)
    await prints.until(60)
    assert prints.told == [(50, 0)]


async def test_what_a_template_sees_of_a_print_that_finishes_soon(
    hass: HomeAssistant, prints: Prints, announced: list[Event]
) -> None:
    """Templates see what they see with every other trigger, as it is then."""
    await prints.say("print_started", 60, FileName="Boat.gcode", Progress=0)
    await prints.until(30)
    await prints.say("print_progress", 30, FileName="Boat.gcode", Progress=50)
    device_id = device_id_of(hass)
    calls = await automate(
        hass, "{{ trigger.event.data }}", trigger("finishes_soon", {"device_id": device_id}, before={"minutes": 10})
    )
    await prints.until(50)
    ((_, data),) = heard(calls)
    assert data.keys() == announced[-1].data.keys()
    assert {key: found for key, found in data.items() if found not in (None, {})} == {
        "device_id": device_id,
        "printer_id": "printer-1",
        "printer_name": "Ender3",
        "print_id": "1",
        "type": "finishes_soon",
        "file_name": "Boat.gcode",
        "progress": 50,
        "duration": 1800,
        "time_remaining": 600,
        "estimated_finish": "2026-11-01T13:00:00+00:00",
    }
