"""Tests of the blueprints, each as a user has it: loaded from its file, driven by POSTs of whole prints."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
import json
import logging
from pathlib import Path
import re
from typing import Any, Final
from zoneinfo import ZoneInfo

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.automation.config import AUTOMATION_BLUEPRINT_SCHEMA
from homeassistant.components.blueprint.models import Blueprint
from homeassistant.components.trace.util import async_get_trace, async_list_traces
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, HomeAssistant, ServiceCall
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.template import Template
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict
from hypothesis import example, given, settings, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from custom_components.octoeverywhere.payload import Notification
from custom_components.octoeverywhere.state import PrinterState, Status, reduce

from .conftest import FULL, NUMBERS, WORDS, Post, device_of, value
from .kinds import KEEPS, KINDS, Kind
from .replay import START, Arrival, arrivals

FOLDER: Final = Path(__file__).parent.parent / "blueprints" / "automation" / "octoeverywhere"
NAMES: Final = ("tell_me", "cut_power", "something_wrong", "finished_soon", "say_it")
SOURCE: Final = "https://github.com/ha-octoeverywhere/ha-octoeverywhere/blob/main/blueprints/automation/octoeverywhere"
MINUTE: Final = timedelta(minutes=1)
ODD_NAMES: Final = ("123", "007", "[1, 2]", "{'a': 1}", "{{ 1 / 0 }}", "{% if %}", "<b>Ä</b> & 'x' \"y\"", "None", "0")
"""What a name or a file may be called, to the annoyance of templates."""

type Call = tuple[str, dict[str, Any]]


class Home:
    """A home with automations, in which time passes and every action is noted."""

    def __init__(self, hass: HomeAssistant, freezer: FrozenDateTimeFactory, send: Post, entry: MockConfigEntry) -> None:
        """Begin without automations."""
        self.hass = hass
        self.calls: list[Call] = []
        self.excused = "nothing"
        """What may go wrong."""
        self._freezer = freezer
        self._send = send
        self._entry = entry

    def note(self, *actions: str) -> None:
        """Note what these actions are called with, instead of running them."""

        async def note(call: ServiceCall) -> None:
            self.calls.append((f"{call.domain}.{call.service}", dict(call.data)))

        for action in actions:
            domain, service = action.split(".")
            self.hass.services.async_register(domain, service, note)

    def called(self, action: str) -> list[dict[str, Any]]:
        """Return what an action was called with."""
        return [data for called, data in self.calls if called == action]

    async def automate(self, name: str, **inputs: Any) -> None:
        """Make an automation of a blueprint, as the UI writes it."""
        await self._automate([{"id": "it", "alias": "It", "use_blueprint": {"path": _path(name), "input": inputs}}])

    async def _automate(self, automations: list[dict[str, Any]]) -> None:
        self._automations = automations
        _write(self.hass.config.path("configuration.yaml"), {"automation": automations})
        await self.hass.services.async_call("automation", "reload", blocking=True)
        await settle()
        assert all(value(self.hass, "automation.it") == "on" for _ in automations)

    async def run(self) -> None:
        """Select "Run actions" in the UI."""
        action = self.hass.services.async_call("automation", "trigger", {"entity_id": "automation.it"}, blocking=True)
        running = asyncio.create_task(action)
        while not running.done():
            await asyncio.sleep(0)
            self._freezer.tick(1)
            async_fire_time_changed(self.hass, self.now)
        await running

    async def at(self, moment: datetime) -> None:
        """Let it be a moment, at which the clock strikes."""
        self._freezer.move_to(moment)
        async_fire_time_changed(self.hass, moment)
        await settle()

    async def post(self, body: dict[str, Any] | None = None, /, **keys: Any) -> None:
        """Post a notification."""
        response = await self._send(body, **keys)
        assert response.status == 200
        await settle()

    async def play(self, prints: Iterable[Arrival], *, step: timedelta = timedelta(minutes=10)) -> None:
        """Post notifications when they are due; in between, the clock strikes each step."""
        for arrival in prints:
            await self.wait(arrival.at, step=step)
            await self.post(arrival.body)

    async def wait(self, until: datetime, *, step: timedelta = timedelta(minutes=10)) -> None:
        """Let time pass; the clock strikes each step, at full minutes."""
        moment = self.now.replace(second=0, microsecond=0) + step
        while moment <= until:
            await self.at(moment)
            moment += step
        self._freezer.move_to(until)

    @property
    def now(self) -> datetime:
        """Return what time it is."""
        return datetime.now(ZoneInfo("UTC"))

    async def stop(self) -> None:
        """Stop Home Assistant, as far as this is about automations and the integration."""
        automations, self._automations = self._automations, []
        await self._automate([])
        self._automations = automations
        assert await self.hass.config_entries.async_unload(self._entry.entry_id)
        for entity_id in self.hass.states.async_entity_ids("scene"):
            if "octoeverywhere" in entity_id:
                await self.hass.services.async_call("scene", "delete", {"entity_id": entity_id}, blocking=True)

    async def start(self, *early: dict[str, Any]) -> None:
        """Start Home Assistant again; what is early arrives before it has started."""
        self.hass.set_state(CoreState.starting)
        assert await self.hass.config_entries.async_setup(self._entry.entry_id)
        for body in early:
            await self.post(body)
        await self._automate(self._automations)
        self.hass.set_state(CoreState.running)
        self.hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
        await settle()

    async def restart(self) -> None:
        """Restart Home Assistant."""
        await self.stop()
        await self.start()


async def settle() -> None:
    """Let everything happen that is about to; not what an automation waits for, as Home Assistant's own function would."""
    for _ in range(50):
        await asyncio.sleep(0)


def _write(path: str, content: dict[str, Any]) -> None:
    """Write what Home Assistant reads as YAML."""
    Path(path).write_text(json.dumps(content), "utf-8")


def _path(name: str) -> str:
    return f"octoeverywhere/{name}.yaml"


async def _errors(hass: HomeAssistant) -> list[str]:
    """Return what went wrong in the runs that Home Assistant keeps of each automation."""
    runs = await async_list_traces(hass, "automation", "automation.it")
    traces: list[Any] = [await async_get_trace(hass, "automation.it", run["run_id"]) for run in runs]
    steps = [step for trace in traces for path in trace["trace"].values() for step in path]
    return [item["error"] for item in [*traces, *steps] if item.get("error")]


@pytest.fixture
async def home(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    entry: MockConfigEntry,
    send: Post,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> AsyncGenerator[Home]:
    """Return a home with the blueprints; nothing that happens in it may be worth a warning."""
    hass.config.config_dir = str(tmp_path)
    (tmp_path / "blueprints" / "automation").mkdir(parents=True)
    (tmp_path / "blueprints" / "automation" / "octoeverywhere").symlink_to(FOLDER)
    freezer.move_to(START)
    await hass.config.async_set_time_zone("UTC")
    assert await async_setup_component(hass, "homeassistant", {})
    assert await async_setup_component(hass, "automation", {})
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    home = Home(hass, freezer, send, entry)
    home.note("persistent_notification.create", "persistent_notification.dismiss")
    yield home
    errors = await _errors(hass)
    await home.stop()
    assert not [error for error in errors if home.excused not in error]
    # The others know nothing of time that stands still, or of integrations that are not Home Assistant's own.
    worries = [
        record
        for record in caplog.records
        if record.levelno >= logging.WARNING and home.excused not in record.getMessage()
    ]
    assert not [worry for worry in worries if worry.name not in ("aiohttp.access", "asyncio", "homeassistant.loader")]


def blueprint(name: str) -> dict[str, Any]:
    """Return what a file says."""
    return dict(load_yaml_dict(str(FOLDER / f"{name}.yaml")))


def inputs_of(name: str) -> dict[str, Any]:
    """Return the inputs of a blueprint, those in sections as well."""
    inputs: dict[str, Any] = blueprint(name)["blueprint"]["input"]
    return {key: field for outer, part in inputs.items() for key, field in (part.get("input") or {outer: part}).items()}


def test_all() -> None:
    """No blueprint is left out here."""
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_file(name: str) -> None:
    """Home Assistant takes the file, knows where it is from, and needs nothing of its owner."""
    loaded = Blueprint(
        blueprint(name), expected_domain="automation", path=_path(name), schema=AUTOMATION_BLUEPRINT_SCHEMA
    )
    assert loaded.validate() is None
    assert loaded.metadata["source_url"] == f"{SOURCE}/{name}.yaml"
    assert all("default" in field and field["name"] for field in inputs_of(name).values())


# What can be chosen: what one may be told of, what one hears at home, what needs somebody.
OFFERED: Final[dict[str, Callable[[Kind], bool]]] = {
    "tell_me": lambda _: True,
    "say_it": lambda kind: kind.is_about_a_printer,
    "something_wrong": lambda kind: kind.attention not in (KEEPS, "none"),
}


@pytest.mark.parametrize("name", OFFERED)
def test_kinds(name: str) -> None:
    """Every kind that may be wanted can be chosen, is called as everywhere else, and has its words."""
    inputs = inputs_of(name)
    options = {option["value"]: option["label"] for option in inputs["kinds"]["selector"]["select"]["options"]}
    names = WORDS["entity"]["event"]["notification"]["state_attributes"]["event_type"]["state"]
    assert options == {
        f"octoeverywhere_{slug}": names[slug]
        for slug, kind in KINDS.items()
        if slug != "unknown" and OFFERED[name](kind)
    }
    assert set(inputs["kinds"]["default"]) <= set(options)
    if "words" in inputs:
        assert {kind.removeprefix("octoeverywhere_") for kind in options} <= set(inputs["words"]["default"])


DOES_SOMETHING: Final = {
    "tell_me": {"troubled", "two_printers", "error_while_idle", "free_account", "sparse"},
    "cut_power": {"troubled", "error_while_idle", "sparse"},
    "something_wrong": {"troubled", "error_while_idle", "sparse"},
    "finished_soon": {"troubled", "two_printers", "error_while_idle", "free_account"},
    "say_it": {"troubled", "two_printers", "error_while_idle", "sparse"},
}
"""In which prints each blueprint has something to do."""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("print_", ["troubled", "two_printers", "error_while_idle", "free_account", "sparse"])
async def test_saved_at_once(home: Home, name: str, print_: str) -> None:
    """Nothing has to be chosen, and nothing goes wrong then, whatever happens to the print."""
    home.note("assist_satellite.announce")
    home.hass.states.async_set("assist_satellite.kitchen", "idle", {"supported_features": 3})
    home.hass.states.async_set("assist_satellite.mute", "idle", {"supported_features": 2})
    await home.automate(name)
    prints = arrivals(print_)
    await home.play(prints)
    await home.wait(prints[-1].at + timedelta(hours=5))
    assert bool(home.calls) == (print_ in DOES_SOMETHING[name])


@pytest.mark.parametrize("name", NAMES)
async def test_run_by_hand(home: Home, name: str) -> None:
    """Whoever selects "Run actions" sees what it does, without a printer or with one."""
    home.note("assist_satellite.announce")
    home.hass.states.async_set("assist_satellite.kitchen", "idle", {"supported_features": 3})
    await home.automate(name)
    await home.run()
    await home.post(FULL)
    await home.run()
    assert bool(home.calls) == (name != "cut_power")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("odd", ODD_NAMES)
async def test_odd_names(home: Home, name: str, odd: str) -> None:
    """A printer, a file and an error may be called whatever they like: that stays text."""
    home.note("assist_satellite.announce")
    home.hass.states.async_set("assist_satellite.kitchen", "idle", {"supported_features": 1})
    await home.automate(name, **({"fallback": 5} if name == "cut_power" else {}))
    for slug in ("print_started", "gadget_warning", "error", "print_progress", "print_complete"):
        keys: dict[str, Any] = {"Progress": None, "DurationSec": None, "CurrentLayer": None, "TotalLayers": None}
        await home.post(FULL | keys, PrinterName=odd, FileName=odd, Error=odd, EventType=NUMBERS[slug])
        await home.at(home.now + MINUTE)
    await home.wait(home.now + 10 * MINUTE, step=MINUTE)
    assert home.calls
    texts = [text for _, data in home.calls for key, text in data.items() if key in ("title", "message")]
    assert all(isinstance(text, str) for text in texts)
    shown = odd.replace("<", "\u2039").replace(">", "\u203a")
    assert name == "cut_power" or any(odd in text or shown in text for text in texts)


@pytest.mark.parametrize(
    ("name", "slug"), [("tell_me", "error"), ("something_wrong", "error"), ("finished_soon", "print_progress")]
)
async def test_markdown(home: Home, name: str, slug: str) -> None:
    """What others wrote is shown as it is where Home Assistant shows Markdown: no picture is loaded, no link made of it."""
    odd = r"![a](https://b/c.png) [d](e) **f** `g` _h_ <i> # \*j"
    await home.automate(name)
    await home.post(FULL, FileName=odd, Error=odd, EventType=NUMBERS[slug])
    await home.at(home.now + MINUTE)
    (message,) = [data["message"] for data in home.called("persistent_notification.create")]
    marks = re.findall(r"(?<!\\)(?:\\\\)*([][()!*_`<>#])", message)
    assert marks == []
    assert re.sub(r"\\(\W|_)", r"\1", message).count("[d](e) **f** `g` _h_") >= 1


@pytest.mark.parametrize("name", NAMES)
async def test_nobody_knows_the_printer(home: Home, name: str) -> None:
    """A test notification of a printer that has no device is no reason to stumble."""
    home.note("assist_satellite.announce")
    await home.automate(name)
    for slug in ("test", "notification_limit"):
        await home.post(EventType=NUMBERS[slug], PrinterName=None)
    await home.at(START + MINUTE)
    assert home.calls == []


# Tell me about my prints


PHONE: Final = "notify.mobile_app_pixel_9"


@pytest.fixture
def phone(home: Home) -> str:
    """Return the device of a phone with Home Assistant's app."""
    home.note(PHONE, "notify.send_message")
    entry = MockConfigEntry(domain="mobile_app", title="Somebody's")
    entry.add_to_hass(home.hass)
    return (
        dr.async_get(home.hass)
        .async_get_or_create(config_entry_id=entry.entry_id, identifiers={("mobile_app", "1")}, name="Pixel 9")
        .id
    )


async def test_one_notification(home: Home, phone: str) -> None:
    """A print is one notification, which changes as it goes on, with picture and link; the other ways get the text."""
    await home.automate("tell_me", phones=[phone], notify_entities=["notify.telegram"])
    prints = arrivals("troubled")
    await home.play(prints[:4])
    await home.restart()
    await home.play(prints[4:])
    told = home.called(PHONE)
    assert [data["title"].removesuffix(": X1 Carbon") for data in told] == [
        "Print started",
        *["Printing"] * 3,
        *["Printing"] * 2,
        "The print may be failing",
        "Paused by Gadget, it may be failing",
        *["Printing"] * 3,
        "Filament change required",
        *["Printing"] * 6,
        "Print complete",
    ]
    assert len({data["data"]["tag"] for data in told}) == 1
    assert len(told[0]["data"]["tag"]) == 64
    for data, arrival in zip(told, _of_kinds("tell_me", prints), strict=True):
        assert data["data"]["image"] == arrival.body["SnapshotUrl"]
        assert data["data"]["url"] == data["data"]["clickAction"] == arrival.body["QuickViewUrl"]
    assert told[1]["message"] == "“Lampshade - twisted.gcode.3mf”, 10 %, layer 28 of 268, 4 h 51 min left"
    assert told[1]["data"].items() >= {"progress": 10, "progress_max": 100, "alert_once": True}.items()
    assert told[-1]["message"] == "“Lampshade - twisted.gcode.3mf”, took 5 h 58 min"
    assert told[-1]["data"].keys() == {"tag", "group", "url", "clickAction", "image"}
    others = home.called("notify.send_message")
    assert [(data["title"], data["message"]) for data in others] == [(data["title"], data["message"]) for data in told]
    assert all(data["entity_id"] == ["notify.telegram"] for data in others)
    assert home.called("persistent_notification.create") == []


def _of_kinds(name: str, prints: Iterable[Arrival]) -> list[Arrival]:
    """Return those notifications of which a blueprint tells unless something else is chosen."""
    kinds = {NUMBERS[kind.removeprefix("octoeverywhere_")] for kind in inputs_of(name)["kinds"]["default"]}
    return [arrival for arrival in prints if arrival.body["EventType"] in kinds]


@pytest.mark.parametrize("is_critical", [False, True])
async def test_critical(home: Home, phone: str, is_critical: bool) -> None:
    """What failed breaks through silent mode where that is wanted, and nothing else does."""
    await home.automate("tell_me", phones=[phone], critical=is_critical)
    slugs = ["print_started", "print_progress", "gadget_warning", "gadget_paused", "error", "filament_change_required"]
    for slug in [*slugs, "print_failed"]:
        await home.post(FULL, EventType=NUMBERS[slug])
    loud = [data["title"] for data in home.called(PHONE) if data["data"].get("channel") == "alarm_stream"]
    assert [data for data in home.called(PHONE) if (data["data"].get("push") or {}).get("sound")] == [
        data for data in home.called(PHONE) if data["title"] in loud
    ]
    failed = ["The print may be failing", "Paused by Gadget, it may be failing", "Error", "Print failed or canceled"]
    assert loud == [f"{title}: Ender3" for title in failed if is_critical]


async def test_late_news(home: Home, phone: str) -> None:
    """What arrives late does not take the place of newer news, of the same print or of the one before."""
    await home.automate("tell_me", phones=[phone])
    await home.play(arrivals("back_to_back"))
    last = {data["data"]["tag"]: data["title"] for data in home.called(PHONE)}
    assert list(last.values()) == ["Print complete: Voron 2.4"] * 2

    home.calls.clear()
    await home.post(FULL, EventType=1)
    await home.post(FULL, EventType=2)
    await home.post(FULL, Progress=20, DurationSec=40)
    assert [data["title"] for data in home.called(PHONE)] == ["Print started: Ender3", "Print complete: Ender3"]


async def test_phone_that_cannot_be_reached(home: Home, phone: str) -> None:
    """A phone that Home Assistant cannot notify, perhaps no longer, keeps nobody else from being told."""
    entry = MockConfigEntry(domain="mobile_app", title="Somebody's")
    entry.add_to_hass(home.hass)
    devices, entities = dr.async_get(home.hass), er.async_get(home.hass)
    old = devices.async_get_or_create(config_entry_id=entry.entry_id, identifiers={("mobile_app", "2")}, name="Old")
    # What Home Assistant makes for each phone that can be notified.
    entities.async_get_or_create("notify", "mobile_app", "pixel", device_id=phone)
    await home.automate("tell_me", phones=[old.id, phone], notify_entities=["notify.telegram"])
    home.excused = "Action notify.mobile_app_old not found"
    await home.post(FULL)
    assert len(home.called(PHONE)) == len(home.called("notify.send_message")) == 1


async def test_chosen_printers_and_kinds(home: Home, phone: str) -> None:
    """Only what was chosen is told, by the name that the printer has at home."""
    prints = arrivals("two_printers")
    ids = list(dict.fromkeys(arrival.body["PrinterId"] for arrival in prints))
    await home.play(prints[:5])
    device = device_of(home.hass, ids[1])
    assert device is not None
    dr.async_get(home.hass).async_update_device(device.id, name_by_user="Garage")
    kinds = ["octoeverywhere_third_layer_complete"]
    await home.automate("tell_me", phones=[phone], printers=[device.id], kinds=kinds)
    await home.play(prints[5:])
    assert [data["title"] for data in home.called(PHONE)] == ["Third layer complete: Garage"]


async def test_without_a_print(home: Home, phone: str) -> None:
    """What is not about a print has a notification of its own, and leads to the printer where there is no other link."""
    kinds = ["octoeverywhere_error", "octoeverywhere_test"]
    gone = "a device that was deleted"
    await home.automate("tell_me", phones=[gone, phone], kinds=kinds)
    await home.post(EventType=16)
    await home.post(EventType=9)
    device = device_of(home.hass)
    assert device is not None
    test, error = home.called(PHONE)
    assert (test["title"], test["message"]) == ("Test notification: Ender3", "Test notification")
    assert (error["title"], error["message"]) == ("Error: Ender3", "Error")
    assert test["data"]["url"] == "/config/integrations"
    assert error["data"]["url"] == f"/config/devices/device/{device.id}"
    assert test["data"]["tag"] == error["data"]["tag"] == "octoeverywhere-printer-1"


# Cut the power when the bed has cooled


PLUG: Final = "switch.plug"


@pytest.fixture
def cuts(home: Home) -> list[datetime]:
    """Collect when the plug is switched off."""
    moments: list[datetime] = []

    async def cut(call: ServiceCall) -> None:
        assert call.data["entity_id"] == [PLUG]
        moments.append(home.now)

    home.hass.services.async_register("homeassistant", "turn_off", cut)
    return moments


@pytest.mark.parametrize(
    ("print_", "seconds"),
    [
        ("troubled", 22315.7),
        ("cancelled", 6764.5),
        ("sparse", 10259.6),
        ("error_while_idle", 3668.6),
        ("back_to_back", 8191.8),
        # Of these, one print is not known to be over.
        ("two_printers", None),
        ("free_account", None),
    ],
)
async def test_cut(home: Home, cuts: list[datetime], print_: str, seconds: float | None) -> None:
    """The power is cut when the bed is cool, once, and never while it is not known that every print is over."""
    await home.automate("cut_power", plugs=[PLUG])
    prints = arrivals(print_)
    await home.play(prints)
    await home.wait(prints[-1].at + timedelta(days=3), step=timedelta(minutes=30))
    assert [round((moment - START).total_seconds()) for moment in cuts] == ([] if seconds is None else [round(seconds)])


@pytest.fixture
async def over(home: Home, cuts: list[datetime]) -> datetime:
    """Let a print end on a printer whose bed never says that it is cool; return when."""
    await home.automate("cut_power", plugs=[PLUG], fallback=60)
    prints = [arrival for arrival in arrivals("cancelled") if arrival.body["EventType"] != 15]
    await home.play(prints)
    return prints[-1].at


@pytest.mark.parametrize(
    ("off", "on", "cut"),
    [
        (None, None, 61),
        (10, 20, 61),
        (59, 70, 71),
        (10, 115, 116),
        # After a long time somebody has other plans with the plug.
        (10, 300, None),
        # What was done stays done.
        (65, 70, 61),
    ],
)
async def test_fallback(
    home: Home, over: datetime, cuts: list[datetime], off: int | None, on: int | None, cut: int | None
) -> None:
    """Without a word of the bed, the power is cut some time after the end, whether Home Assistant was restarted or not."""
    if off is not None and on is not None:
        await home.wait(over + off * MINUTE, step=MINUTE)
        await home.stop()
        await home.wait(over + on * MINUTE)
        await home.start()
    await home.wait(home.now + 65 * MINUTE, step=MINUTE)
    await home.wait(over + timedelta(hours=8))
    assert [-(-(moment - over) // MINUTE) for moment in cuts] == ([] if cut is None else [cut])


@pytest.mark.parametrize("slug", ["print_started", "print_paused", "gadget_paused", "error", "print_progress"])
@pytest.mark.parametrize("printer", ["C2IW18YWFLU18RZEIV85SDY726LO3SHAD5BMM1AS", "another"])
async def test_never_cut(home: Home, over: datetime, cuts: list[datetime], slug: str, printer: str) -> None:
    """As long as any of the printers does anything else than to be done, the power stays, silent or not."""
    body = {"PrinterId": printer, "PrinterName": "Another", "PrintId": "another", "TimeRemainingSec": 60}
    await home.post(body, EventType=NUMBERS[slug])
    await home.wait(over + timedelta(days=2), step=timedelta(minutes=30))
    await home.run()
    await home.post(body, EventType=16)
    await home.post(body | {"PrintId": "earlier"}, EventType=15)
    await home.wait(over + timedelta(days=2, hours=3))
    assert cuts == []


@pytest.mark.parametrize("key", ["status", "estimated_finish"])
async def test_never_cut_in_the_dark(home: Home, over: datetime, cuts: list[datetime], key: str) -> None:
    """A printer whose state nobody can see is not done."""
    entities = er.async_get(home.hass)
    entity_id = entities.async_get_entity_id(
        "sensor", "octoeverywhere", f"C2IW18YWFLU18RZEIV85SDY726LO3SHAD5BMM1AS_{key}"
    )
    assert entity_id is not None
    entities.async_update_entity(entity_id, disabled_by=er.RegistryEntryDisabler.USER)
    await home.restart()
    await home.wait(over + timedelta(hours=8))
    assert cuts == []


async def test_never_cut_without_the_integration(
    home: Home, over: datetime, cuts: list[datetime], entry: MockConfigEntry
) -> None:
    """Without the integration nothing is known."""
    await home.hass.config_entries.async_unload(entry.entry_id)
    await home.wait(over + timedelta(hours=1))
    await home.run()
    assert cuts == []
    await home.hass.config_entries.async_setup(entry.entry_id)


async def test_cut_of_chosen_printers(home: Home, cuts: list[datetime]) -> None:
    """Only the printers on the plug count, whatever their entities are called."""
    prints = arrivals("two_printers")
    await home.play(prints[:5])
    device = device_of(home.hass, prints[0].body["PrinterId"])
    assert device is not None
    for number, entity in enumerate(er.async_entries_for_device(er.async_get(home.hass), device.id)):
        er.async_get(home.hass).async_update_entity(entity.entity_id, new_entity_id=f"{entity.domain}.renamed_{number}")
    await home.automate("cut_power", plugs=[PLUG], printers=[device.id])
    await home.play(prints[5:])
    assert [round((moment - START).total_seconds()) for moment in cuts] == [8477]


async def test_never_cut_beyond_the_daily_limit(home: Home, over: datetime, cuts: list[datetime]) -> None:
    """Where nobody would hear of the next print, only what the bed has said counts."""
    await home.wait(over + 30 * MINUTE, step=MINUTE)
    body = arrivals("cancelled")[-1].body
    await home.post(body | {"PrintId": "the next one"}, EventType=13)
    await home.wait(over + 90 * MINUTE, step=MINUTE)
    assert cuts == []
    await home.post(body)
    assert len(cuts) == 1


async def test_never_cut_while_the_same_file_is_printed_again(home: Home, cuts: list[datetime]) -> None:
    """A file that is printed twice in a row keeps its id with Klipper, and the power as long as it prints."""
    await home.automate("cut_power", plugs=[PLUG], fallback=60)
    await home.post(FULL, EventType=1, DurationSec=0)
    await home.wait(START + timedelta(hours=1), step=MINUTE)
    await home.post(FULL, EventType=2, DurationSec=3600)
    await home.wait(START + timedelta(minutes=70), step=MINUTE)
    await home.post(FULL, EventType=1, DurationSec=4200, Progress=52, TimeRemainingSec=7200)
    await home.wait(START + timedelta(hours=3), step=MINUTE)
    assert cuts == []


async def test_plans_of_its_own(home: Home, over: datetime, cuts: list[datetime]) -> None:
    """Once cut, the power may be turned on again: nothing but the end of the next print cuts it again."""
    await home.wait(over + 20 * MINUTE)
    await home.post(arrivals("cancelled")[-1].body)
    assert len(cuts) == 1
    await home.post(arrivals("cancelled")[-1].body, EventType=16)
    await home.post(arrivals("cancelled")[-1].body)
    await home.wait(over + timedelta(hours=3))
    assert len(cuts) == 1
    body = arrivals("cancelled")[-1].body | {"PrintId": "the next one"}
    for slug in ("print_started", "print_complete"):
        await home.post(body, EventType=NUMBERS[slug])
    await home.wait(home.now + timedelta(hours=3))
    assert len(cuts) == 2


async def test_cut_by_hand(home: Home, over: datetime, cuts: list[datetime]) -> None:
    """Whoever runs it by hand need not wait for the bed."""
    await home.run()
    assert len(cuts) == 1


# Something is wrong


LIGHT: Final = "light.lamp"
SIREN: Final = "siren.attic"
RED: Final = ("light.turn_on", {"entity_id": [LIGHT], "rgb_color": [255, 0, 0], "brightness_pct": 100})
LOUD: Final = ("siren.turn_on", {"entity_id": [SIREN]})
QUIET: Final = ("siren.turn_off", {"entity_id": [SIREN]})
OFF: Final = ("light.turn_off", {"entity_id": [LIGHT]})
ALARM: Final = [RED, LOUD]


@pytest.fixture
async def alarm(home: Home) -> dict[str, Any]:
    """Return a light and a siren, as inputs; the light is on, with half its brightness."""
    assert await async_setup_component(home.hass, "scene", {})
    home.note("light.turn_on", "light.turn_off", "siren.turn_on", "siren.turn_off")
    home.hass.states.async_set(LIGHT, "on", {"brightness": 128, "supported_color_modes": ["brightness"]})
    home.hass.states.async_set(SIREN, "off")
    await import_scenes(home)
    return {"lights": [LIGHT], "sirens": [SIREN], "begin": [], "end": []}


async def import_scenes(home: Home) -> None:
    """Let Home Assistant import what it needs to restore lights, which it does in a thread of its own."""
    await home.hass.services.async_call("scene", "apply", {"entities": {LIGHT: "off"}}, blocking=True)
    home.calls.clear()


def restored(calls: list[Call]) -> bool:
    """Tell whether the light was made again what it was before, and the siren turned off."""
    light, siren = calls
    return light[0] == "light.turn_on" and light[1]["brightness"] == 128 and siren == QUIET


@pytest.mark.parametrize(
    ("slug", "end"),
    [
        ("gadget_warning", "print_progress"),
        ("gadget_paused", "print_resumed"),
        ("error", "print_failed"),
        ("filament_change_required", "print_complete"),
        ("user_interaction_required", "print_started"),
    ],
)
async def test_alarm(home: Home, alarm: dict[str, Any], slug: str, end: str) -> None:
    """The alarm goes on until the printer does, and everything is as it was."""
    await home.automate("something_wrong", **alarm)
    await home.post(FULL, EventType=1)
    await home.post(FULL, EventType=NUMBERS[slug])
    assert home.calls == ALARM
    await home.post(FULL, EventType=4)
    await home.post(FULL, EventType=16)
    await home.wait(START + timedelta(days=1), step=timedelta(hours=1))
    assert home.calls == ALARM
    home.hass.states.async_set(LIGHT, "on", {"brightness": 255, "supported_color_modes": ["brightness"]})
    await home.post(FULL, EventType=NUMBERS[end], Progress=50)
    assert home.calls[:2] == ALARM
    assert restored(home.calls[2:])
    assert home.hass.states.async_entity_ids("scene") == []


async def test_two_problems(home: Home, alarm: dict[str, Any]) -> None:
    """A second problem, of the same printer or another one, begins anew; the first light is not forgotten."""
    await home.automate("something_wrong", **alarm)
    await home.post(FULL, EventType=7)
    home.hass.states.async_set(LIGHT, "on", {"brightness": 255, "supported_color_modes": ["brightness"]})
    await home.post(FULL, EventType=8)
    await home.post(FULL, PrinterId="printer-2", EventType=9)
    assert home.calls == ALARM * 3
    await home.post(FULL, EventType=5)
    assert home.calls == ALARM * 3
    await home.post(FULL, PrinterId="printer-2", EventType=5)
    assert restored(home.calls[6:])


@pytest.mark.parametrize("is_edited", [False, True])
async def test_alarm_and_restart(home: Home, alarm: dict[str, Any], is_edited: bool) -> None:
    """After a restart, or after it was edited, the automation goes on to wait: it does not sound the alarm again."""
    await home.automate("something_wrong", **alarm)
    await home.post(FULL, EventType=8)
    home.hass.states.async_set(LIGHT, "on", {"brightness": 255, "supported_color_modes": ["brightness"]})
    if is_edited:
        await home.automate("something_wrong", **alarm, color=[0, 0, 255])
    else:
        await home.restart()
    assert home.calls == ALARM
    await home.post(FULL, EventType=5)
    assert home.calls[:2] == ALARM
    if is_edited:
        assert restored(home.calls[2:])
    else:
        assert home.calls[2:] == [OFF, QUIET]


@pytest.mark.parametrize(
    ("light", "siren", "is_over"),
    [
        ({"rgb_color": (255, 3, 0)}, "off", True),
        ({"rgb_color": (255, 255, 255)}, "on", True),
        ({"rgb_color": (255, 120, 0)}, "off", False),
        ({"rgb_color": None}, "off", False),
    ],
)
async def test_alarm_that_is_over_after_a_restart(
    home: Home, alarm: dict[str, Any], light: dict[str, Any], siren: str, is_over: bool
) -> None:
    """Where the printer went on while Home Assistant restarted, what still sounds or shines is turned off."""
    await home.automate("something_wrong", **alarm)
    await home.post(FULL, EventType=8)
    home.hass.states.async_set(LIGHT, "on", light)
    home.hass.states.async_set(SIREN, siren)
    await home.stop()
    home.calls.clear()
    await home.start(FULL | {"EventType": 5})
    assert home.calls[:2] == ([OFF, QUIET] if is_over else [])


async def test_problem_before_the_end_of_the_last(home: Home, alarm: dict[str, Any]) -> None:
    """A problem that comes while another one is being put right does not forget how everything was before either."""
    await home.automate("something_wrong", **alarm | {"end": [{"delay": 30}]})
    for event_type in (8, 5, 9):
        await home.post(FULL, EventType=event_type)
        home.hass.states.async_set(LIGHT, "on", {"brightness": 255, "supported_color_modes": ["brightness"]})
    home.calls.clear()
    await home.post(FULL, EventType=5)
    assert restored(home.calls)


async def test_no_alarm(home: Home, alarm: dict[str, Any]) -> None:
    """Neither what was not chosen, nor other printers, nor late news are a reason, not even after a restart."""
    await home.post(FULL, EventType=1)
    device = device_of(home.hass)
    assert device is not None
    await home.automate("something_wrong", **alarm, printers=[device.id], kinds=["octoeverywhere_error"])
    await home.post(FULL, EventType=7)
    await home.post(FULL, PrinterId="printer-2", EventType=9)
    await home.restart()
    await home.post(FULL, EventType=2)
    await home.post(FULL, EventType=9)
    await home.post(FULL, PrinterId="printer-2", EventType=5)
    assert home.calls == []


async def test_scene_and_actions(home: Home) -> None:
    """A scene and any actions can be chosen, with templates of their own that only make sense where they are."""
    home.note("light.turn_on", "light.turn_off", "notify.anybody")
    home.hass.states.async_set("light.gone", "unavailable")
    for light in ("light.one", "light.two"):
        home.hass.states.async_set(light, "on", {"brightness": 9})
    scene = {"name": "Alarm", "entities": {"light.one": "on", "light.two": "on", "light.gone": "on"}}
    assert await async_setup_component(home.hass, "scene", {"scene": [scene]})
    await settle()
    home.hass.states.async_set(LIGHT, "on")
    await import_scenes(home)
    say = {"action": "notify.anybody", "data": {"message": "{{ printer }}: {{ problem }}, {{ repeat.item }}"}}
    begin = [{"repeat": {"for_each": ["first", "second"], "sequence": [say]}}]
    end = [{"action": "notify.anybody", "data": {"message": "over"}}]
    await home.automate("something_wrong", scenes=["scene.alarm"], begin=begin, end=end)
    await home.post(FULL, EventType=9)
    for light in ("light.one", "light.two"):
        home.hass.states.async_set(light, "on", {"brightness": 255})
    await home.post(FULL, EventType=5)
    assert [data["message"] for data in home.called("notify.anybody")] == [
        "Ender3: Error: Oh no, something bad happened!, first",
        "Ender3: Error: Oh no, something bad happened!, second",
        "over",
    ]
    back = [data["entity_id"] for data in home.called("light.turn_on") if data.get("brightness") == 9]
    assert back == ["light.one", "light.two"]


# Finished soon


SOON: Final = {key: f"{{{{ {key} }}}}" for key in ("printer", "file", "minutes_left", "finish")}
SAY_SOON: Final = [{"action": "notify.soon", "data": SOON}]


@pytest.mark.parametrize(
    ("print_", "minutes", "printers"),
    [
        ("smooth_20_hours", 15, ["Ender 3 V3"]),
        ("smooth_20_hours", 600, ["Ender 3 V3"]),
        ("troubled", 15, ["X1 Carbon"]),
        ("troubled", 240, ["X1 Carbon"]),
        ("two_printers", 15, ["Ender 3 V3", "X1 Carbon (garage)"]),
        ("back_to_back", 15, ["Voron 2.4", "Voron 2.4"]),
        ("cancelled", 15, []),
        ("cancelled", 180, ["Prusa MK4S"]),
        ("error_while_idle", 15, ["X1 Carbon (garage)"]),
        ("free_account", 15, ["Prusa MK4S"]),
        ("sparse", 15, []),
    ],
)
@pytest.mark.parametrize("is_restarted", [False, True])
async def test_soon(home: Home, print_: str, minutes: int, printers: list[str], is_restarted: bool) -> None:
    """Once in each print, as long before its end as was chosen, whether Home Assistant is restarted now and then or not."""
    home.note("notify.soon")
    await home.automate("finished_soon", minutes=minutes, actions=SAY_SOON)
    for number, arrival in enumerate(arrivals(print_)):
        await home.play([arrival])
        if is_restarted and number % 6 == 3:
            await home.restart()
    await home.wait(home.now + timedelta(hours=6))
    told = home.called("notify.soon")
    assert [data["printer"] for data in told] == printers
    # By then, ten minutes may have passed between two looks.
    assert all(minutes - 10 <= data["minutes_left"] <= minutes for data in told)


async def test_soon_at_once(home: Home) -> None:
    """A print that is over soon from its first estimate on is told at once, each of several; by hand, all are."""
    home.note("notify.soon")
    await home.automate("finished_soon", actions=SAY_SOON)
    await home.post(FULL, TimeRemainingSec=840)
    await home.post(FULL, PrinterId="printer-2", PrinterName="Voron", FileName=None, TimeRemainingSec=1200)
    await home.post(FULL, PrinterId="printer-3", PrinterName="Mini", TimeRemainingSec=1201)
    assert home.called("notify.soon") == [
        {"printer": "Ender3", "file": "MyCoolPrint.gcode", "minutes_left": 14, "finish": "09:40"}
    ]
    await home.wait(START + 8 * MINUTE, step=MINUTE)
    assert {data["printer"] for data in home.called("notify.soon")[1:]} == {"Voron", "Mini"}
    await home.run()
    assert {data["printer"] for data in home.called("notify.soon")[3:]} == {"Ender3", "Voron", "Mini"}
    assert len(home.calls) == 6


async def test_soon_after_a_restart(home: Home) -> None:
    """A print that came close while Home Assistant was away is told, whoever else is the first to be told after the start."""
    home.note("notify.soon")
    await home.automate("finished_soon", actions=SAY_SOON)
    await home.post(FULL, TimeRemainingSec=1000)
    await home.post(FULL, PrinterId="printer-2", PrinterName="Voron", TimeRemainingSec=9000)
    await home.stop()
    await home.wait(START + 4 * MINUTE)
    await home.start()
    await home.post(FULL, PrinterId="printer-2", PrinterName="Voron", TimeRemainingSec=600)
    await home.wait(START + 30 * MINUTE, step=MINUTE)
    assert sorted(data["printer"] for data in home.called("notify.soon")) == ["Ender3", "Voron"]


async def test_soon_for_chosen_printers(home: Home) -> None:
    """Only the chosen printers count."""
    home.note("notify.soon")
    await home.post(FULL, TimeRemainingSec=9000)
    device = device_of(home.hass)
    assert device is not None
    await home.automate("finished_soon", actions=SAY_SOON, printers=[device.id])
    await home.post(FULL, PrinterId="printer-2", TimeRemainingSec=60)
    assert home.calls == []
    await home.post(FULL, TimeRemainingSec=60)
    assert len(home.calls) == 1


@dataclass
class Print:
    """A print, as it is, as the sensors show it, and as a person remembers it who watches them."""

    device: str
    finish: str
    """The sensor of the estimated finish."""
    status: str
    state: PrinterState = field(default_factory=PrinterState)
    is_told: bool = False

    def show(self, hass: HomeAssistant) -> None:
        """Show it on the sensors."""
        finish = self.state.finish_at
        attributes = {"estimated_at": self.state.estimated_at, "least_remaining": self.state.least_remaining}
        hass.states.async_set(self.finish, finish.isoformat() if finish else "unknown", attributes)
        options = [status.value for status in Status]
        hass.states.async_set(self.status, self.state.status or "unknown", {"options": options})

    def is_due(self, now: datetime) -> bool:
        """Look at the print; return whether this is the first time that it is over within a quarter of an hour."""
        if self.is_told or self.state.status is not Status.PRINTING or self.state.finish_at is None:
            return False
        self.is_told = self.state.finish_at - now <= 15 * MINUTE
        return self.is_told


class Watch:
    """The automation and the person, who look at the same two prints at the same moments."""

    def __init__(self, hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
        """Begin before the first notification."""
        self._hass = hass
        self._freezer = freezer
        self._due = Template(blueprint("finished_soon")["variables"]["due"], hass)
        self._last_triggered: datetime | None = None
        self._now = START.replace(second=0, microsecond=0)
        self._heard = 0
        self._prints = {printer_id: self._print(printer_id) for printer_id in TWO}

    def _print(self, printer_id: str) -> Print:
        entities = er.async_get(self._hass)
        keys = (f"{printer_id}_estimated_finish", f"{printer_id}_status")
        finish, status = (entities.async_get_entity_id("sensor", "octoeverywhere", key) or "" for key in keys)
        device = device_of(self._hass, printer_id)
        assert device is not None
        print_ = Print(device.id, finish, status)
        print_.show(self._hass)
        return print_

    def look(self, prints: Iterable[Print]) -> None:
        """Look, as the automation does, at all prints, and as the person does, at those of which there may be something new."""
        self._freezer.move_to(self._now)
        this = {"attributes": {"last_triggered": self._last_triggered}}
        variables = {"this": this, "printers": [], "minutes": 15, "is_manual": False}
        found = {item["device"] for item in self._due.async_render(variables)}
        assert found == {print_.device for print_ in prints if print_.is_due(self._now)}
        self._last_triggered = self._now if found else self._last_triggered

    def wait(self, seconds: int) -> None:
        """Look at each full minute, as Home Assistant does: a little later."""
        until = self._now + timedelta(seconds=seconds)
        while (minute := self._now.replace(second=0, microsecond=300_000) + MINUTE) < until:
            self._now = minute
            self.look(self._prints.values())
        # No two things happen at the same moment.
        self._heard += 1
        self._now = until.replace(microsecond=300_000 + self._heard * 50_000)

    def hear(self, printer_id: str, slug: str, remaining: int | None) -> None:
        """Hear of a print; look at it where there is a new estimate."""
        body = {"PrinterId": printer_id, "PrintId": "one", "EventType": NUMBERS[slug], "Number": self._heard}
        notification = Notification.from_payload(body | ({} if remaining is None else {"TimeRemainingSec": remaining}))
        print_ = self._prints[printer_id]
        print_.state = reduce(print_.state, notification, self._now)
        print_.show(self._hass)
        new = [print_] if print_.state.estimated_at == self._now else []
        self._now += timedelta(milliseconds=5)
        if slug != "print_paused":
            self.look(new)


type Word = tuple[int, str, str, int | None]
"""After how many seconds, of which printer, what is said, and how many seconds remain."""

TWO: Final = ("printer-1", "printer-2")
WORDS_OF_TWO: Final = st.lists(
    st.tuples(
        st.integers(0, 90) | st.integers(1, 700),
        st.sampled_from(TWO),
        st.sampled_from(["print_progress"] * 3 + ["print_paused", "print_resumed", "gadget_warning"]),
        st.none() | st.integers(820, 1000) | st.integers(0, 2400),
    ),
    max_size=8,
)
FALLEN_BETWEEN_TWO_LOOKS: Final[list[Word]] = [
    (1, "printer-1", "print_progress", 901),
    (1, "printer-1", "print_progress", 820),
]
FALLEN_WHILE_PAUSED: Final[list[Word]] = [
    (1, "printer-1", "print_progress", 1000),
    (10, "printer-1", "print_paused", None),
    (200, "printer-2", "print_progress", 600),
    (10, "printer-1", "print_resumed", None),
]
RISEN_AFTER_THE_OTHER_WAS_HEARD: Final[list[Word]] = [
    (1, "printer-1", "print_progress", 930),
    (39, "printer-2", "print_progress", 600),
    (5, "printer-1", "print_progress", 1100),
]
FALLEN_BEFORE_THE_OTHER_WAS_TOLD: Final[list[Word]] = [
    (1, "printer-1", "print_progress", 930),
    (39, "printer-2", "print_progress", 600),
]
IN_THE_SAME_SECOND: Final[list[Word]] = [
    (1, "printer-1", "print_progress", 600),
    (0, "printer-2", "print_progress", 600),
]


async def test_soon_against_a_person(hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory) -> None:
    """However estimates jump and prints pause, the automation does what a person does who watches and remembers."""
    for printer_id in TWO:
        await post(FULL, PrinterId=printer_id, PrinterName=printer_id)

    @given(words=WORDS_OF_TWO)
    @example(words=FALLEN_BETWEEN_TWO_LOOKS)
    @example(words=FALLEN_WHILE_PAUSED)
    @example(words=RISEN_AFTER_THE_OTHER_WAS_HEARD)
    @example(words=FALLEN_BEFORE_THE_OTHER_WAS_TOLD)
    @example(words=IN_THE_SAME_SECOND)
    @settings(max_examples=100, deadline=None)
    def check(words: list[Word]) -> None:
        watch = Watch(hass, freezer)
        for seconds, printer_id, slug, remaining in words:
            watch.wait(seconds)
            watch.hear(printer_id, slug, remaining)
        watch.wait(3600)

    check()


# Say it out loud


@pytest.mark.parametrize(
    ("quiet_from", "quiet_until", "time", "is_said"),
    [
        ("22:00:00", "07:00:00", "21:59:59", True),
        ("22:00:00", "07:00:00", "22:00:00", False),
        ("22:00:00", "07:00:00", "00:00:00", False),
        ("22:00:00", "07:00:00", "06:59:59", False),
        ("22:00:00", "07:00:00", "07:00:00", True),
        ("13:00:00", "15:00:00", "12:59:59", True),
        ("13:00:00", "15:00:00", "13:00:00", False),
        ("13:00:00", "15:00:00", "14:59:59", False),
        ("13:00:00", "15:00:00", "15:00:00", True),
        ("08:00:00", "08:00:00", "08:00:00", True),
        ("08:00:00", "08:00:00", "03:00:00", True),
    ],
)
async def test_quiet_hours(
    home: Home, freezer: FrozenDateTimeFactory, quiet_from: str, quiet_until: str, time: str, is_said: bool
) -> None:
    """In the quiet hours, by the clock on the wall, nothing is said."""
    await home.hass.config.async_set_time_zone("Europe/Vienna")
    home.note("assist_satellite.announce")
    satellites = ["assist_satellite.kitchen"]
    await home.automate("say_it", satellites=satellites, quiet_from=quiet_from, quiet_until=quiet_until)
    freezer.move_to(datetime.fromisoformat(f"2026-07-01T{time}+02:00"))
    await home.post(FULL, EventType=2)
    said = [{"entity_id": satellites, "message": "Ender3 has finished its print."}]
    assert home.called("assist_satellite.announce") == (said if is_said else [])


async def test_speakers(home: Home) -> None:
    """Speakers take a voice, the first one unless another is chosen; voice assistants stay silent where only they are chosen."""
    home.note("assist_satellite.announce", "tts.speak")
    home.hass.states.async_set("assist_satellite.kitchen", "idle", {"supported_features": 3})
    for voice in ("tts.first", "tts.second"):
        home.hass.states.async_set(voice, "unknown")
    speakers = ["media_player.kitchen", "media_player.attic"]
    await home.automate("say_it", speakers=speakers)
    await home.post(FULL, EventType=8)
    await home.automate("say_it", speakers=speakers, voice=["tts.second"])
    await home.post(FULL, EventType=3)
    words = [
        ("tts.first", "Ender3 was paused, because its print is failing."),
        ("tts.second", "The print on Ender3 has failed or was canceled."),
    ]
    assert home.calls == [
        ("tts.speak", {"entity_id": [voice], "media_player_entity_id": speakers, "message": message})
        for voice, message in words
    ]


async def test_words(home: Home) -> None:
    """What is said follows the printer's own name and the chosen words; nothing is said where there is nothing to say."""
    home.note("assist_satellite.announce")
    await home.post(FULL, EventType=1)
    device = device_of(home.hass)
    assert device is not None
    dr.async_get(home.hass).async_update_device(device.id, name_by_user="Der Drucker")
    words = inputs_of("say_it")["words"]["default"] | {"print_failed": "", "print_progress": "{printer}: {progress} %"}
    kinds = ["octoeverywhere_print_progress", "octoeverywhere_print_failed", "octoeverywhere_print_started"]
    await home.automate(
        "say_it", printers=[device.id], satellites=["assist_satellite.kitchen"], words=words, kinds=kinds
    )
    await home.post(FULL, Progress=0)
    await home.post(FULL, Progress=None)
    await home.post(FULL, EventType=3)
    await home.post(FULL, PrinterId="printer-2", EventType=1)
    await home.post(FULL, PrintId="print-2", EventType=1)
    assert [data["message"] for data in home.called("assist_satellite.announce")] == [
        "Der Drucker: 0 %",
        "Der Drucker has started to print.",
    ]
