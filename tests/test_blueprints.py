"""Tests of the blueprints, each as a user has it: imported and saved by Home Assistant, then driven by POSTs of whole prints."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from copy import deepcopy
from datetime import datetime, timedelta
from functools import partial
import json
import logging
from pathlib import Path
import re
from typing import Any, Final

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.mobile_app.const import DOMAIN as MOBILE_APP
from homeassistant.components.trace.util import async_get_trace, async_list_traces
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, HomeAssistant, ServiceCall
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from homeassistant.util.yaml import load_yaml_dict
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed
from pytest_homeassistant_custom_component.test_util.aiohttp import AiohttpClientMocker
from pytest_homeassistant_custom_component.typing import MockHAClientWebSocket, WebSocketGenerator

from .conftest import FULL, NUMBERS, WORDS, Post, load, the_device, unload, value
from .kinds import KEEPS, KINDS, Kind
from .story import START, Arrival, fixture

FOLDER: Final = Path(__file__).parent.parent / "blueprints" / "automation" / "octoeverywhere"
NAMES: Final = sorted(path.stem for path in FOLDER.glob("*.yaml"))
SOURCE: Final = "https://github.com/ha-octoeverywhere/ha-octoeverywhere/blob/main/blueprints/automation/octoeverywhere"
RAW: Final = SOURCE.replace("github.com", "raw.githubusercontent.com").replace("/blob/", "/")
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
CANCELLED: Final = {"EventType": 3, "Error": "cancelled", "PlatformErrorCode": None}
ODD_NAMES: Final = (
    *("123", "007", "12.50", "...", "None", "[1, 2]", "{'a': 1}", "{{ 1 / 0 }}", "{% if %}"),
    *("[1] #", "{} #", "None #", "'a' #", "<b>Ä</b> & 'x' \"y\""),
)
"""What a name or a file may be called, to the annoyance of templates."""

type Call = tuple[str, dict[str, Any]]


class Home:
    """A home with automations, in which time passes and every action is noted."""

    def __init__(
        self,
        hass: HomeAssistant,
        freezer: FrozenDateTimeFactory,
        send: Post,
        websocket: MockHAClientWebSocket,
        downloads: AiohttpClientMocker,
    ) -> None:
        """Begin without automations."""
        self.hass = hass
        self.calls: list[Call] = []
        self.excused = "nothing"
        """What may go wrong."""
        self._freezer = freezer
        self._send = send
        self._websocket = websocket
        self._downloads = downloads
        self._automations: list[dict[str, Any]] = []

    def note(self, *actions: str) -> None:
        """Note what these actions are called with, instead of running them."""

        async def note(call: ServiceCall) -> None:
            self.calls.append((f"{call.domain}.{call.service}", deepcopy(dict(call.data))))

        for action in actions:
            domain, service = action.split(".")
            self.hass.services.async_register(domain, service, note)

    def called(self, action: str) -> list[dict[str, Any]]:
        """Return what an action was called with."""
        return [data for called, data in self.calls if called == action]

    async def ask(self, command: str, **keys: Any) -> Any:
        """Return what Home Assistant answers to the UI."""
        await self._websocket.send_json_auto_id({"type": command, **keys})
        answer = await self._websocket.receive_json()
        assert answer["success"], answer
        return answer["result"]

    async def add(self, name: str) -> Path:
        """Import a blueprint and save it, as the buttons of the README and the UI do; return the file."""
        url = f"{SOURCE}/{name}.yaml"
        self._downloads.get(f"{RAW}/{name}.yaml", text=(FOLDER / f"{name}.yaml").read_text("utf-8"))
        found = await self.ask("blueprint/import", url=url)
        assert found["validation_errors"] is None
        path, text = found["suggested_filename"], found["raw_data"]
        if not found["exists"]:
            await self.ask("blueprint/save", domain="automation", path=path, yaml=text, source_url=url)
        return Path(self.hass.config.path("blueprints", "automation", f"{path}.yaml"))

    async def automate(self, name: str, **inputs: Any) -> None:
        """Make an automation of a blueprint that was added, as the UI writes it."""
        path = await self.add(name)
        use = {"path": f"{path.parent.name}/{path.name}", "input": inputs}
        await self._automate([{"id": "it", "alias": "It", "use_blueprint": use}])

    def name(self, printer_id: str, name: str) -> str:
        """Give a printer a name of one's own; return its device."""
        device = the_device(self.hass, printer_id)
        dr.async_get(self.hass).async_update_device(device.id, name_by_user=name)
        return device.id

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
        return dt_util.utcnow()

    async def stop(self) -> None:
        """Stop Home Assistant, as far as this is about automations and the integration."""
        automations, self._automations = self._automations, []
        await self._automate([])
        self._automations = automations
        await unload(self.hass)
        for entity_id in self.hass.states.async_entity_ids("scene"):
            if "octoeverywhere" in entity_id:
                await self.hass.services.async_call("scene", "delete", {"entity_id": entity_id}, blocking=True)

    async def start(self, *early: dict[str, Any]) -> None:
        """Start Home Assistant again; what is early arrives before it has started."""
        self.hass.set_state(CoreState.starting)
        await load(self.hass)
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


def _at_once(hass: HomeAssistant, target: Callable[..., Any], *arguments: Any) -> asyncio.Future[Any]:
    """Do at once what would be done in a thread, so that what follows from it needs no time."""
    done = hass.loop.create_future()
    try:
        done.set_result(target(*arguments))
    except Exception as err:  # noqa: BLE001 - for whoever waits for it
        done.set_exception(err)
    return done


async def settle() -> None:
    """Let everything happen that is about to; not what an automation waits for, as Home Assistant's own function would."""
    for _ in range(50):
        await asyncio.sleep(0)


def _write(path: str, content: dict[str, Any]) -> None:
    """Write what Home Assistant reads as YAML."""
    Path(path).write_text(json.dumps(content), "utf-8")


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
    hass_ws_client: WebSocketGenerator,
    aioclient_mock: AiohttpClientMocker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> AsyncGenerator[Home]:
    """Return a home with the blueprints; nothing that happens in it may be worth a warning."""
    websocket = await hass_ws_client(hass)  # before the clock is set back, which would be before the token
    monkeypatch.setattr(hass, "async_add_executor_job", partial(_at_once, hass))
    freezer.move_to(START)
    await hass.config.async_set_time_zone("UTC")
    assert await async_setup_component(hass, "homeassistant", {})
    assert await async_setup_component(hass, "automation", {})
    await load(hass)
    home = Home(hass, freezer, send, websocket, aioclient_mock)
    home.note("persistent_notification.create", "persistent_notification.dismiss", "assist_satellite.announce")
    hass.states.async_set("assist_satellite.kitchen", "idle", {"supported_features": 3})
    yield home
    await websocket.close()
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


@pytest.mark.parametrize("name", NAMES)
async def test_added(home: Home, name: str) -> None:
    """Home Assistant takes the file, saves what it means, knows where it is from, and needs nothing of its owner."""
    path = await home.add(name)
    saved, meant = load_yaml_dict(str(path)), blueprint(name)
    assert {**saved, "blueprint": None} == {**meant, "blueprint": None}
    await home.automate(name)
    listed = (await home.ask("blueprint/list", domain="automation"))[f"{path.parent.name}/{path.name}"]
    assert listed["metadata"]["source_url"] == f"{SOURCE}/{name}.yaml"
    assert all("default" in field and field["name"] for field in inputs_of(name).values())


# What can be chosen: what one may be told of, what one hears at home, what needs somebody.
OFFERED: Final[dict[str, Callable[[Kind], bool]]] = {
    "tell_me": lambda _: True,
    "say_it": lambda kind: kind.is_about_a_printer,
    "something_wrong": lambda kind: kind.attention not in (KEEPS, "none"),
    "ask_me": lambda kind: kind.attention not in (KEEPS, "none"),
}


@pytest.mark.parametrize("name", OFFERED)
def test_kinds(name: str) -> None:
    """Every kind that may be wanted can be chosen, is called as the trigger is, and has its words."""
    inputs = inputs_of(name)
    options = {option["value"]: option["label"] for option in inputs["kinds"]["selector"]["select"]["options"]}
    wanted = {slug for slug, kind in KINDS.items() if slug != "unknown" and OFFERED[name](kind)}
    wanted |= {"print_cancelled"} if "print_failed" in wanted else set()
    assert options == {slug: WORDS["triggers"][slug]["name"] for slug in wanted}
    assert set(inputs["kinds"]["default"]) <= set(options)
    if "words" in inputs:
        assert set(options) <= set(inputs["words"]["default"])


DOES_SOMETHING: Final = {
    "tell_me": {"troubled", "two_printers", "error_while_idle", "free_account", "sparse"},
    "ask_me": {"troubled", "sparse"},
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
    home.hass.states.async_set("assist_satellite.mute", "idle", {"supported_features": 2})
    await home.automate(name)
    prints = fixture(print_)
    await home.play(prints)
    await home.wait(prints[-1].at + timedelta(hours=5))
    assert bool(home.calls) == (print_ in DOES_SOMETHING[name])


@pytest.mark.parametrize("name", NAMES)
async def test_run_by_hand(home: Home, name: str) -> None:
    """Whoever selects "Run actions" sees what it does, without a printer or with one."""
    await home.automate(name)
    await home.run()
    await home.post(FULL)
    await home.run()
    assert bool(home.calls) == (name != "cut_power")


@pytest.mark.parametrize("name", NAMES)
async def test_odd_names(home: Home, name: str) -> None:
    """A printer, a file and an error may be called whatever they like: that stays text."""
    await home.automate(name, **({"kinds": ["error"]} if name in ("something_wrong", "ask_me") else {}))
    for odd in ODD_NAMES:
        home.calls.clear()
        for number in (1, 7, 9, 6, 2, 15):
            keys: dict[str, Any] = {"Progress": None, "DurationSec": None, "CurrentLayer": None, "TotalLayers": None}
            keys |= {"PrinterId": odd, "PrinterName": odd, "FileName": odd, "Error": odd, "EventType": number}
            await home.post(FULL | keys)
            await home.at(home.now + MINUTE)
        texts = [text for _, data in home.calls for key, text in data.items() if key in ("title", "message")]
        assert texts
        assert all(isinstance(text, str) for text in texts)
        shown = odd.replace("<", "\u2039").replace(">", "\u203a")
        assert name == "cut_power" or any(odd in text or shown in text for text in texts)


async def test_many_printers_with_long_names(home: Home) -> None:
    """Fifty-five printers may be called what takes the most room when it is written down."""
    for number in range(55):
        body = FULL | {"PrinterId": f"printer-{number}", "PrinterName": chr(0xE000 + number) * 255}
        for slug in ("print_started", "error", "print_failed", "bed_cooldown_complete"):
            await home.post(body, FileName="\ue000" * 255, Error="\ue000" * 1500, EventType=NUMBERS[slug])
    for name in NAMES:
        await home.automate(name, **({"kinds": ["error"]} if name == "ask_me" else {}))
        home.calls.clear()
        await home.post(body, EventType=NUMBERS["print_progress"], PrintId=name)
        await home.at(home.now + timedelta(seconds=6))
        for slug in ("error", "bed_cooldown_complete"):
            await home.post(body, EventType=NUMBERS[slug], PrintId=name, Error="\ue000" * 1500)
        assert home.calls


@pytest.mark.parametrize(
    ("name", "slug"), [("tell_me", "error"), ("something_wrong", "error"), ("finished_soon", "print_progress")]
)
async def test_markdown(home: Home, name: str, slug: str) -> None:
    """What others wrote is shown as it is where Home Assistant shows Markdown: no picture is loaded, no link made of it."""
    odd = r"![a](https://b/c.png) [d](e) **f** `g` _h_ &amp; # \*j www.k.de l@m.no"
    await home.automate(name)
    await home.post(FULL, FileName=odd, Error=f"{odd}\n# {odd}", EventType=NUMBERS[slug])
    await home.at(home.now + timedelta(seconds=6))
    (message,) = [data["message"] for data in home.called("persistent_notification.create")]
    others = message.partition("”, ")[0].partition(" will be")[0].partition("Error: ")
    assert re.findall(r"(?<!\\)(?:\\\\)*([!-/:-@\[\]-`{-~])", others[2] or others[0]) == []
    assert "\n" not in message
    assert re.sub(r"\\(\W|_)", r"\1", message).count("[d](e) **f** `g` _h_") >= 1


@pytest.mark.parametrize("name", NAMES)
async def test_nobody_knows_the_printer(home: Home, name: str) -> None:
    """A test notification of a printer that has no device is no reason to stumble."""
    await home.automate(name)
    for slug in ("test", "notification_limit"):
        await home.post(EventType=NUMBERS[slug], PrinterName=None)
    await home.at(START + MINUTE)
    assert home.calls == []


# Tell me about my prints


OLD: Final = "notify.mobile_app_pixel_5"
ANDROID: Final = "notify.mobile_app_pixel_9"
IPHONE: Final = "notify.mobile_app_my_iphone"
PHONES: Final = {
    OLD: {"name": "Pixel 5", "manufacturer": "Google", "model": "Pixel 5", "sw_version": "34"},
    ANDROID: {"name": "Pixel 9", "manufacturer": "Google", "model": "Pixel 9", "sw_version": "36"},
    IPHONE: {"name": "My iPhone", "manufacturer": "Apple", "model": "iPhone15,2", "sw_version": "17.2"},
}


def add_phone(home: Home, name: str, **device: str | None) -> str:
    """Add a phone with Home Assistant's app; return its device."""
    entry = MockConfigEntry(domain=MOBILE_APP, title=name)
    entry.add_to_hass(home.hass)
    devices = dr.async_get(home.hass)
    keys: Any = {"identifiers": {(MOBILE_APP, name)}, "name": name, **device}
    return devices.async_get_or_create(config_entry_id=entry.entry_id, **keys).id


@pytest.fixture
def phones(home: Home) -> dict[str, str]:
    """Return the devices of an old phone and of two new ones, by the action that notifies them."""
    home.note(*PHONES, "notify.send_message")
    return {action: add_phone(home, **device) for action, device in PHONES.items()}


def titles(pushes: Iterable[dict[str, Any]]) -> list[str]:
    """Return the titles of notifications, less the printer."""
    return [data["title"].partition(":")[0] for data in pushes]


def ordinary(pushes: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return those notifications that are not about the lock screen."""
    return [data for data in pushes if "live_update" not in data["data"] and data["message"] != "clear_notification"]


async def test_one_notification(home: Home, phones: dict[str, str]) -> None:
    """A print is one notification, which changes as it goes on, with picture and link; the other ways get the text."""
    await home.automate("tell_me", phones=[phones[OLD]], notify_entities=["notify.telegram"])
    prints = fixture("troubled")
    await home.play(prints[:4])
    await home.restart()
    await home.play(prints[4:])
    told = home.called(OLD)
    expected = ["Print started", *["Printing"] * 3, *["Printing"] * 2, "The print may be failing"]
    expected += ["Paused by Gadget, it may be failing", *["Printing"] * 3, "Filament change required"]
    assert titles(told) == [*expected, *["Printing"] * 6, "Print complete"]
    assert len({data["data"]["tag"] for data in told}) == 1
    kinds = {NUMBERS[kind] for kind in inputs_of("tell_me")["kinds"]["default"] if kind in NUMBERS}
    wanted = [arrival for arrival in prints if arrival.body["EventType"] in kinds]
    for data, arrival in zip(told, wanted, strict=True):
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


LOOKS: Final = {
    "live_update": True,
    "url": FULL["QuickViewUrl"],
    "clickAction": FULL["QuickViewUrl"],
    "notification_icon": "mdi:printer-3d-nozzle",
    "alert_once": True,
    "sticky": True,
    "push": {"interruption-level": "passive"},
}
FAR: Final = {"progress": 21, "progress_max": 100, "critical_text": "21 %"}
FILE: Final = "“MyCoolPrint.gcode”, layer 50 of 100"
# What is said, and what the lock screen shows of it: its words, whether the time counts down, and whether it may be a little late.
ON_THE_LOCK_SCREEN: Final[list[tuple[dict[str, Any], str, bool, bool]]] = [
    ({"EventType": 1, "CurrentLayer": 1}, "Print started, “MyCoolPrint.gcode”, layer 1 of 100", True, False),
    ({"EventType": 6}, f"Printing, {FILE}", True, True),
    ({"EventType": 11}, f"Filament change required, {FILE}", False, False),
    ({"EventType": 6, "DurationSec": 60}, f"Printing, {FILE}", False, True),  # heard, but it has not moved
    ({"EventType": 5, "DurationSec": 61}, f"Printing again, {FILE}", True, True),
    ({"EventType": 4, "DurationSec": 70}, f"Print paused, {FILE}", False, False),
    ({"EventType": 8, "DurationSec": 71}, f"Paused by Gadget, it may be failing, {FILE}", False, False),
    ({"EventType": 5, "DurationSec": 80}, f"Printing again, {FILE}", True, True),
]


@pytest.mark.parametrize("action", [ANDROID, IPHONE])
async def test_lock_screen(home: Home, phones: dict[str, str], action: str) -> None:
    """A phone that can shows the print on its lock screen from start to end, with one tag, over restarts of Home Assistant."""
    await home.automate("tell_me", phones=[phones[action]])
    tags = set()
    for says, message, counts, may_wait in ON_THE_LOCK_SCREEN:
        await home.at(home.now + MINUTE)
        await home.post(FULL | {"Error": None} | says)
        live, *others = home.called(action)
        home.calls.clear()
        far = FAR | ({"progress": 0, "critical_text": "0 %"} if says["EventType"] == 1 else {})
        finish = int((home.now + timedelta(seconds=605)).timestamp())
        timer = {"chronometer": True, "when": finish, "timeout": 605 + 5400} if counts else {}
        tags.add(live["data"].pop("tag"))
        assert live == {"title": "Ender3", "message": message, "data": LOOKS | far | timer | {"silent": may_wait}}
        assert titles(others) == [message.partition(", “")[0]] * (says["EventType"] in (8, 11))
        await home.restart()
    await home.post(FULL, EventType=2, DurationSec=600, Error=None)
    end, last = home.called(action)
    tags.add(end["data"].pop("tag"))
    (tag,) = tags
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", tag)
    assert end == {"message": "clear_notification", "data": {}}
    assert (last["title"], last["message"]) == ("Print complete: Ender3", "“MyCoolPrint.gcode”, took 10 min")
    assert last["data"]["tag"] != tag
    assert last["data"]["image"] == FULL["SnapshotUrl"]
    assert not {"live_update", "progress", "alert_once"} & last["data"].keys()


# Which phones can show a print on the lock screen.
ABLE: Final = (
    ("Apple", "iPhone15,2", "17.1.2", False),
    ("Apple", "iPad14,1", "26.0", True),
    ("Apple", "iPhone10,1", "18", True),
    ("Apple", "MacBookPro18,3", "26.1", False),
    ("Google", "Pixel 9", "35", False),
    ("samsung", "SM-S931B", "37", True),
    ("samsung", "SM-S931B", None, False),
    ("samsung", "SM-S931B", "newest", False),
    (None, None, None, False),
)


@pytest.mark.parametrize("is_wanted", [True, False])
async def test_phones_that_can(home: Home, is_wanted: bool) -> None:
    """An older phone, and one whose owner does not want it on the lock screen, gets what it always got."""
    ids = []
    for number, (manufacturer, model, version, _) in enumerate(ABLE):
        home.note(f"notify.mobile_app_phone_{number}")
        device = {"manufacturer": manufacturer, "model": model, "sw_version": version}
        ids.append(add_phone(home, name=f"Phone {number}", **device))
    await home.automate("tell_me", phones=ids, on_lock_screen=is_wanted)
    for slug in ("print_started", "print_progress", "third_layer_complete", "print_failed"):
        await home.post(FULL, EventType=NUMBERS[slug])
    for number, (*_, is_able) in enumerate(ABLE):
        told = home.called(f"notify.mobile_app_phone_{number}")
        if is_able and is_wanted:
            assert [data.get("title") for data in told] == ["Ender3", "Ender3", "Ender3", None, "Print failed: Ender3"]
        else:
            assert titles(told) == ["Print started", "Printing", "Print failed"]
            assert ordinary(told) == told


@pytest.mark.parametrize("is_in_print", [True, False])
async def test_lock_screen_and_errors(home: Home, phones: dict[str, str], is_in_print: bool) -> None:
    """A print that stops with an error is over on the lock screen, and back there when it goes on; an idle printer is not there."""
    await home.automate("tell_me", phones=[phones[IPHONE]])
    await home.post(FULL, EventType=1)
    if not is_in_print:
        await home.post(FULL, EventType=2, DurationSec=60)
    home.calls.clear()
    await home.post(FULL, EventType=9, DurationSec=70)
    told = home.called(IPHONE)
    assert len(told) - len(ordinary(told)) == is_in_print
    await home.post(FULL, EventType=5, DurationSec=80)
    assert ("live_update" in home.called(IPHONE)[-1]["data"]) is is_in_print


@pytest.mark.parametrize("is_critical", [False, True])
async def test_critical(home: Home, phones: dict[str, str], is_critical: bool) -> None:
    """What failed breaks through silent mode where that is wanted, and nothing else does."""
    await home.automate("tell_me", phones=list(phones.values()), critical=is_critical)
    slugs = ["print_started", "print_progress", "gadget_warning", "gadget_paused", "error", "filament_change_required"]
    for slug in [*slugs, "print_failed"]:
        await home.post(FULL, EventType=NUMBERS[slug])
    for action in phones:
        loud = [data for data in home.called(action) if data["data"].get("channel") == "alarm_stream"]
        assert [data for data in home.called(action) if (data["data"].get("push") or {}).get("sound")] == loud
        failed = ["The print may be failing", "Paused by Gadget, it may be failing", "Error", "Print failed"]
        assert titles(loud) == (failed if is_critical else [])


@pytest.mark.parametrize(
    ("end", "title"),
    [
        (CANCELLED, "Print canceled"),
        ({"EventType": 3, "Error": None, "PlatformErrorCode": "FAILED"}, "Print failed"),  # nobody can tell
        ({"EventType": 3, "Error": "error", "PlatformErrorCode": None}, "Print failed"),
    ],
)
async def test_cancelled(home: Home, phones: dict[str, str], end: dict[str, Any], title: str) -> None:
    """A print that somebody cancelled is said as such, quietly, and not at all where that is not chosen; others have failed."""
    await home.automate("tell_me", phones=list(phones.values()), critical=True)
    await home.post(FULL, EventType=1)
    await home.post(FULL | end)
    for action in phones:
        last = home.called(action)[-1]
        assert last["title"] == f"{title}: Ender3"
        is_quiet = last["data"]["push"] == {"interruption-level": "passive"} and last["data"]["importance"] == "low"
        assert is_quiet is (end is CANCELLED)
    home.calls.clear()
    kinds = ["print_failed", "print_progress"]
    await home.automate("tell_me", phones=[phones[OLD], phones[IPHONE]], kinds=kinds)
    await home.post(FULL, EventType=1, PrintId="print-2")
    await home.post(FULL | end, PrintId="print-2")
    assert titles(home.called(OLD)) == ([] if end is CANCELLED else [title])
    assert [data["message"] for data in home.called(IPHONE)].count("clear_notification") == 1


async def test_late_news(home: Home, phones: dict[str, str]) -> None:
    """What arrives late does not take the place of newer news, of the same print or of the one before."""
    await home.automate("tell_me", phones=[phones[OLD], phones[ANDROID]])
    await home.play(fixture("back_to_back"))
    for action in (OLD, ANDROID):
        last = {data["data"]["tag"]: data["title"] for data in ordinary(home.called(action))}
        assert list(last.values()) == ["Print complete: Voron 2.4"] * 2
    lock_screen = [data for data in home.called(ANDROID) if data not in ordinary(home.called(ANDROID))]
    assert [data["message"] for data in lock_screen].count("clear_notification") == 2
    assert lock_screen[-1]["message"] == "clear_notification"
    home.calls.clear()
    await home.post(FULL, EventType=1)
    await home.post(FULL, EventType=2)
    await home.post(FULL, Progress=20, DurationSec=40)
    assert titles(home.called(OLD)) == ["Print started", "Print complete"]


async def test_late_end_of_the_print_before(home: Home, phones: dict[str, str]) -> None:
    """The late end of a print is told, and leaves the lock screen to the print that goes on."""
    await home.automate("tell_me", phones=[phones[IPHONE]])
    await home.post(FULL, EventType=1)
    await home.at(START + HOUR)
    await home.post(FULL, EventType=1, PrintId="print-2", DurationSec=0)
    await home.post(FULL, EventType=2, DurationSec=3000)
    assert [data.get("title") for data in home.called(IPHONE)] == ["Ender3", "Ender3", "Print complete: Ender3"]


async def test_phone_that_cannot_be_reached(home: Home, phones: dict[str, str]) -> None:
    """A phone that Home Assistant cannot notify, perhaps no longer, keeps nobody else from being told."""
    gone = add_phone(home, name="Old")
    # What Home Assistant makes for each phone that can be notified.
    er.async_get(home.hass).async_get_or_create("notify", MOBILE_APP, "pixel", device_id=phones[OLD])
    await home.automate("tell_me", phones=[gone, "deleted", phones[OLD]], notify_entities=["notify.telegram"])
    home.excused = "Action notify.mobile_app_old not found"
    await home.post(FULL)
    assert len(home.called(OLD)) == len(home.called("notify.send_message")) == 1


async def test_chosen_printers_and_kinds(home: Home, phones: dict[str, str]) -> None:
    """Only what was chosen is told, by the name that the printer has at home."""
    prints = fixture("two_printers")
    ids = list(dict.fromkeys(arrival.body["PrinterId"] for arrival in prints))
    await home.play(prints[:5])
    device = home.name(ids[1], "Garage")
    await home.automate("tell_me", phones=[phones[OLD]], printers=[device], kinds=["third_layer_complete"])
    await home.play(prints[5:])
    assert [data["title"] for data in home.called(OLD)] == ["Third layer complete: Garage"]


async def test_without_a_print(home: Home, phones: dict[str, str]) -> None:
    """What is not about a print has a notification of its own, and leads to the printer where there is no other link."""
    await home.automate("tell_me", phones=list(phones.values()), kinds=["error", "test"])
    await home.post(EventType=16)
    await home.post(EventType=9)
    device = the_device(home.hass)
    for action in phones:
        test, error = home.called(action)
        assert (test["title"], test["message"]) == ("Test notification: Ender3", "Test notification")
        assert (error["title"], error["message"]) == ("Error: Ender3", "Error")
        assert test["data"]["url"] == "/config/integrations"
        assert error["data"]["url"] == f"/config/devices/device/{device.id}"
        assert test["data"]["tag"] == error["data"]["tag"]


async def test_text_for_others(home: Home, phones: dict[str, str]) -> None:
    """Names and errors are neither Markdown, nor markup, nor addresses, nor lines, wherever they are told."""
    odd = "Benchy_PLA *x* `y` [z](w) <i> &lt;\n# see https://a.example.org/b, www.c.org\nor d@e.org"
    await home.automate("tell_me", phones=[phones[OLD]], notify_entities=["notify.telegram"])
    await home.post(FULL, EventType=9, PrinterName="[1] #", FileName="Benchy_PLA.gcode", Error=odd)
    (phone,) = home.called(OLD)
    (other,) = home.called("notify.send_message")
    for text in (phone["message"], other["message"]):
        assert "\n" not in text
        assert not re.search(r"[<>]|&\w+;|://\w|www\.\w|@\w|\.org", text)
    assert phone["message"].startswith("“Benchy_PLA *x* `y` [z](w) \u2039i\u203a \uff06lt; # see https:")
    assert "“Benchy_PLA.gcode”" in phone["message"]
    assert not re.search(r"[_*`\[]", other["title"] + other["message"])
    assert (phone["title"], other["title"]) == ("Error: [1] #", "Error: (1) #")


# Cut the power when the bed has cooled


PLUG: Final = "switch.plug"
COOL: Final = fixture("cancelled")[-1].body
"""What is said last: the bed has cooled down."""


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
        ("sparse", 10260.5),
        ("error_while_idle", 3668.6),
        ("back_to_back", 8191.8),
        ("bambu_cancelled", 3912),
        # It died with an error, and nothing else said that it was over.
        ("klipper_died", 4657.9),
        ("elegoo_cc2_died", 4389.4),
        ("prusalink_died", 4952.8),
        # It went on after the error.
        ("prusalink_continued", 8816.9),
        # Nobody says that the bed is cool.
        ("elegoo_died", None),
        ("same_file_again", None),
        # Of these, one print is not known to be over.
        ("two_printers", None),
        ("free_account", None),
    ],
)
async def test_cut(home: Home, cuts: list[datetime], print_: str, seconds: float | None) -> None:
    """The power is cut when the bed is cool, once, and never while it is not known that every print is over."""
    await home.automate("cut_power", plugs=[PLUG])
    prints = fixture(print_)
    await home.play(prints)
    await home.wait(prints[-1].at + timedelta(days=3), step=timedelta(minutes=30))
    assert [round((moment - START).total_seconds()) for moment in cuts] == ([] if seconds is None else [round(seconds)])


@pytest.fixture
async def over(home: Home, cuts: list[datetime]) -> datetime:
    """Let a print end on a printer whose bed never says that it is cool; return when."""
    await home.automate("cut_power", plugs=[PLUG], by_clock=True)
    prints = fixture("cancelled")[:-1]
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
@pytest.mark.parametrize("printer", [COOL["PrinterId"], "another"])
async def test_never_cut(home: Home, over: datetime, cuts: list[datetime], slug: str, printer: str) -> None:
    """As long as any of the printers does anything else than to be done, the power stays, silent or not."""
    body = {"PrinterId": printer, "PrinterName": "Another", "PrintId": "another", "TimeRemainingSec": 60}
    await home.post(body, EventType=NUMBERS[slug])
    await home.wait(over + 20 * HOUR, step=HOUR / 2)
    await home.run()
    await home.post(body, EventType=16)
    await home.post(body | {"PrintId": "earlier"}, EventType=15)
    await home.wait(over + 23 * HOUR)
    assert cuts == []


@pytest.mark.parametrize("key", ["status", "estimated_finish"])
async def test_never_cut_in_the_dark(home: Home, over: datetime, cuts: list[datetime], key: str) -> None:
    """A printer whose state nobody can see is not done."""
    entity_id = f"sensor.prusa_mk4s_{key}"
    er.async_get(home.hass).async_update_entity(entity_id, disabled_by=er.RegistryEntryDisabler.USER)
    await home.restart()
    await home.wait(over + timedelta(hours=8))
    assert cuts == []


async def test_never_cut_without_the_integration(
    home: Home, over: datetime, cuts: list[datetime], entry: MockConfigEntry
) -> None:
    """Without the integration nothing is known."""
    await unload(home.hass)
    await home.wait(over + timedelta(hours=1))
    await home.run()
    assert cuts == []
    await load(home.hass)


async def test_cut_of_chosen_printers(home: Home, cuts: list[datetime]) -> None:
    """Only the printers on the plug count, whatever their entities are called."""
    prints = fixture("two_printers")
    await home.play(prints[:5])
    device = the_device(home.hass, prints[0].body["PrinterId"])
    for number, entity in enumerate(er.async_entries_for_device(er.async_get(home.hass), device.id)):
        er.async_get(home.hass).async_update_entity(entity.entity_id, new_entity_id=f"{entity.domain}.renamed_{number}")
    await home.automate("cut_power", plugs=[PLUG], printers=[device.id])
    await home.play(prints[5:])
    assert [round((moment - START).total_seconds()) for moment in cuts] == [8477]


async def test_never_cut_beyond_the_daily_limit(home: Home, over: datetime, cuts: list[datetime]) -> None:
    """Where nobody would hear of the next print, only what the bed has said counts."""
    await home.wait(over + 30 * MINUTE, step=MINUTE)
    await home.post(COOL | {"PrintId": "the next one"}, EventType=13)
    await home.wait(over + 90 * MINUTE, step=MINUTE)
    assert cuts == []
    await home.post(COOL)
    assert len(cuts) == 1


async def test_never_cut_while_the_same_file_is_printed_again(home: Home, cuts: list[datetime]) -> None:
    """A file that is printed twice in a row keeps its id with Klipper, and the power as long as it prints."""
    await home.automate("cut_power", plugs=[PLUG], by_clock=True)
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
    await home.post(COOL)
    assert len(cuts) == 1
    await home.post(COOL, EventType=16)
    await home.post(COOL)
    await home.wait(over + timedelta(hours=3))
    assert len(cuts) == 1
    for slug in ("print_started", "print_complete"):
        await home.post(COOL | {"PrintId": "the next one"}, EventType=NUMBERS[slug])
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
    """Return True if the light was made again what it was before, and the siren turned off."""
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
    await home.wait(START + 55 * MINUTE)
    assert home.calls == ALARM
    home.hass.states.async_set(LIGHT, "on", {"brightness": 255, "supported_color_modes": ["brightness"]})
    await home.post(FULL, EventType=NUMBERS[end], Progress=50)
    assert home.calls[:2] == ALARM
    assert restored(home.calls[2:])
    assert home.hass.states.async_entity_ids("scene") == []


@pytest.mark.parametrize("restarts", [(), (20,), (10, 30, 50)])
@pytest.mark.parametrize(("longest", "minutes"), [({}, 60), ({"longest": {"hours": 2}}, 120)])
async def test_longest_alarm(
    home: Home, alarm: dict[str, Any], restarts: tuple[int, ...], longest: dict[str, Any], minutes: int
) -> None:
    """An alarm to which nobody comes ends by itself, however often Home Assistant is restarted, and does not begin again."""
    home.note("notify.end")
    await home.automate("something_wrong", **alarm | longest | {"end": [{"action": "notify.end"}]})
    await home.post(FULL, EventType=9)
    home.hass.states.async_set(LIGHT, "on", {"brightness": 255, "supported_color_modes": ["brightness"]})
    for restart in restarts:
        await home.wait(START + restart * MINUTE)
        await home.restart()
    await home.wait(START + (minutes - 2) * MINUTE, step=MINUTE)
    assert home.calls == ALARM
    await home.wait(START + (minutes + 2) * MINUTE, step=MINUTE)
    assert home.calls[-1] == ("notify.end", {})
    assert home.calls[2:4] == [OFF, QUIET] if restarts else restored(home.calls[2:4])
    await home.restart()
    await home.wait(home.now + 3 * HOUR)
    assert len(home.calls) == 5


async def test_longest_alarm_of_two(home: Home, alarm: dict[str, Any]) -> None:
    """A second problem gives the alarm its whole time, also after a restart; one that passed its end meanwhile ends at once."""
    await home.automate("something_wrong", **alarm)
    await home.post(FULL, EventType=9)
    await home.wait(START + 40 * MINUTE)
    await home.post(FULL, PrinterId="printer-2", EventType=9)
    await home.restart()
    await home.wait(START + 90 * MINUTE)
    assert home.calls == ALARM * 2
    home.hass.states.async_set(SIREN, "on")
    await home.stop()
    await home.wait(START + 3 * HOUR)
    await home.start()
    assert home.calls[4:6] == [OFF, QUIET]


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
    assert restored(home.calls[2:]) if is_edited else home.calls[2:] == [OFF, QUIET]


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
    await home.post(FULL, EventType=5, DurationSec=60)
    assert restored(home.calls)


async def test_no_alarm(home: Home, alarm: dict[str, Any]) -> None:
    """Neither what was not chosen, nor other printers, nor late news are a reason, not even after a restart."""
    await home.post(FULL, EventType=1)
    device = the_device(home.hass)
    await home.automate("something_wrong", **alarm, printers=[device.id], kinds=["error"])
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
        ("troubled", 240, ["X1 Carbon"]),
        ("two_printers", 15, ["Ender 3 V3", "X1 Carbon (garage)"]),
        ("back_to_back", 15, ["Voron 2.4", "Voron 2.4"]),
        ("cancelled", 15, []),
        ("sparse", 15, []),
    ],
)
@pytest.mark.parametrize("is_restarted", [False, True])
async def test_soon(home: Home, print_: str, minutes: int, printers: list[str], is_restarted: bool) -> None:
    """Once in each print, as long before its end as was chosen, whether Home Assistant is restarted now and then or not."""
    home.note("notify.soon")
    await home.automate("finished_soon", before={"minutes": minutes}, actions=SAY_SOON)
    for number, arrival in enumerate(fixture(print_)):
        await home.play([arrival], step=5 * MINUTE)
        if is_restarted and number % 6 == 3:
            await home.restart()
    await home.wait(home.now + 6 * HOUR)
    told = home.called("notify.soon")
    assert [data["printer"] for data in told] == printers
    # By then, minutes may have passed between two looks.
    assert all(minutes - 6 <= data["minutes_left"] <= minutes for data in told)


async def test_soon_words(home: Home) -> None:
    """What to do is told what it is about; of chosen printers alone where some were chosen."""
    home.note("notify.soon")
    await home.post(FULL)
    device = home.name("printer-1", "12.50")
    await home.automate("finished_soon", printers=[device], actions=SAY_SOON)
    for printer in ("printer-1", "printer-2"):
        await home.post(FULL, PrinterId=printer, FileName="[1] #", TimeRemainingSec=840, DurationSec=60)
    await home.at(home.now + timedelta(seconds=6))
    (said,) = home.called("notify.soon")
    assert said == {"printer": "\u206012.50", "file": "\u2060[1] #", "minutes_left": 14, "finish": "09:40"}
    await home.run()
    example = {"printer": "\u20603D printer", "file": "", "minutes_left": 15, "finish": "09:41"}
    assert home.called("notify.soon")[-1] == example


# Say it out loud


QUIET_HOURS: Final = {
    ("22:00:00", "07:00:00"): {"06:59:59": False, "07:00:00": True, "21:59:59": True, "22:00:00": False},
    ("13:00:00", "15:00:00"): {"12:59:59": True, "13:00:00": False, "14:59:59": False, "15:00:00": True},
    ("08:00:00", "08:00:00"): {"03:00:00": True, "08:00:00": True},
}
"""From when until when it is quiet, and whether something is said at a time."""


@pytest.mark.parametrize(("quiet_from", "quiet_until"), QUIET_HOURS)
async def test_quiet_hours(home: Home, freezer: FrozenDateTimeFactory, quiet_from: str, quiet_until: str) -> None:
    """In the quiet hours, by the clock on the wall, nothing is said."""
    await home.hass.config.async_set_time_zone("Europe/Vienna")
    satellites = ["assist_satellite.kitchen"]
    await home.automate("say_it", satellites=satellites, quiet_from=quiet_from, quiet_until=quiet_until)
    for time, is_said in QUIET_HOURS[quiet_from, quiet_until].items():
        home.calls.clear()
        freezer.move_to(datetime.fromisoformat(f"2026-07-01T{time}+02:00"))
        await home.post(FULL, EventType=2, PrintId=time)
        said = [{"entity_id": satellites, "message": "Ender3 has finished its print.", "preannounce": True}]
        assert home.called("assist_satellite.announce") == (said if is_said else [])


async def test_speakers(home: Home) -> None:
    """Speakers take a voice, the first one unless another is chosen; voice assistants stay silent where only they are chosen."""
    home.note("tts.speak")
    for voice in ("tts.first", "tts.second"):
        home.hass.states.async_set(voice, "unknown")
    speakers = ["media_player.kitchen", "media_player.attic"]
    await home.automate("say_it", speakers=speakers)
    await home.post(FULL, EventType=8)
    await home.automate("say_it", speakers=speakers, voice=["tts.second"])
    await home.post(FULL, EventType=3)
    words = [
        ("tts.first", "Ender3 was paused, because its print is failing."),
        ("tts.second", "The print on Ender3 has failed."),
    ]
    assert home.calls == [
        ("tts.speak", {"entity_id": [voice], "media_player_entity_id": speakers, "message": message})
        for voice, message in words
    ]


async def test_words(home: Home) -> None:
    """What is said follows the printer's own name and the chosen words; nothing is said where there is nothing to say."""
    await home.post(FULL, EventType=1)
    device, satellites = home.name("printer-1", "Der Drucker"), ["assist_satellite.kitchen"]
    words = inputs_of("say_it")["words"]["default"] | {"print_failed": "", "print_progress": "{printer}: {progress} %"}
    kinds = ["print_progress", "print_failed", "print_started"]
    await home.automate("say_it", printers=[device], satellites=satellites, words=words, kinds=kinds)
    await home.post(FULL, Progress=0)
    await home.post(FULL, Progress=None)
    await home.post(FULL, EventType=3)
    await home.post(FULL, PrinterId="printer-2", EventType=1)
    await home.post(FULL, PrintId="print-2", EventType=1)
    assert [data["message"] for data in home.called("assist_satellite.announce")] == [
        "Der Drucker: 0 %",
        "Der Drucker has started to print.",
    ]


async def test_cancelled_is_said_quietly(home: Home) -> None:
    """What somebody cancelled is said as such, without a chime."""
    home.note("tts.speak")
    home.hass.states.async_set("tts.first", "unknown")
    chosen = {"satellites": ["assist_satellite.kitchen"], "speakers": ["media_player.attic"]}
    await home.automate("say_it", **chosen)
    await home.post(FULL | CANCELLED)
    message = "The print on Ender3 was canceled."
    assert [(data["message"], data.get("preannounce")) for _, data in home.calls] == [(message, False), (message, None)]
