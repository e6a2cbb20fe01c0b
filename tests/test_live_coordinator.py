"""Tests of a printer that can be asked: a real Home Assistant asks a fake of OctoEverywhere's Plugin API."""

from collections.abc import Callable, Coroutine
import logging
from typing import Any, Final

from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigSubentryData
from homeassistant.core import Event, HomeAssistant, State
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.setup import async_setup_component
from hypothesis import HealthCheck, given, settings, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.octoeverywhere.account import async_get_account
from custom_components.octoeverywhere.const import DOMAIN, is_live_key
from custom_components.octoeverywhere.payload import Notification, Source

from .conftest import (
    ALL_MAKES,
    NUMBERS,
    WORDS,
    Clock,
    Disk,
    Post,
    connection_to,
    device_of,
    issues,
    reload,
    shown,
    value,
)
from .fake_plugin_api import FakePluginApi, RelayedPrinter
from .fake_printer import MAKES
from .test_trigger import automate, heard, trigger

type Pass = Callable[..., Coroutine[Any, Any, None]]
LIVE_ENTITIES: Final = (
    *(f"sensor.ender3_{key}" for key in ("nozzle_temperature", "nozzle_target", "bed_temperature", "bed_target")),
    "sensor.ender3_status_detail",
    "button.ender3_cancel",
    "camera.ender3_live",
)


@pytest.fixture
def connections(relayed: RelayedPrinter) -> list[ConfigSubentryData]:
    """Return the connection to the printer."""
    return [connection_to(relayed)]


@pytest.fixture
def pass_time(clock: Clock) -> Pass:
    """Return a function that lets time pass, and Home Assistant ask the printer meanwhile."""

    async def pass_time(seconds: float, step: float = 15) -> None:
        await clock.elapse_in_steps(seconds, step)

    return pass_time


@pytest.fixture
async def repairs(hass: HomeAssistant) -> None:
    """Set up Repairs; nothing can be added to the server once a client is there."""
    assert await async_setup_component(hass, "repairs", {})


@pytest.fixture
async def known(post: Post, pass_time: Pass, plugin_api: FakePluginApi) -> None:
    """Have Home Assistant know the printer, and ask it for the first time."""
    await post(EventType=12)
    await pass_time(10)


def sensor(hass: HomeAssistant, key: str) -> str | None:
    """Return what a sensor shows."""
    return value(hass, f"sensor.ender3_{key}")


def told(announced: list[Event]) -> list[str]:
    """Return what was announced of prints, in order, that of polling with a mark."""
    names = [f"{event.data['type']}{'*' if event.data['source'] == 'live' else ''}" for event in announced]
    return [name for name in names if name != "user_interaction_required"]


def totals(hass: HomeAssistant) -> list[int]:
    """Return how many prints were completed, failed and cancelled."""
    return [int(sensor(hass, f"prints_{kind}") or -1) for kind in ("completed", "failed", "cancelled")]


@pytest.mark.parametrize("make", ALL_MAKES)
async def test_life(
    hass: HomeAssistant, known: None, pass_time: Pass, relayed: RelayedPrinter, announced: list[Event], make: str
) -> None:
    """A print of which no notification tells is shown, and told, from its start to its end."""
    assert (sensor(hass, "status"), value(hass, "binary_sensor.ender3_connected")) == ("idle", "on")
    statuses = [sensor(hass, "status")]

    async def watch(seconds: float) -> None:
        for _ in range(int(seconds / 15)):
            await pass_time(15)
            if (status := sensor(hass, "status")) != statuses[-1]:
                statuses.append(status)

    relayed.start("benchy.gcode", seconds=1800, layers=100)
    await watch(900)
    assert 20 <= float(sensor(hass, "progress") or 0) <= 60
    assert 0.1 < float(sensor(hass, "time_remaining") or 0) < 0.5
    assert "enchy" in str(sensor(hass, "file_name"))
    assert float(sensor(hass, "nozzle_temperature") or 0) > 200
    assert value(hass, "binary_sensor.ender3_printing") == "on"
    relayed.pause()
    await watch(150)
    remaining = sensor(hass, "time_remaining")
    await watch(60)
    assert sensor(hass, "time_remaining") == remaining
    relayed.resume()
    await watch(1500)
    seen = [status for status in statuses if status != "preparing"]  # which may be over between two looks
    assert seen[:4] == ["idle", "printing", "paused", "printing"]
    assert seen[4:] in (["complete"], ["idle"], ["complete", "idle"])
    assert told(announced) == ["print_started*", "print_paused*", "print_resumed*", "print_complete*"]
    assert totals(hass) == [1, 0, 0]
    assert not issues(hass)


class Life:
    """A printer's life, as a table tells it: what it does, how long, and which notifications come of it."""

    def __init__(self, hass: HomeAssistant, relayed: RelayedPrinter, post: Post, pass_time: Pass) -> None:
        """Begin."""
        self._hass = hass
        self._relayed = relayed
        self._post = post
        self._pass_time = pass_time
        self.began: float = 0
        self._made: dict[str, dict[str, Any]] = {}

    async def live(self, steps: str) -> None:
        """Do one step after the other: so many seconds, what the printer does, or a notification."""
        for step in steps.split(";"):
            name, *words = step.split()
            if name.isdecimal():
                await self._pass_time(int(name))
            elif name == "reload":
                await reload(self._hass)
            elif name in ("make", "send", "tell"):
                await getattr(self, f"_{name}")(*words)
            else:
                if name in ("start", "reprint"):
                    self.began = self._relayed.clock()
                arguments = [*(words or ["benchy.gcode"]), 1800, 100] if name == "start" else words
                getattr(self._relayed, name)(*arguments)

    async def _make(self, kind: str) -> None:
        """Make a notification, which is sent later, if at all."""
        numbers = self._relayed.status()["Result"]["JobStatus"]["CurrentPrint"]
        self._made[kind] = {
            "EventType": NUMBERS[kind],
            "PrintId": self._relayed.print_id,
            "DurationSec": int(self._relayed.clock() - self.began),
            "Progress": int(numbers["Progress"]),
            "TimeRemainingSec": numbers["TimeLeftSec"],
            "FileName": numbers["FileName"],
        }

    async def _send(self, kind: str) -> None:
        """Send a notification, perhaps once more."""
        self._relayed.excuse()
        assert (await self._post(self._made[kind])).status == 200

    async def _tell(self, kind: str) -> None:
        """Tell at once."""
        await self._make(kind)
        await self._send(kind)


@pytest.fixture
def life(hass: HomeAssistant, relayed: RelayedPrinter, post: Post, pass_time: Pass, known: None) -> Life:
    """Return the life of the printer."""
    return Life(hass, relayed, post, pass_time)


UNTIL_PRINTING: Final = "start; 240"
LIVES: Final = [
    # Cancelled: each make shows it in its own way, and a Bambu not so that it could be told from a failure.
    *(
        (make, f"{UNTIL_PRINTING}; cancel; 240", "print_started* print_failed*", [0, 1, 0] if make == "bambu" else [0, 0, 1])
        for make in ALL_MAKES if make != "elegoo_cc2"
    ),
    ("elegoo_cc2", f"{UNTIL_PRINTING}; cancel; 240", "print_started* print_failed*", [0, 1, 0]),
    # It died, or went on.
    ("klipper", f"{UNTIL_PRINTING}; 300; fail; 240; start; 300", "print_started* error* print_started*", [0, 1, 0]),
    ("octoprint", f"{UNTIL_PRINTING}; fail; 240", "print_started* error*", [0, 0, 0]),
    ("bambu", f"{UNTIL_PRINTING}; fail Nozzle; 240", "print_started* error*", [0, 0, 0]),
    ("bambu", f"{UNTIL_PRINTING}; filament_out; 240; resume; 120", "print_started* print_paused* print_resumed*", [0, 0, 0]),
    ("elegoo_cc1", f"{UNTIL_PRINTING}; fail; 240", "print_started* print_failed*", [0, 0, 1]),
    ("elegoo_cc2", f"{UNTIL_PRINTING}; fail; 240", "print_started* error*", [0, 0, 0]),
    ("prusalink", f"{UNTIL_PRINTING}; fail Hot; 240; unload; 240", "print_started* error*", [0, 0, 0]),
    # A notification in time says it all; one that comes too late, or twice, nothing.
    ("klipper", "start; tell print_started; 240; tell print_complete; complete; 240", "print_started print_complete", [1, 0, 0]),
    ("klipper", "start; 60; make print_started; 30; send print_started; 120; pause; 45; tell print_paused; 90", "print_started print_paused", [0, 0, 0]),
    ("klipper", "start; 60; make print_started; 240; send print_started; send print_started; 120", "print_started*", [0, 0, 0]),
    ("klipper", f"{UNTIL_PRINTING}; complete; make print_complete; 240; send print_complete; send print_complete; 30", "print_started* print_complete*", [1, 0, 0]),
    ("octoprint", "start; tell print_started; 200; cancel; 120; tell print_failed; 60", "print_started print_failed*", [0, 0, 1]),
    # Home Assistant starts anew: nothing is told again, and what happened meanwhile is told once.
    ("klipper", f"{UNTIL_PRINTING}; reload; 120; reload; 300", "print_started*", [0, 0, 0]),
    ("klipper", f"{UNTIL_PRINTING}; complete; reload; 240; reload; 120", "print_started* print_complete*", [1, 0, 0]),
    ("elegoo_cc2", f"{UNTIL_PRINTING}; complete; 60; reload; 240", "print_started* print_failed*", [0, 1, 0]),
    # Klipper's plugin takes the same file for the same print.
    ("klipper", f"{UNTIL_PRINTING}; complete; 240; reprint; 240; complete; 240", "print_started* print_complete* print_started* print_complete*", [2, 0, 0]),
    # Its plugin is started anew in mid-print; on Klipper, the print may get another id.
    *((make, f"{UNTIL_PRINTING}; restart_plugin; 300; complete; 240", "print_started* print_complete*", [1, 0, 0]) for make in ("klipper", "bambu", "octoprint")),
    # One print follows the other, and nobody saw the end.
    ("bambu", f"{UNTIL_PRINTING}; complete; start other.gcode; 400", "print_started* print_started*", [0, 0, 0]),
    # Switched off in between.
    ("prusalink", f"{UNTIL_PRINTING}; switch_off; 300; complete; switch_on; 300", "print_started* print_complete*", [1, 0, 0]),
    ("elegoo_cc1", f"{UNTIL_PRINTING}; switch_off; 30; switch_on; 300", "print_started*", [0, 0, 0]),
    # Idle with a loaded file is idle.
    ("octoprint", "load; 240", "", [0, 0, 0]),
]  # fmt: skip


@pytest.mark.parametrize(("make", "steps", "expected", "counted"), LIVES)
async def test_lives(
    hass: HomeAssistant, life: Life, announced: list[Event], steps: str, expected: str, counted: list[int]
) -> None:
    """What a printer does is announced and counted once, by whom it was told first."""
    await life.live(steps)
    assert told(announced) == expected.split()
    assert totals(hass) == counted


# When the printer cannot be asked.

PROGRESS: Final = {
    "EventType": 6,
    "PrintId": "print-1",
    "Progress": 21,
    "TimeRemainingSec": 36000,
    "FileName": "a.gcode",
}


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the integration has logged for its owner."""
    ours = [record for record in caplog.records if record.name.startswith(f"custom_components.{DOMAIN}")]
    return [record.getMessage() for record in ours if record.levelno >= logging.INFO]


def live_states(hass: HomeAssistant) -> set[str | None]:
    """Return what all entities show that only a printer that can be asked has, but for `connected`."""
    return {value(hass, name) for name in LIVE_ENTITIES}


async def test_off_over_night(
    hass: HomeAssistant,
    known: None,
    post: Post,
    pass_time: Pass,
    relayed: RelayedPrinter,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A printer that is switched off costs two lines in the log, and shows what notifications told of it."""
    relayed.start(seconds=36000)
    await pass_time(300)
    relayed.excuse()
    await post(PROGRESS, PrintId=relayed.print_id)
    await pass_time(60)
    caplog.clear()
    relayed.switch_off()
    before = len(relayed.requests)
    await pass_time(8 * 3600, 20)
    assert logged(caplog) == ["Ender3 cannot be reached: printer_off"]
    assert 0.85 * 240 < len(relayed.requests) - before < 1.1 * 240
    assert live_states(hass) == {"unavailable"}
    assert value(hass, "binary_sensor.ender3_connected") == "off"
    assert (sensor(hass, "status"), sensor(hass, "progress"), sensor(hass, "file_name")) == (
        "printing",
        "21",
        "a.gcode",
    )
    relayed.switch_on()
    await pass_time(150)
    assert logged(caplog)[1:] == ["Ender3 can be reached again"]
    assert "unavailable" not in live_states(hass)
    assert (value(hass, "binary_sensor.ender3_connected"), sensor(hass, "file_name")) == ("on", "benchy.gcode")


@pytest.mark.parametrize("answer", ["not_json", 500, 602, 612])
async def test_hiccup(
    hass: HomeAssistant,
    life: Life,
    pass_time: Pass,
    relayed: RelayedPrinter,
    caplog: pytest.LogCaptureFixture,
    answer: Any,
) -> None:
    """One failure changes nothing; after two, nothing is believed any more that was said before."""
    await life.live(UNTIL_PRINTING)
    caplog.clear()
    before = shown(hass)
    relayed.respond(answer, "status", times=1)
    await pass_time(15.8, 15.8)
    assert live_states(hass) == {before[name][0] for name in LIVE_ENTITIES}
    relayed.respond(answer, "status", times=2)
    await pass_time(31, 15.5)
    await pass_time(5)
    assert live_states(hass) == {"unavailable"}
    assert value(hass, "binary_sensor.ender3_connected") == "unknown"
    assert sensor(hass, "status") == "printing"
    await pass_time(200)
    assert "unavailable" not in live_states(hass)
    assert len(logged(caplog)) == 2


async def test_says_nothing(hass: HomeAssistant, life: Life, pass_time: Pass, relayed: RelayedPrinter) -> None:
    """A printer that says nothing of its state is reached, and nothing is known of it."""
    relayed.make = MAKES["elegoo_cc2"]
    await life.live(f"{UNTIL_PRINTING}; switch_off; 30")
    relayed.switch_on(is_named=False)
    await pass_time(150)
    assert (value(hass, "binary_sensor.ender3_connected"), live_states(hass)) == ("on", {"unavailable"})


@pytest.mark.parametrize(
    ("make", "state", "answer", "seconds"),
    [
        ("klipper", "start", None, 15),
        ("klipper", "start; pause", None, 30),
        ("klipper", "", None, 60),
        ("klipper", "start; complete", None, 60),
        ("klipper", "switch_off", None, 120),
        ("elegoo_cc1", "switch_off 787", None, 120),
        ("prusalink", "switch_off 789", None, 600),
        ("klipper", "start", 601, 120),
        ("klipper", "start", 602, 600),
        ("klipper", "start", 605, 3600),
        ("klipper", "start", 604, float("inf")),
    ],
)
async def test_pace(
    hass: HomeAssistant,
    known: None,
    pass_time: Pass,
    relayed: RelayedPrinter,
    state: str,
    answer: int | None,
    seconds: float,
) -> None:
    """A printer is asked as often as is of use, and no more often."""
    for step in state.split("; ") if state else ():
        name, *words = step.split()
        getattr(relayed, name)(*(["a.gcode", 10**6] if name == "start" else [int(word) for word in words]))
    if answer is not None:
        relayed.respond(answer)
    await pass_time(1800)  # until it backs off no further, and everything is told
    before, long = len(relayed.requests), max(1200.0, 10 * min(seconds, 3600))
    await pass_time(long, min(seconds, 3600) / 15)
    assert len(relayed.requests) - before == pytest.approx(long / seconds, rel=0.12, abs=1)


async def test_at_once(hass: HomeAssistant, known: None, post: Post, pass_time: Pass, relayed: RelayedPrinter) -> None:
    """After a notification the printer is asked at once, but not sooner than the pace allows."""
    asked = len(relayed.requests)
    while len(relayed.requests) == asked:
        await pass_time(1)
    looked_at = relayed.requests[-1].at
    await pass_time(20)
    relayed.start(warmup=0)
    await post(EventType=1, PrintId=relayed.print_id)
    await pass_time(3)
    assert 20 <= relayed.requests[-1].at - looked_at < 24
    assert sensor(hass, "nozzle_target") == "240.0"
    asked = len(relayed.requests)
    await post(EventType=10, PrintId=relayed.print_id)
    await pass_time(5)
    assert len(relayed.requests) == asked
    await pass_time(10)
    assert len(relayed.requests) == asked + 1


# When the connection ends, is removed or added.


@pytest.mark.parametrize(("status", "problem"), [(603, "not_found"), (604, "revoked"), (606, "wrong_credentials")])
async def test_ended(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_client: ClientSessionGenerator,
    repairs: None,
    life: Life,
    post: Post,
    pass_time: Pass,
    relayed: RelayedPrinter,
    plugin_api: FakePluginApi,
    status: int,
    problem: str,
) -> None:
    """Of a connection that has ended its owner is told; a repair leads to where another address is entered."""
    await life.live(UNTIL_PRINTING)
    relayed.respond(status)
    await pass_time(30)
    (issue_id,) = issues(hass)
    issue = ir.async_get(hass).async_get_issue(DOMAIN, issue_id)
    assert issue is not None
    assert (issue.translation_key, issue.is_fixable) == (f"live_{problem}", True)
    assert relayed.host not in str(issue)
    asked = len(relayed.requests)
    await post(EventType=6, PrintId=relayed.print_id)
    await pass_time(600)
    assert len(relayed.requests) == asked
    assert live_states(hass) == {"unavailable"}
    assert value(hass, "binary_sensor.ender3_connected") == "unknown"
    client = await hass_client()

    async def submit(path: str, **fields: Any) -> Any:
        response = await client.post(path, json=fields)
        assert response.status == 200
        return await response.json()

    page = await submit("/api/repairs/issues/fix", handler=DOMAIN, issue_id=issue_id)
    texts = WORDS["issues"][f"live_{problem}"]["fix_flow"]
    texts["step"]["confirm"]["description"].format(**page["description_placeholders"])
    page = await submit(f"/api/repairs/issues/fix/{page['flow_id']}")
    kind, flow_id = page["next_flow"]
    assert kind == "config_subentries_flow"
    path = f"/api/config/config_entries/subentries/flow/{flow_id}"
    other = plugin_api.add("klipper")
    page = await submit(path, url=other.url)
    page = await submit(path, printer_id="printer-1")
    assert (page["type"], page["reason"]) == ("abort", "reconfigure_successful")
    other.excuse()
    await pass_time(10, 2)
    assert (sensor(hass, "status"), issues(hass)) == ("idle", set())
    (subentry,) = entry.subentries.values()
    assert subentry.data["url"] == other.url


async def test_put_right(
    hass: HomeAssistant, known: None, entry: MockConfigEntry, pass_time: Pass, relayed: RelayedPrinter
) -> None:
    """A connection that was given up is in use again when its owner enters the same address once more."""
    relayed.respond(604)
    await pass_time(75)
    assert len(issues(hass)) == 1
    relayed.respond(None)
    (subentry,) = entry.subentries.values()
    flows: Any = hass.config_entries.subentries
    context = {"source": SOURCE_RECONFIGURE, "subentry_id": subentry.subentry_id}
    page = await flows.async_init((entry.entry_id, "live"), context=context)
    relayed.excuse()
    page = await flows.async_configure(page["flow_id"], {"url": relayed.url})
    await flows.async_configure(page["flow_id"], {"printer_id": "printer-1"})
    await pass_time(10, 2)
    assert (sensor(hass, "status"), issues(hass)) == ("idle", set())


async def test_never_answered(hass: HomeAssistant, post: Post, pass_time: Pass, relayed: RelayedPrinter) -> None:
    """A printer that has never answered is not said to be connected."""
    relayed.respond("reset")
    await post(EventType=12)
    for _ in range(4):
        await pass_time(8)
        assert value(hass, "binary_sensor.ender3_connected") == "unknown"


async def test_limit_outlasts_what_live_tells(
    hass: HomeAssistant, known: None, post: Post, pass_time: Pass, relayed: RelayedPrinter, announced: list[Event]
) -> None:
    """What polling tells says nothing of OctoEverywhere's daily limit."""
    await post(EventType=13)
    relayed.start(warmup=0)
    await pass_time(240)
    assert told(announced)[-1] == "print_started*"
    assert issues(hass) == {"notification_limit"}


async def test_goes_on(
    hass: HomeAssistant, life: Life, post: Post, pass_time: Pass, relayed: RelayedPrinter, announced: list[Event]
) -> None:
    """Of a print that was met half way, polling says that it goes on; what notifications say of it afterwards is news."""
    relayed.start(warmup=0)
    relayed.advance(1800)
    await post(EventType=12)
    await pass_time(240)
    assert told(announced) == ["print_progress*"]
    for seconds in (2400, 3000):
        await post(EventType=6, PrintId=relayed.print_id, DurationSec=seconds, Progress=seconds // 60)
    assert told(announced) == ["print_progress*", "print_progress", "print_progress"]


async def test_not_forgotten(
    hass: HomeAssistant, known: None, entry: MockConfigEntry, pass_time: Pass, relayed: RelayedPrinter, disk: Disk
) -> None:
    """A printer that could not be removed, since the disk is full, is asked on as ever."""
    disk.error = OSError("full")
    with pytest.raises(HomeAssistantError):
        await entry.runtime_data.async_forget({"printer-1"})
    disk.error = None
    asked = len(relayed.requests)
    await pass_time(150)
    assert len(relayed.requests) > asked


async def test_removed_is_not_told(
    hass: HomeAssistant, known: None, entry: MockConfigEntry, relayed: RelayedPrinter
) -> None:
    """What polling saw of a printer that was removed meanwhile does not bring it back."""
    printer = entry.runtime_data.printers["printer-1"]
    seen = Notification(printer_id="printer-1", event_type=1, print_id="A", source=Source.LIVE)
    await entry.runtime_data.async_forget({"printer-1"})
    await printer._account.async_receive(seen)  # noqa: SLF001 - from a look that had begun before
    assert device_of(hass) is None


@pytest.mark.parametrize("is_removed", [False, True])
async def test_ends_while_it_looks(
    hass: HomeAssistant,
    known: None,
    entry: MockConfigEntry,
    pass_time: Pass,
    relayed: RelayedPrinter,
    announced: list[Event],
    is_removed: bool,
) -> None:
    """What is answered after the end of the entry, or of the printer, tells nothing any more."""
    relayed.start(warmup=0)
    await pass_time(60)
    printer = entry.runtime_data.printers["printer-1"]
    await printer.async_shutdown()
    await pass_time(200)
    if is_removed:
        await entry.runtime_data.async_forget({"printer-1"})
    relayed.respond("reset", times=1)
    for _ in range(2):
        await printer._async_look()  # noqa: SLF001 - one that has begun before
    assert told(announced) == []
    assert (device_of(hass) is None) is is_removed


async def test_needs_supporter(hass: HomeAssistant, life: Life, pass_time: Pass, relayed: RelayedPrinter) -> None:
    """Where only supporters may ask, that is told until it is over, and nobody has to do anything here."""
    relayed.respond(605)
    await pass_time(120)
    (issue_id,) = issues(hass)
    issue = ir.async_get(hass).async_get_issue(DOMAIN, issue_id)
    assert issue is not None
    assert (issue.translation_key, issue.is_fixable) == ("live_needs_supporter", False)
    assert WORDS["issues"]["live_needs_supporter"]["description"].format(**(issue.translation_placeholders or {}))
    relayed.respond(None)
    await pass_time(4000, 60)
    assert (issues(hass), sensor(hass, "status")) == (set(), "idle")


async def test_removed_and_added(
    hass: HomeAssistant, entry: MockConfigEntry, life: Life, pass_time: Pass, relayed: RelayedPrinter
) -> None:
    """Without its connection a printer is as if there had never been one; with it, it begins without a restart."""
    (connection,) = entry.subentries.values()
    registry = er.async_get(hass)

    def keys() -> set[str]:
        entities = er.async_entries_for_config_entry(registry, entry.entry_id)
        return {entity.unique_id.removeprefix("printer-1_") for entity in entities}

    with_connection = keys()
    assert {"pause", "live", "nozzle_temperature", "connected", "heaters_off"} <= with_connection
    hass.config_entries.async_remove_subentry(entry, connection.subentry_id)
    await hass.async_block_till_done()
    asked = len(relayed.requests)
    await pass_time(300)
    assert len(relayed.requests) == asked
    assert not [key for key in keys() if is_live_key(key)]
    assert sensor(hass, "status") == "unknown"
    assert "idle" not in (hass.states.get("sensor.ender3_status") or State("a.b", "")).attributes["options"]
    hass.config_entries.async_add_subentry(entry, connection)
    await hass.async_block_till_done()
    await pass_time(10)
    assert keys() == with_connection
    assert sensor(hass, "status") == "idle"


@pytest.mark.parametrize("make", ["klipper", "octoprint"])
async def test_more_is_found(
    hass: HomeAssistant, entry: MockConfigEntry, life: Life, pass_time: Pass, relayed: RelayedPrinter, make: str
) -> None:
    """What a printer turns out to have gets its entities, which are there after a restart, whatever it says then."""
    found = {"light.ender3_light_caselight", "button.ender3_heaters_off"} if make == "klipper" else set()
    assert value(hass, "light.ender3_light_caselight") is None
    relayed.lights = {"caselight": True} if make == "klipper" else None
    await pass_time(70)
    assert {name for name in shown(hass) if name.startswith(("light", "button.ender3_h"))} == found
    assert (value(hass, "sensor.ender3_chamber_temperature") is None) is (make == "octoprint")
    relayed.switch_off()
    await reload(hass)
    await pass_time(10)
    assert {name for name, seen in shown(hass).items() if name in found and seen[0] == "unavailable"} == found


# What others make of it.


async def test_automations(hass: HomeAssistant, life: Life, pass_time: Pass, relayed: RelayedPrinter) -> None:
    """Who waits for the end of a print, or for the minutes before, hears of it once; the calendar shows it."""
    target = {"device_id": str(getattr(device_of(hass), "id", None))}
    triggers = (trigger("print_complete", target), trigger("finishes_soon", target, before={"minutes": 10}))
    calls = await automate(hass, "{{ trigger.event.data.type }} {{ trigger.event.data.source }}", *triggers)
    await life.live("start; 1000")
    assert heard(calls) == []
    await life.live("600")
    assert heard(calls) == [(1, "finishes_soon None")]
    await life.live("600; make print_complete; 240; send print_complete; 60")
    assert heard(calls) == [(1, "finishes_soon None"), (0, "print_complete live")]
    (print_,) = await async_get_account(hass).printers["printer-1"].async_get_prints()  # type: ignore[union-attr]
    assert (print_.outcome, print_.file_name) == ("complete", "benchy.gcode")
    assert (print_.ended_at - print_.started_at).total_seconds() == pytest.approx(1860, abs=120)


@pytest.mark.parametrize(("is_live", "key"), [(True, "notification_limit_live"), (False, "notification_limit")])
async def test_daily_limit(
    hass: HomeAssistant, entry: MockConfigEntry, known: None, post: Post, is_live: bool, key: str
) -> None:
    """With a live connection, the daily limit is no reason to worry."""
    if not is_live:
        hass.config_entries.async_remove_subentry(entry, next(iter(entry.subentries)))
        await hass.async_block_till_done()
    await post(EventType=13)
    issue = ir.async_get(hass).async_get_issue(DOMAIN, "notification_limit")
    assert issue is not None
    assert issue.translation_key == key
    assert WORDS["issues"][key]["description"].format(**(issue.translation_placeholders or {}))


UNDER_WAY: Final = ["pause", "cancel", "complete"]
NEXT: Final = {
    "": ["start"],
    "start": UNDER_WAY,
    "pause": ["resume", "cancel"],
    "resume": UNDER_WAY,
    "cancel": ["start"],
    "complete": ["start"],
}
KIND_OF: Final = {
    "start": "print_started", "pause": "print_paused", "resume": "print_resumed", "cancel": "print_failed",
    "complete": "print_complete",
}  # fmt: skip
STEPS: Final = st.lists(
    st.tuples(
        st.integers(0, 5), st.sampled_from(["missing", "on time", "late", "doubled", "late doubled"]), st.booleans()
    ),
    min_size=2,
    max_size=7,
)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
@pytest.mark.parametrize("make", ALL_MAKES)
async def test_any_life(
    hass: HomeAssistant,
    life: Life,
    relayed: RelayedPrinter,
    announced: list[Event],
    steps: list[tuple[int, str, bool]],
) -> None:
    """However notifications arrive: each start, pause, resume and end is announced once, and each print counted once."""
    await life.live("unload; 3600")
    announced.clear()
    before, state, expected = sum(totals(hass)), "", []
    for choice, arrival, is_reloaded in [*steps, (1, "missing", False)]:
        state = NEXT[state][choice % len(NEXT[state])]
        kind = KIND_OF[state]
        expected.append(kind)
        if state == "start":
            relayed.start(f"{relayed.clock()}.gcode", seconds=36000, warmup=0)
            life.began = relayed.clock()
        elif state == "complete":
            relayed.advance(relayed.status()["Result"]["JobStatus"]["CurrentPrint"]["TimeLeftSec"] - 200)
            await life.live("45; complete")
        else:
            getattr(relayed, state)()
        await life.live(f"make {kind}; 5" + f"; send {kind}" * {"on time": 1, "doubled": 2}.get(arrival, 0))
        # What a Centauri 2 shows for seconds only, nobody knows after a restart.
        if is_reloaded and state != "complete":
            await life.live("reload")
        await life.live("240" + f"; send {kind}" * {"late": 1, "late doubled": 2}.get(arrival, 0))
        await life.live("60")
    assert [name.rstrip("*") for name in told(announced)] == expected
    ends = [kind for kind in expected if kind in ("print_failed", "print_complete")]
    assert sum(totals(hass)) - before == len(ends)
