"""What must be true of the demo's Home Assistant when its printers have printed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from demo_live import LivePrinter
from demo_view import View, clock, minutes, number
from hass_process import Hass, HassError, WebSocket
from PIL import Image
from simulator import Print, Printer, Step
from webcam import Webcam

BLUEPRINTS: Final = Path(__file__).parent.parent / "blueprints"
# What a print that went to its end leaves behind.
_AFTERWARDS: Final = {
    "status": "complete",
    "progress": "100",
    "time_remaining": "0.0",
    "attention": "none",
    "error_message": "unknown",
    "printing": "off",
    "attention_required": "off",
}
# What a person saves in the editors: an automation from a blueprint, a script and a scene, all of this name.
_NAME: Final = "Saved by the demo"
_SAVED: Final[dict[str, dict[str, Any]]] = {
    "automation": {"alias": _NAME, "use_blueprint": {"path": "octoeverywhere/tell_me.yaml", "input": {}}},
    "script": {"alias": _NAME, "sequence": []},
    "scene": {"name": _NAME, "entities": {}},
}
# What a live connection brings, and what it is when a print is over; nothing where it may be anything.
_LIVE: Final = {
    "nozzle_temperature": "",
    "nozzle_target": "0.0",
    "bed_temperature": "",
    "bed_target": "0.0",
    "chamber_temperature": "",
    "status_detail": "unknown",
    "connected": "on",
    "pause": "unavailable",
    "resume": "unavailable",
    "cancel": "unavailable",
    "light": "",
    "live": "idle",
}
# Degrees.
_WARMER: Final = 2

_TRIES: Final = 100


@dataclass(frozen=True, kw_only=True, eq=False)
class Act:
    """A printer, what it prints, and what its webcam sees."""

    printer: Printer
    print: Print
    webcam: Webcam
    make: str = ""
    """Of a printer with a live connection."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that was checked, and what is wrong with it."""

    what: str
    wrong: Sequence[str] = ()


async def check(
    hass: Hass, websocket: WebSocket, view: View, posted: dict[Act, list[Step]], live: dict[Act, LivePrinter]
) -> AsyncIterator[Finding]:
    """Look at everything that the demo shows."""
    for act, steps in posted.items():
        if act in live:
            yield _check_live_printer(view, act, steps)
            yield _check_temperatures(view, act, live[act])
            yield await _check_camera(hass, view, act, live[act])
            yield await _check_light(hass, view, act, live[act])
        else:
            yield _check_printer(view, act, steps)
        yield _check_live_entities(view, act)
        yield await _check_picture(hass, view, act, steps)
    yield await _check_frontend(websocket)
    yield await _check_blueprints(websocket)
    for editor, content in _SAVED.items():
        yield await _check_editor(hass, websocket, editor, content)


def _check_printer(view: View, act: Act, steps: list[Step]) -> Finding:
    """Compare a printer's entities and events with what was posted."""
    name, states = act.printer.name, view.states[act.printer.name]
    layers = str(act.print.layers)
    expected = _AFTERWARDS | {"file_name": act.print.file_name, "current_layer": layers, "total_layers": layers}
    wrong = [f"{key} is {states.get(key)}, not {value}" for key, value in expected.items() if states.get(key) != value]
    took = states.get("print_duration", "")
    if minutes(took) != round(act.print.seconds / 60):
        wrong.append(f"it says that it printed for {clock(took)}")
    if len(view.events[name]) != len(steps):
        wrong.append(f"{len(view.events[name])} events for {len(steps)} notifications")
    return Finding(what=f"{name} is complete: {layers} layers, {clock(took)}, {len(steps)} events", wrong=wrong)


def _check_live_printer(view: View, act: Act, steps: list[Step]) -> Finding:
    """Compare what a printer says of itself with what it prints, and the one event that no notification told."""
    name, states = act.printer.name, view.states[act.printer.name]
    # How far it was when it was looked at last, before its end, is a matter of chance.
    expected = _AFTERWARDS | {"file_name": Path(act.print.file_name).stem, "total_layers": str(act.print.layers)}
    wrong = [f"{key} is {states.get(key)}, not {value}" for key, value in expected.items() if states.get(key) != value]
    events = view.events[name]
    untold = [event["type"] for event in events if event["source"] == "live"]
    if untold != ["print_complete"]:
        wrong.append(f"polling told {untold}, not that the print is complete")
    if len(events) != len(steps) + len(untold):
        wrong.append(f"{len(events) - len(untold)} events for {len(steps)} notifications")
    return Finding(what=f"{name} is complete: told by polling, {len(steps)} other events", wrong=wrong)


def _check_temperatures(view: View, act: Act, live: LivePrinter) -> Finding:
    """Compare the temperatures with the printer's own."""
    name, states, own = act.printer.name, view.states[act.printer.name], live.temperatures
    wrong = [
        f"{part} is at {states.get(key)} °C, not at {own[own_key]}"
        for part, own_key in {"nozzle": "HotendActual", "bed": "BedActual", "chamber": "ChamberActual"}.items()
        if abs((number(states.get(key := f"{part}_temperature", "")) or 0) - own[own_key]) > _WARMER
    ]
    hot = live.printer.make.hot[1]
    if view.warmest[name] < hot - _WARMER:
        wrong.append(f"the nozzle was seen at {view.warmest[name]} °C at most, not at {hot}")
    return Finding(what=f"{name} was {view.warmest[name]:.0f} °C hot and has cooled down", wrong=wrong)


def _check_live_entities(view: View, act: Act) -> Finding:
    """Look whether a printer has what belongs to a live connection, and only where there is one."""
    name, states = act.printer.name, view.states[act.printer.name]
    there, expected = states.keys() & _LIVE.keys(), _LIVE.keys() if act.make else set()
    wrong = [f"{name} lacks {key}" for key in sorted(expected - there)]
    wrong += [f"{name} has {key} without a live connection" for key in sorted(there - expected)]
    wrong += [
        f"{key} is {states[key]}, not {_LIVE[key]}"
        for key in sorted(there & expected)
        if _LIVE[key] not in ("", states[key])
    ]
    return Finding(what=f"{name} has {len(there) or 'no'} live entities", wrong=wrong)


async def _check_camera(hass: Hass, view: View, act: Act, live: LivePrinter) -> Finding:
    """Look at what a printer's camera sees now."""
    content = await _fetch(hass, f"/api/camera_proxy/{view.entity_id(act.printer.name, 'live')}")
    try:
        with Image.open(BytesIO(content)) as image:
            wrong = [] if image.size == live.printer.size else [f"the camera's picture is of {image.size}"]
    except OSError:
        wrong = ["the camera has no picture"]
    return Finding(what=f"{act.printer.name} has a camera", wrong=wrong)


async def _check_light(hass: Hass, view: View, act: Act, live: LivePrinter) -> Finding:
    """Switch a printer's light on."""
    await hass.post("/api/services/light/turn_on", {"entity_id": view.entity_id(act.printer.name, "light")})
    wrong = [] if all((live.printer.lights or {}).values()) else ["the light is still off"]
    return Finding(what=f"{act.printer.name} switches its light on", wrong=wrong)


async def _fetch(hass: Hass, path: str) -> bytes:
    headers = {"Authorization": f"Bearer {hass.tokens['access_token']}"}
    async with hass.session.get(f"{hass.url}{path}", headers=headers) as response:
        return await response.read()


async def _check_picture(hass: Hass, view: View, act: Act, steps: list[Step]) -> Finding:
    """Look at a printer's picture, as a dashboard does."""
    what = f"{act.printer.name} has a picture of the print"
    content = await _fetch(hass, f"/api/image_proxy/{view.entity_id(act.printer.name, 'snapshot')}")
    is_right = content == act.webcam.picture(steps[-1].body["Progress"])
    return Finding(what=what, wrong=() if is_right else [f"{act.printer.name} has no picture, or another one"])


async def _check_frontend(websocket: WebSocket) -> Finding:
    """Ask for what the frontend waits for before it shows a page. It needs the packages that stand-ins take the place of."""
    what = "the frontend shows its pages"
    try:
        await websocket.call("get_services")
    except HassError as err:
        return Finding(what=what, wrong=[f"the frontend would wait for ever: {err}"])
    return Finding(what=what)


async def _check_blueprints(websocket: WebSocket) -> Finding:
    """Compare the blueprints that Home Assistant lists with those that there are."""
    listed = await websocket.call("blueprint/list", domain="automation")
    usable = {path for path, blueprint in listed.items() if "error" not in blueprint}
    folder = BLUEPRINTS / "automation"
    wrong = [
        f"{path} is not listed"
        for path in sorted(str(path.relative_to(folder)) for path in folder.rglob("*.yaml"))
        if path not in usable
    ]
    return Finding(what=f"{len(usable)} blueprints are listed", wrong=wrong)


async def _check_editor(hass: Hass, websocket: WebSocket, editor: str, content: dict[str, Any]) -> Finding:
    """Save something as an editor does, and look whether it is there."""
    what = f"the editor can save: {editor}"
    try:
        await hass.post(f"/api/config/{editor}/config/saved_by_the_demo", content)
    except HassError as err:
        return Finding(what=what, wrong=[str(err)])
    for _ in range(_TRIES):  # Home Assistant answers before it has read what was saved
        states = {state["entity_id"]: state["state"] for state in await websocket.call("get_states")}
        if states.get(f"{editor}.saved_by_the_demo", "unavailable") != "unavailable":
            return Finding(what=what)
        await asyncio.sleep(0.1)
    return Finding(what=what, wrong=[f"what was saved does not work: {editor}"])
