"""Tests of the blueprints with printers that can be asked and told: what a phone's buttons do, and when the power is cut."""

from collections.abc import Mapping
from datetime import datetime, timedelta
import json
import re
from typing import Any, Final

from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.octoeverywhere import plugin_api
from custom_components.octoeverywhere.const import DOMAIN
from custom_components.octoeverywhere.payload import JsonObject
from custom_components.octoeverywhere.plugin_api import Command, PluginApi

from .conftest import FULL, NUMBERS, value
from .fake_printer import Printer
from .test_blueprints import (  # noqa: F401 - fixtures
    ANDROID,
    HOUR,
    IPHONE,
    MINUTE,
    OLD,
    PLUG,
    Home,
    cuts,
    home,
    inputs_of,
    phones,
    settle,
)
from .test_dashboard import ENTITY, visible

ANSWER: Final = "mobile_app_notification_action"
STATUS: Final = "sensor.ender3_status"


class Live(Printer):
    """A printer that can be asked and told, with what it was told."""

    def __init__(self, make: str) -> None:
        """Go by Home Assistant's clock."""
        super().__init__(make, clock=lambda: dt_util.utcnow().timestamp())
        self.told: list[str] = []
        self.refuses: int | None = None
        """With which number it refuses whatever it is told."""

    def answer(self, status: int) -> None:
        """Answer as the plugin does."""
        plugin_api._read_answer(json.dumps({"Status": status}).encode())  # noqa: SLF001


@pytest.fixture
def make() -> str:
    """Return the make of the printer."""
    return "klipper"


@pytest.fixture
def printer(make: str, monkeypatch: pytest.MonkeyPatch) -> Live:
    """Return the printer, to which every connection leads."""
    printer = Live(make)

    async def status(_: PluginApi) -> JsonObject:
        return plugin_api._read_answer(json.dumps(printer.status()).encode())["Result"]  # type: ignore[no-any-return] # noqa: SLF001

    async def command(_: PluginApi, command: Command, body: Mapping[str, Any]) -> None:
        printer.told.append(command)
        printer.answer(printer.refuses or printer.command(command, body))

    monkeypatch.setattr(PluginApi, "async_status", status)
    monkeypatch.setattr(PluginApi, "async_command", command)
    return printer


@pytest.fixture
async def entry(hass: HomeAssistant, entry_data: dict[str, Any], printer: Live) -> MockConfigEntry:
    """Return an entry with a live connection."""
    connection = ConfigSubentryData(
        data={"printer_id": "printer-1", "url": "https://shared-x.octoeverywhere.com"},
        subentry_type="live",
        title="Ender3",
        unique_id="printer-1",
    )
    entry = MockConfigEntry(domain=DOMAIN, title="OctoEverywhere", data=entry_data, subentries_data=[connection])
    entry.add_to_hass(hass)
    assert await async_setup_component(hass, "camera", {})  # while something can be added to the server
    return entry


async def tick(home: Home, seconds: int, step: int = 1) -> None:  # noqa: F811
    """Let time pass, second by second."""
    for _ in range(0, seconds, step):
        await home.at(home.now + timedelta(seconds=step))


async def say(home: Home, printer: Live, slug: str, **keys: Any) -> None:  # noqa: F811
    """Post what the plugin says of the print of the printer."""
    await home.post(FULL | {"PrintId": printer.print_id, "Error": None} | keys, EventType=NUMBERS[slug])


@pytest.fixture
async def printing(home: Home, printer: Live) -> Live:  # noqa: F811
    """Let the printer print, which Home Assistant knows."""
    printer.start("MyCoolPrint.gcode", 10 * 3600, 100, warmup=0)
    await tick(home, 3)
    await say(home, printer, "print_started", DurationSec=0)
    await tick(home, 15)
    assert value(home.hass, STATUS) == "printing"
    return printer


# Ask me when a print may be failing


ANNA: Final = "user-anna"


class Phones:
    """Two phones that are asked, and who has them."""

    def __init__(self, home: Home, devices: dict[str, str]) -> None:  # noqa: F811
        """Give the first one to Anna; nobody knows whose the other one is."""
        self._home = home
        self.devices = [devices[OLD], devices[IPHONE]]
        home.hass.states.async_set("person.anna", "home", {"user_id": ANNA, "friendly_name": "Anna"})

    def shows(self, phone: str) -> dict[str, Any]:
        """Return what a phone shows: the last notification."""
        return self._home.called(phone)[-1]

    def told(self, phone: str = OLD) -> str:
        """Return what a phone says, and which buttons it has."""
        shown = self.shows(phone)
        buttons = [button["title"] for button in shown.get("data", {}).get("actions", [])]
        return " | ".join([shown.get("title", ""), shown["message"], *buttons])

    async def press(self, button: str, phone: str = OLD, *, shown: dict[str, Any] | None = None) -> None:
        """Press a button of what a phone shows, or has shown."""
        buttons = (shown or self.shows(phone))["data"]["actions"]
        (action,) = [one["action"] for one in buttons if one["title"] == button]
        if phone == OLD:
            said, context = {"action": action, "device_id": "Pixel 5"}, Context(user_id=ANNA)
        else:
            said, context = {"action": action, "sourceDeviceID": "My iPhone"}, Context(user_id="user-nobody")
        self._home.hass.bus.async_fire(ANSWER, said, context=context)
        await settle()


@pytest.fixture
async def asks(home: Home, printing: Live, phones: dict[str, str]) -> Phones:  # noqa: F811
    """Let two phones be asked about the print."""
    asks = Phones(home, phones)
    await home.automate("ask_me", phones=asks.devices, after={"minutes": 10})
    await say(home, printing, "gadget_warning", DurationSec=100)
    await tick(home, 5)
    return asks


QUESTION: Final = "The print may be failing: Ender3 | “MyCoolPrint.gcode”, 21 % | Pause | Cancel | It is fine"
REALLY: Final = "Really cancel? Ender3 | “MyCoolPrint.gcode” | Yes, cancel | No"


async def test_question(asks: Phones) -> None:
    """The question has the picture, a way to OctoEverywhere and three buttons, and is one notification for each printer."""
    for phone in (OLD, IPHONE):
        assert asks.told(phone) == QUESTION
        looks = asks.shows(phone)["data"]
        assert looks["image"] == FULL["SnapshotUrl"]
        assert looks["url"] == looks["clickAction"] == FULL["QuickViewUrl"]
        assert len(looks["tag"]) <= 64
        assert [button["destructive"] for button in looks["actions"]] == [False, True, False]


@pytest.mark.parametrize(
    ("pressed", "commands", "said"),
    [
        (["Pause"], ["pause"], "Ender3 | Paused by {who}"),
        (["It is fine"], [], "Ender3 | {who} says that it is fine"),
        (["Cancel", "Yes, cancel"], ["cancel"], "Ender3 | Canceled by {who}"),
        (["Cancel", "No", "Pause"], ["pause"], "Ender3 | Paused by {who}"),
        (["Cancel", "No", "Cancel", "Yes, cancel"], ["cancel"], "Ender3 | Canceled by {who}"),
    ],
)
@pytest.mark.parametrize("is_restarted", [False, True])
@pytest.mark.parametrize(("phone", "who"), [(OLD, "Anna"), (IPHONE, "My iPhone")])
async def test_answers(
    home: Home,  # noqa: F811
    printing: Live,
    asks: Phones,
    pressed: list[str],
    commands: list[str],
    said: str,
    is_restarted: bool,
    phone: str,
    who: str,
) -> None:
    """What is pressed is done once, and both phones say who did it; a restart in between is none of their business."""
    questions = {"Cancel": REALLY, "No": QUESTION}
    first = asks.shows(IPHONE)
    if is_restarted:
        home.calls.clear()
        await home.restart()
        await tick(home, 20)
        assert home.calls == []  # it is not asked again
    shown: dict[str, Any] | None = first
    for button in pressed:
        await asks.press(button, phone, shown=shown)
        shown = None
        if button in questions:
            assert asks.told(OLD) == asks.told(IPHONE) == questions[button]
    await tick(home, 50)
    assert printing.told == commands
    assert asks.told(OLD) == asks.told(IPHONE) == said.format(who=who)
    # What comes too late does nothing, nor does time.
    for late in ("Pause", "It is fine", "Cancel"):
        await asks.press(late, shown=first)
    home.calls.clear()
    await tick(home, 1200, 60)
    assert printing.told == commands
    assert home.calls == []


@pytest.mark.parametrize("make", ["octoprint", "klipper", "bambu", "elegoo_cc1", "elegoo_cc2", "prusalink"])
@pytest.mark.parametrize("effect_after", [0, 20])
async def test_makes(home: Home, printing: Live, asks: Phones, effect_after: int) -> None:  # noqa: F811
    """Every make does what is pressed, in its own time, and the phones say so."""
    printing.effect_after = effect_after
    await asks.press("Pause")
    await tick(home, 50)
    assert asks.told() == "Ender3 | Paused by Anna"
    await say(home, printing, "gadget_warning", DurationSec=200)
    assert asks.told().endswith("| Cancel | It is fine")
    await asks.press("Cancel", IPHONE)
    await asks.press("Yes, cancel", IPHONE)
    await tick(home, 120, 2)
    assert asks.told() == "Ender3 | Canceled by My iPhone"
    assert printing.told == ["pause", "cancel"]


async def test_edited(home: Home, printing: Live, asks: Phones) -> None:  # noqa: F811
    """Whoever edits the automation in between is not asked again, and the buttons go on to work."""
    first = asks.shows(OLD)
    home.calls.clear()
    await home.automate("ask_me", phones=asks.devices, after={"minutes": 20})
    assert home.calls == []
    await asks.press("Pause", shown=first)
    await tick(home, 30)
    assert printing.told == ["pause"]
    assert asks.told(IPHONE) == "Ender3 | Paused by Anna"


@pytest.mark.parametrize("is_critical", [False, True])
async def test_critical_question(home: Home, printing: Live, phones: dict[str, str], is_critical: bool) -> None:  # noqa: F811
    """The question breaks through silent mode where that is wanted; what became of it never does."""
    asks = Phones(home, phones)
    await home.automate("ask_me", phones=asks.devices, critical=is_critical)
    await say(home, printing, "gadget_warning", DurationSec=100)
    assert (asks.shows(OLD)["data"].get("channel") == "alarm_stream") is is_critical
    await asks.press("It is fine")
    assert asks.shows(OLD)["data"]["push"] == {"interruption-level": "passive"}


async def test_first_answer_counts(home: Home, printing: Live, asks: Phones) -> None:  # noqa: F811
    """Of two answers at the same time, the first one counts."""
    first = asks.shows(OLD)
    await asks.press("It is fine", OLD)
    await asks.press("Pause", IPHONE, shown=first)
    await tick(home, 60)
    assert printing.told == []
    assert asks.told(IPHONE) == "Ender3 | Anna says that it is fine"


@pytest.mark.parametrize("is_restarted", [False, True])
async def test_no_answer(home: Home, printing: Live, asks: Phones, is_restarted: bool) -> None:  # noqa: F811
    """Without an answer the print is paused after the chosen time, also when Home Assistant was not there then."""
    await tick(home, 540, 30)
    assert printing.told == []
    if is_restarted:
        await home.stop()
        await tick(home, 300, 30)
        await home.start()
    await tick(home, 120, 1)
    assert printing.told == ["pause"]
    assert asks.told(OLD) == asks.told(IPHONE) == "Ender3 | Paused, because nobody answered"
    assert value(home.hass, STATUS) == "paused"


async def test_answered_before_a_restart(home: Home, printing: Live, asks: Phones) -> None:  # noqa: F811
    """What somebody has found fine is not paused after a restart."""
    await asks.press("It is fine")
    await home.restart()
    await tick(home, 1200, 30)
    assert printing.told == []


async def test_never_by_itself(home: Home, printing: Live, phones: dict[str, str]) -> None:  # noqa: F811
    """Unless a time was chosen, nothing is paused unasked; the answer may take days."""
    asks = Phones(home, phones)
    await home.automate("ask_me", phones=asks.devices)
    await say(home, printing, "gadget_warning", DurationSec=100)
    await tick(home, 5 * 3600, 300)
    assert printing.told == []
    await asks.press("Pause")
    await tick(home, 50)
    assert printing.told == ["pause"]


@pytest.mark.parametrize("is_told", [True, False])
async def test_question_of_a_print_that_is_over(home: Home, printing: Live, asks: Phones, is_told: bool) -> None:  # noqa: F811
    """A print that is over takes its question with it; its buttons have nothing to do with the next one."""
    first = asks.shows(OLD)
    printing.complete()
    if is_told:
        await say(home, printing, "print_complete", DurationSec=200)
    await tick(home, 120, 10)
    printing.start("Next.gcode", 36000, warmup=0)
    await tick(home, 120, 10)
    await say(home, printing, "print_started", DurationSec=0)
    assert asks.shows(OLD)["message"] == "clear_notification"
    for button in ("Pause", "Cancel"):
        await asks.press(button, shown=first)
    await tick(home, 1200, 60)
    assert printing.told == []


async def test_second_question(home: Home, printing: Live, asks: Phones) -> None:  # noqa: F811
    """A second warning takes the place of the first: it has its own buttons and its own time."""
    await tick(home, 540, 60)
    first = asks.shows(OLD)
    await say(home, printing, "gadget_warning", DurationSec=700)
    assert asks.told() == QUESTION
    await asks.press("Pause", shown=first)
    await tick(home, 120, 10)
    assert printing.told == []
    await asks.press("It is fine")
    await tick(home, 1200, 60)
    assert printing.told == []


@pytest.mark.parametrize(
    ("off", "refuses", "said"),
    [
        (True, None, "The printer did not do it: it cannot be reached"),
        (False, 788, "The printer did not do it: Printing"),
        (False, 400, "The printer did not do it: Printing"),
        (False, None, "The printer did not do it: Printing"),
    ],
)
async def test_refusal(
    home: Home,  # noqa: F811
    printing: Live,
    asks: Phones,
    off: bool,
    refuses: int | None,
    said: str,
) -> None:
    """A printer that does not do it is told of, in words; it is not told again by itself."""
    home.excused = "printer"
    printing.refuses = refuses
    printing.ignores_commands = True
    if off:
        printing.switch_off()
        await tick(home, 120, 10)
    await asks.press("Pause", IPHONE)
    await tick(home, 120, 5)
    assert printing.told == ([] if off else ["pause"])
    assert asks.told(OLD) == asks.told(IPHONE) == f"Ender3 | {said}"


async def test_two_automations(home: Home, printing: Live, asks: Phones) -> None:  # noqa: F811
    """Others who use the phones' buttons are not meant, nor is who makes one up."""
    for action in ("PAUSE", "octoeverywhere-a-pause-b-1", "octoeverywhere-", "", None, 5, ["a"]):
        home.hass.bus.async_fire(ANSWER, {"action": action})
        await settle()
    id_ = asks.shows(OLD)["data"]["actions"][0]["action"].split("-")
    for wrong in (
        [*id_[:1], "a0", *id_[2:]],
        [*id_[:3], "another", id_[4]],
        [*id_[:4], "1"],
        [*id_[:2], "resume", *id_[3:]],
    ):
        home.hass.bus.async_fire(ANSWER, {"action": "-".join(wrong)})
        await settle()
    home.hass.bus.async_fire(ANSWER, {})
    await settle()
    home.hass.bus.async_fire("octoeverywhere_ask_me", {"asked_by": "automation.another", "what": "pause"})
    await tick(home, 60)
    assert printing.told == []
    assert asks.told() == QUESTION


async def test_printer_without_buttons(home: Home, printing: Live, phones: dict[str, str]) -> None:  # noqa: F811
    """A printer without a live connection is asked about as well, without buttons, and with nothing to be done."""
    asks = Phones(home, phones)
    await home.automate("ask_me", phones=asks.devices, after={"minutes": 10})
    await home.post(FULL, PrinterId="printer-2", PrinterName="Old one", EventType=NUMBERS["gadget_warning"], Error=None)
    assert asks.told() == "The print may be failing: Old one | “MyCoolPrint.gcode”, 21 %"
    assert asks.shows(OLD)["data"]["url"] == FULL["QuickViewUrl"]
    await home.restart()
    await tick(home, 1200, 60)
    assert printing.told == []
    assert asks.told() == "The print may be failing: Old one | “MyCoolPrint.gcode”, 21 %"


async def test_renamed(home: Home, printing: Live, phones: dict[str, str]) -> None:  # noqa: F811
    """Buttons that are called otherwise are not guessed at."""
    er.async_get(home.hass).async_update_entity("button.ender3_cancel", new_entity_id="button.off_with_it")
    await settle()
    asks = Phones(home, phones)
    await home.automate("ask_me", phones=asks.devices)
    await say(home, printing, "gadget_warning", DurationSec=100)
    assert asks.told() == "The print may be failing: Ender3 | “MyCoolPrint.gcode”, 21 %"


async def test_paused_already(home: Home, printing: Live, phones: dict[str, str]) -> None:  # noqa: F811
    """What is paused already is not offered to be paused, and not paused unasked."""
    asks = Phones(home, phones)
    await home.automate("ask_me", phones=asks.devices, kinds=["filament_change_required"], after={"minutes": 10})
    printing.filament_out()
    await tick(home, 20)
    await say(home, printing, "filament_change_required", DurationSec=100)
    assert asks.told() == "Filament change required: Ender3 | “MyCoolPrint.gcode”, 21 % | Cancel | It is fine"
    await tick(home, 1200, 60)
    assert printing.told == []
    await asks.press("Cancel")
    await asks.press("Yes, cancel")
    await tick(home, 60)
    assert printing.told == ["cancel"]
    assert asks.told() == "Ender3 | Canceled by Anna"


async def test_nothing_chosen(home: Home, printing: Live) -> None:  # noqa: F811
    """Without a phone, the question shows up in Home Assistant, and goes with the print."""
    await home.automate("ask_me")
    await say(home, printing, "gadget_warning", DurationSec=100)
    (shown,) = home.called("persistent_notification.create")
    assert shown["title"] == "The print may be failing: Ender3"
    await say(home, printing, "print_complete", DurationSec=200)
    (gone,) = home.called("persistent_notification.dismiss")
    assert gone["notification_id"] == shown["notification_id"]


async def test_odd_people(home: Home, printing: Live, asks: Phones) -> None:  # noqa: F811
    """Somebody may be called whatever they like."""
    home.hass.states.async_set("person.anna", "home", {"user_id": ANNA, "friendly_name": "12.50"})
    await asks.press("It is fine")
    assert asks.told() == "Ender3 | 12.50 says that it is fine"


# Tell me about my prints


async def test_tell_me_and_pause(home: Home, printing: Live, phones: dict[str, str]) -> None:  # noqa: F811
    """A print that may be failing can be paused from its notification, once, and only while it is that print."""
    asks = Phones(home, phones)
    await home.automate("tell_me", phones=asks.devices, on_lock_screen=False)
    await say(home, printing, "gadget_warning", DurationSec=100)
    first = asks.shows(OLD)
    assert asks.told().endswith("| Pause")
    assert asks.told(IPHONE).endswith("| Pause")
    await asks.press("Pause", IPHONE)
    await asks.press("Pause", OLD)
    await tick(home, 30)
    assert printing.told == ["pause"]
    printing.complete()
    await say(home, printing, "print_complete", DurationSec=200)
    printing.start("Next.gcode", 36000, warmup=0)
    await tick(home, 3)
    await say(home, printing, "print_started", DurationSec=0)
    await tick(home, 20)
    assert value(home.hass, "button.ender3_pause") != "unavailable"
    await asks.press("Pause", shown=first)
    home.hass.bus.async_fire(ANSWER, {"action": "PAUSE"})
    home.hass.bus.async_fire(ANSWER, {})
    await tick(home, 30)
    assert printing.told == ["pause"]


async def test_tell_me_before_the_next_look(home: Home, printer: Live, phones: dict[str, str]) -> None:  # noqa: F811
    """What a notification says is told at once, although the printer itself was looked at before it happened."""
    await home.post(FULL, EventType=12)
    await home.automate("tell_me", phones=[phones[ANDROID]])
    await tick(home, 60)
    printer.start("MyCoolPrint.gcode", 36000, 100, warmup=600)
    assert value(home.hass, STATUS) == "idle"
    home.calls.clear()
    for slug in ("print_started", "print_progress"):
        await say(home, printer, slug, DurationSec=5)
        (shown,) = home.called(ANDROID)
        assert shown["data"]["live_update"]
        assert shown["data"]["chronometer"]
        home.calls.clear()
        await tick(home, 60)
        assert value(home.hass, STATUS) == "preparing"
    await say(home, printer, "print_failed", DurationSec=100)
    assert home.called(ANDROID)[0]["message"] == "clear_notification"


# Cut the power when the bed has cooled


@pytest.fixture
async def done(home: Home, printing: Live, cuts: list[datetime]) -> Live:  # noqa: F811
    """Let a print be over, with a printer that is hot, and a plug to be cut."""
    await home.automate("cut_power", plugs=[PLUG], by_clock=True)
    printing.complete()
    await say(home, printing, "print_complete", DurationSec=3600)
    await tick(home, 60, 10)
    return printing


@pytest.mark.parametrize("make", ["octoprint", "klipper", "bambu", "elegoo_cc1", "elegoo_cc2", "prusalink"])
async def test_live_night(home: Home, done: Live, cuts: list[datetime]) -> None:  # noqa: F811
    """The power is cut once nothing is warm any more, and no sooner; when it is switched on again, it stays on."""
    warmest = 999.0
    for _ in range(60 * 6):
        await tick(home, 60, 60)
        if cuts:
            break
        warmest = max(float(value(home.hass, f"sensor.ender3_{name}_temperature") or 0) for name in ("nozzle", "bed"))
    assert len(cuts) == 1
    assert value(home.hass, STATUS) in ("idle", "complete")
    assert warmest < 50
    done.switch_off(next(iter(done.make.off)))
    await home.restart()
    await home.wait(home.now + 2 * HOUR)
    done.switch_on(is_fresh=True)
    await home.wait(home.now + 8 * HOUR)
    await home.restart()
    await home.wait(home.now + 8 * HOUR)
    assert len(cuts) == 1
    # The next print is another reason.
    done.start("Next.gcode", 600, 100, warmup=0)
    await home.wait(home.now + 8 * HOUR, step=MINUTE)
    assert len(cuts) == 2


@pytest.mark.parametrize(("degrees", "shown", "is_cut"), [(49, 120, True), (51, 123, False)])
async def test_live_fahrenheit(
    home: Home,  # noqa: F811
    done: Live,
    cuts: list[datetime],  # noqa: F811
    degrees: int,
    shown: int,
    is_cut: bool,
) -> None:
    """Whoever reads degrees Fahrenheit gets the same."""
    for name in ("nozzle_temperature", "bed_temperature", "nozzle_target", "bed_target"):
        entity_id, unit = f"sensor.ender3_{name}", {"unit_of_measurement": "°F"}
        er.async_get(home.hass).async_update_entity_options(entity_id, "sensor", unit)
    await settle()
    await hold(home, done, bed=(degrees, 0))
    assert float(value(home.hass, "sensor.ender3_bed_temperature") or 0) == pytest.approx(shown, abs=1)
    assert bool(cuts) is is_cut


async def hold(
    home: Home,  # noqa: F811
    printer: Live,
    *,
    bed: tuple[float, float] = (22, 0),
    nozzle: tuple[float, float] = (22, 0),
) -> None:
    """Let time pass while the temperatures, and what they are to be, stay as they are."""
    change = printer._change_temperatures  # noqa: SLF001

    def stay(_: float) -> None:
        printer._heat["Bed"][:], printer._heat["Hotend"][:] = bed, nozzle  # noqa: SLF001

    printer._change_temperatures = stay  # type: ignore[method-assign, assignment] # noqa: SLF001
    stay(0)
    await tick(home, 15 * 60, 30)
    printer._change_temperatures = change  # type: ignore[method-assign] # noqa: SLF001


@pytest.mark.parametrize(
    "what", ["hot", "to_be_hot", "unreachable", "preparing", "printing", "paused", "failed", "unknown"]
)
async def test_live_never_cut(home: Home, done: Live, cuts: list[datetime], what: str) -> None:  # noqa: F811
    """As long as it is warm, does something, or nobody knows, the power stays, whatever the clock says."""
    match what:
        case "unreachable":
            done.switch_off()
        case "preparing":
            done.start("Next.gcode", 36000, 100, warmup=36000)
        case "printing" | "paused":
            done.start("Next.gcode", 36000, 100, warmup=0)
            if what == "paused":
                done.pause()
        case "failed":
            done.start("Next.gcode", 36000, 100, warmup=0)
            done.fail()
    heat: dict[str, Any] = {
        "hot": {"nozzle": (51, 0)},
        "to_be_hot": {"bed": (22, 60)},
        "unknown": {"nozzle": (float("nan"), 0)},
    }
    await hold(home, done, **heat.get(what, {}))
    assert cuts == []


async def test_live_unreachable_and_back(home: Home, done: Live, cuts: list[datetime]) -> None:  # noqa: F811
    """What cooled down while it could not be reached is seen when it can be reached again; or the bed says so itself."""
    done.switch_off()
    await home.wait(home.now + 3 * HOUR)
    assert cuts == []
    await home.restart()
    done.switch_on()
    await home.wait(home.now + HOUR / 2)
    assert len(cuts) == 1


async def test_live_word_of_the_bed(home: Home, done: Live, cuts: list[datetime]) -> None:  # noqa: F811
    """A printer that cannot be reached says with a notification that its bed is cool, as others do; one that can is looked at."""
    await say(home, done, "bed_cooldown_complete", DurationSec=3700)
    assert cuts == []
    done.switch_off()
    await tick(home, 300, 30)
    await say(home, done, "bed_cooldown_complete", DurationSec=7300)
    assert len(cuts) == 1


async def test_live_start_that_was_not_seen_yet(home: Home, done: Live, cuts: list[datetime]) -> None:  # noqa: F811
    """A print that has just begun keeps its power, although the printer was cool when it was looked at last."""
    await home.wait(home.now + 3 * HOUR, step=MINUTE)
    assert len(cuts) == 1
    moment = home.now.replace(minute=59, second=57) + HOUR
    await home.wait(moment, step=MINUTE)
    await home.at(moment)
    assert value(home.hass, STATUS) in ("idle", "complete")
    await home.post(FULL, PrintId="next", EventType=NUMBERS["print_started"], DurationSec=0, Error=None)
    await tick(home, 4)
    assert len(cuts) == 1


async def test_two_kinds_of_printers(home: Home, done: Live, cuts: list[datetime]) -> None:  # noqa: F811
    """A printer that is looked at and one that is not share a plug: it is cut when both are cool."""
    other = FULL | {"PrinterId": "printer-2", "PrinterName": "Old one", "PrintId": "other"}
    await home.post(other, EventType=NUMBERS["print_started"])
    await home.wait(home.now + 2 * HOUR, step=MINUTE)
    await home.post(other, EventType=NUMBERS["print_complete"], DurationSec=7200)
    await home.wait(home.now + 10 * MINUTE, step=MINUTE)
    assert cuts == []
    await home.post(other, EventType=NUMBERS["bed_cooldown_complete"], DurationSec=7800)
    await home.wait(home.now + 10 * MINUTE, step=MINUTE)
    assert len(cuts) == 1


# The dashboard to paste


@pytest.mark.parametrize("make", ["octoprint", "bambu"])
async def test_dashboard(home: Home, printer: Live) -> None:  # noqa: F811
    """With a live connection, the dashboard has its temperatures, its camera, and those buttons that make sense."""
    printer.start("MyCoolPrint.gcode", 36000, 100, warmup=0)
    await home.post(FULL, PrintId=printer.print_id, PrinterName="My printer", EventType=1)
    await tick(home, 20)
    expected = {"camera.my_printer_live", "sensor.my_printer_nozzle_temperature", "sensor.my_printer_bed_temperature"}
    chamber = "sensor.my_printer_chamber_temperature"
    expected |= {chamber} if value(home.hass, chamber) else set()
    buttons = {"pause": {"pause", "cancel"}, "resume": {"resume", "cancel"}, "off": set()}
    for now, offered in buttons.items():
        cards = {card["entity"]: card for card in visible(home.hass) if "entity" in card and "visibility" in card}
        live = (expected | {f"button.my_printer_{key}" for key in offered}) if now != "off" else set()
        assert cards.keys() - {"image.my_printer_snapshot"} == live
        assert set(re.findall(ENTITY, str(list(visible(home.hass))))) <= set(home.hass.states.async_entity_ids())
        for name, card in cards.items():
            for action in (card[key] for key in ("tap_action", "icon_tap_action") if name.startswith("button.")):
                assert (action["perform_action"], action["target"]) == ("button.press", {"entity_id": name})
                assert ("confirmation" in action) is (name == "button.my_printer_cancel")
        printer.pause() if now == "pause" else printer.switch_off()
        await tick(home, 120, 10)
