"""The fake of the Plugin API against real answers, and what it notices of a bad client."""

import asyncio
import json
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientError
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_create_clientsession, async_get_clientsession
import pytest

from .fake_plugin_api import ANSWERS, PREFIX, FakePluginApi, RelayedPrinter, slowly
from .fake_printer import Printer

SAMPLES: Final = {
    path.stem: json.loads(path.read_text())
    for path in sorted((Path(__file__).parent / "fixtures/plugin_api").iterdir())
}
STEPS: Final[dict[str, list[str]]] = {
    "octoprint": [
        "switch_off", "switch_on", "load", "start; advance 100", "advance 30", "advance 3000; gadget_score 0.011; gadget_score 0.7",
        "gadget_warn; pause", "advance 10", "resume", "advance 3900", "complete", "advance 3600", "unload", "start; advance 300; cancel",
    ],
    "klipper": [
        "switch_off", "switch_off 789", "switch_on", "light", "start calibration/benchy.gcode; advance 60", "advance 70",
        "advance 3000; gadget_score 0.042", "pause", "resume", "advance 4000", "complete", "advance 86400", "unload",
        "reprint; advance 700; cancel", "start_bare; advance 130",
    ],
    "bambu": [
        "switch_off", "switch_off 789", "switch_on", "start Cable.clip_v2.3mf; advance 50", "advance 50", "advance 100; light",
        "advance 3000; stage Changing Filament", "stage; gadget_score 0.05", "pause", "filament_out", "resume", "advance 3900",
        "complete", "advance 7200", "start no_extension; advance 300; cancel", "unload", "start no_extension; advance 300; p1s",
    ],
    "elegoo_cc1": [
        "switch_off", "switch_off 787", "unnamed", "switch_on", "start elegoo_cube.gcode; advance 50", "advance 50", "advance 100",
        "advance 3000", "pause", "advance 10", "complete", "unload", "start; advance 300; cancel; advance 10",
    ],
    "elegoo_cc2": [
        "switch_off", "switch_off 789", "unnamed", "switch_on", "start vase_mode_cup.gcode; advance 50", "advance 50",
        "advance 100", "advance 3000", "pause", "resume", "advance 3900", "complete", "advance 5", "start; advance 300; cancel",
    ],
    "prusalink": [
        "switch_off", "switch_off 789", "unnamed", "switch_on", "start; advance 50", "advance 100", "advance 3000", "pause",
        "resume; advance 3900", "complete", "unload", "start; advance 300; cancel", "fail THERMAL RUNAWAY",
    ],
}  # fmt: skip
"""How a printer comes into each moment of the samples, from the one before."""


def step(printer: Printer, name: str, *words: str) -> None:
    """Do one of the steps."""
    text = " ".join(words)
    match name:
        case "light":
            printer.lights = (
                {"caselight": True, "Toolhead_Lights": False} if printer.lights is None else {"chamber": True}
            )
        case "stage":
            printer.stage = text or None
        case "p1s":
            printer.model = "P1S"
        case "unnamed":
            printer.switch_on(is_named=False)
        case "start_bare":
            printer.start("no_metadata.gcode", layers=None)
        case "advance" | "gadget_score" | "switch_off":
            getattr(printer, name)(*(json.loads(word) for word in words))
        case _:
            getattr(printer, name)(*([text] if text else []))


def shape(value: Any) -> Any:
    """Return keys in their order, and types; the texts of lists and ids may be any."""
    match value:
        case dict():
            return [(key, shape(part)) for key, part in value.items()]
        case list():
            return [shape(part) for part in value[:1]]
    return type(value)


@pytest.mark.parametrize("make", SAMPLES)
def test_samples(make: str) -> None:
    """In every moment of which there is a real answer, the fake's answer looks like it and says the same."""
    printer = Printer(make, clock=lambda: 1_795_000_000.0)
    printer.extra = {}
    for sample, steps in zip(SAMPLES[make], STEPS[make], strict=True):
        for words in steps.split("; "):
            step(printer, *words.split())
        answer, real = printer.status(), sample["body"]
        assert shape(answer) == shape(real), sample["moment"]
        if real["Status"] != 200:
            assert answer == real
            continue
        said, told = answer["Result"]["JobStatus"], real["Result"]["JobStatus"]
        for key in told.keys() - {"CurrentPrint"}:
            assert said[key] == told[key], sample["moment"]
        assert answer["Result"]["Features"] == real["Result"]["Features"]
        assert answer["Result"]["ListWebcams"] == real["Result"]["ListWebcams"]


@pytest.fixture
def printer(plugin_api: FakePluginApi) -> RelayedPrinter:
    """Return a printer for Home Assistant to ask."""
    return plugin_api.add("klipper")


async def ask(
    hass: HomeAssistant, printer: RelayedPrinter, command: str = "status", method: str = "GET", **options: Any
) -> tuple[int, Any]:
    """Ask as Home Assistant's own session does."""
    async with async_get_clientsession(hass).request(
        method, f"{printer.url}{PREFIX}{command}", allow_redirects=False, **options
    ) as response:
        content = await response.read()
        is_json = response.content_type == "text/json" and content.startswith(b"{")
        return response.status, json.loads(content) if is_json else content


async def test_access(hass: HomeAssistant, plugin_api: FakePluginApi) -> None:
    """Each host has its own printer and credentials, and every session of Home Assistant finds it, but nothing else."""
    free, basic, bearer = (plugin_api.add("bambu", auth=auth) for auth in (None, ("me", "secret"), "token"))
    assert await ask(hass, free, "ping") == (200, {"Status": 200, "Result": {"Message": "Pong"}})
    assert await ask(hass, basic, headers={"Authorization": "Basic bWU6d3Jvbmc="}) == (606, b"")
    assert (await ask(hass, basic, "ping", headers={"Authorization": "Basic bWU6c2VjcmV0"}))[0] == 200
    assert (await ask(hass, bearer, headers={"Authorization": "Bearer token"}))[0] == 200
    free.host, free.url = "", "https://shared-unknown.octoeverywhere.com"
    assert await ask(hass, free, "ping") == (603, b"")
    session = async_create_clientsession(hass)
    with pytest.raises(ClientError):
        await session.get("https://octoeverywhere.example/")


async def test_commands(
    hass: HomeAssistant, plugin_api: FakePluginApi, printer: RelayedPrinter, freezer: FrozenDateTimeFactory
) -> None:
    """A command is refused, works, works later, or does nothing, as make and test decide."""

    async def command(name: str, **body: Any) -> int:
        freezer.tick(10)
        answer: int = (await ask(hass, printer, name, "POST", json=body))[1]["Status"]
        return answer

    async def state() -> str:
        said: str = (await ask(hass, printer))[1]["Result"]["JobStatus"]["State"]
        return said

    assert await command("resume") == 786
    assert await command("set-light", Name="light", On=True) == 788
    assert await command("set-temp", BedC=80) == 400
    printer.start(warmup=0)
    printer.ignores_commands = True
    assert (await command("pause", SuppressNotification=False), await state()) == (200, "printing")
    printer.ignores_commands, printer.effect_after = False, 5
    assert (await command("pause", SuppressNotification=False), await state()) == (200, "printing")
    freezer.tick(5)
    assert await state() == "paused"
    printer.macro_seconds, printer.macro_limit, printer.effect_after = 70, 0, 0
    assert (await command("cancel"), await state()) == (752, "paused")
    freezer.tick(70)
    assert await state() == "cancelled"
    printer.switch_off()
    assert await command("cancel") == 500


@pytest.mark.parametrize("name", sorted(ANSWERS.keys() - {"hang", "slow"}))
async def test_answers(hass: HomeAssistant, printer: RelayedPrinter, name: str) -> None:
    """Every wrong answer arrives, once, and is none of which the fake itself is the victim."""
    printer.respond(name, times=1)
    try:
        status, _ = await ask(hass, printer)
    except ClientError as err:
        assert name in ("reset", "truncated"), err  # noqa: PT017
    else:
        assert status == {"login": 302, "missing": 404}.get(name, 200)
    printer.excuse()
    assert (await ask(hass, printer))[1]["Status"] == 200


async def test_snapshot(hass: HomeAssistant, printer: RelayedPrinter) -> None:
    """There is a picture, with what is to be done to it; asked for too often, there is none."""
    printer.snapshot_pace = 10
    url = f"{printer.url}{PREFIX}webcam/snapshot?index=0"
    async with async_get_clientsession(hass).get(url) as response:
        assert response.headers["x-oe-webcam-transform"].strip() == "rotate=180"
        assert (await response.read()).startswith(b"\xff\xd8\xff")
    assert (await ask(hass, printer, "webcam/snapshot"))[0] == 609


VIOLATIONS: Final[dict[str, list[tuple[str, str, Any]]]] = {
    "status: again after 0.0 seconds": [("GET", "status", None)] * 2,
    "a command that is no POST": [("GET", "cancel", {})],
    "the same command again within 5 seconds": [("POST", "cancel", {})] * 2,
    "nothing that is offered": [("GET", "get-connection-info", None)],
    "a body that is not JSON": [("POST", "cancel", None)],
    "a body that is no JSON object": [("POST", "cancel", [])],
    "SuppressNotification is not false": [("POST", "pause", {})],
    "may be secrets": [("GET", "status?oe_api_key=x", None)],
    "not a path of the Plugin API": [("GET", "../printer/info", None)],
}


@pytest.mark.parametrize("violation", VIOLATIONS)
async def test_violations(
    hass: HomeAssistant, plugin_api: FakePluginApi, printer: RelayedPrinter, violation: str
) -> None:
    """What a good client does not do is noticed."""
    for method, command, body in VIOLATIONS[violation]:
        await ask(hass, printer, command, method, **({} if body is None else {"json": body}))
    assert any(violation in noticed for noticed in plugin_api.violations)
    plugin_api.violations.clear()


async def test_overlap(hass: HomeAssistant, plugin_api: FakePluginApi, printer: RelayedPrinter) -> None:
    """Two requests at once are noticed, and one that was given up is over."""
    printer.respond(slowly(0.05), "status")
    await asyncio.gather(ask(hass, printer), ask(hass, printer, "ping"))
    assert plugin_api.violations.pop().endswith("ping before another request was answered")
    printer.respond("hang")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await ask(hass, printer, "ping")
    printer.respond(None)
    await asyncio.sleep(0)
    await ask(hass, printer, "ping")


async def test_life(hass: HomeAssistant, plugin_api: FakePluginApi, freezer: FrozenDateTimeFactory) -> None:
    """A print goes on by the clock; its id and its start are as treacherous as in life."""
    klipper, octoprint = (plugin_api.add(make) for make in ("klipper", "octoprint"))
    for printer in (klipper, octoprint):
        assert printer.print_id is None
        printer.start(seconds=600)
    first = klipper.print_id, klipper.started_at, octoprint.print_id, octoprint.started_at
    freezer.tick(900)
    assert [printer.status()["Result"]["JobStatus"]["State"] for printer in (klipper, octoprint)] == ["complete"] * 2
    for printer in (klipper, octoprint):
        printer.reprint()
    assert (klipper.print_id, klipper.started_at) == first[:2]
    assert octoprint.print_id != first[2]
    octoprint.cancel()
    assert octoprint.status()["Result"]["JobStatus"]["State"] == "idle"
    octoprint.restart_plugin()
    assert (octoprint.print_id, octoprint.started_at) == (None, 0)
