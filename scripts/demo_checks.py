"""What must be true of the demo's Home Assistant when its printers have printed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from demo_view import View, clock, minutes
from hass_process import Hass, HassError, WebSocket
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

_TRIES: Final = 100


@dataclass(frozen=True, kw_only=True, eq=False)
class Act:
    """A printer, what it prints, and what its webcam sees."""

    printer: Printer
    print: Print
    webcam: Webcam


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that was checked, and what is wrong with it."""

    what: str
    wrong: Sequence[str] = ()


async def check(hass: Hass, websocket: WebSocket, view: View, played: dict[Act, list[Step]]) -> AsyncIterator[Finding]:
    """Look at everything that the demo shows."""
    for act, steps in played.items():
        yield _check_printer(view, act, steps)
        yield await _check_picture(hass, view, act)
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


async def _check_picture(hass: Hass, view: View, act: Act) -> Finding:
    """Look at a printer's picture, as a dashboard does."""
    what = f"{act.printer.name} has a picture of the print"
    url = f"{hass.url}/api/image_proxy/{view.entity_id(act.printer.name, 'snapshot')}"
    async with hass.session.get(url, headers={"Authorization": f"Bearer {hass.tokens['access_token']}"}) as response:
        is_right = await response.read() == act.webcam.picture(100)
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
