"""What a real Home Assistant holds of the printers, and what it must hold."""

from dataclasses import dataclass, field
from typing import Any

from hass_process import Hass

from custom_components.octoeverywhere.state import PrinterState


@dataclass
class Expected:
    """What Home Assistant must hold of a printer."""

    state: PrinterState = field(default_factory=PrinterState)
    newest: str = "unknown"
    """The type that was announced last."""

    def differences(self, states: dict[str, dict[str, Any]]) -> list[str]:
        """Compare with the printer's entities, by their keys."""
        expected = {
            "status": self.state.status,
            "progress": self.state.progress,
            "current_layer": self.state.current_layer,
            "total_layers": self.state.total_layers,
            "time_remaining": self.state.time_remaining,
            "print_duration": self.state.duration,
            "file_name": self.state.file_name,
            "attention": self.state.attention,
            "error_message": self.state.error_message,
        }
        found = {key: states.get(key, {"state": "missing"})["state"] for key in expected}
        for key in ("time_remaining", "print_duration"):
            found[key] = _seconds(found[key])
        differences = [
            f"{key} is {found[key]}, not {value}"
            for key, value in expected.items()
            if found[key] != ("unknown" if value is None else str(value))
        ]
        newest = states.get("notification", {"attributes": {}})["attributes"].get("event_type")
        if newest != self.newest:
            differences.append(f"the newest notification is {newest}, not {self.newest}")
        return differences


def _seconds(state: str) -> str:
    """Return what a duration is that is shown in hours."""
    return state if state in ("unknown", "missing") else str(round(float(state) * 3600))


async def states(hass: Hass) -> dict[str, dict[str, dict[str, Any]]]:
    """Return printer's id -> entity's key -> state, of what the integration has."""
    async with hass.websocket() as websocket:
        entities = {
            entity["entity_id"]: (
                entity["unique_id"].removesuffix(f"_{entity['translation_key']}"),
                entity["translation_key"],
            )
            for entity in await websocket.call("config/entity_registry/list")
            if entity["platform"] == "octoeverywhere"
        }
        printers: dict[str, dict[str, dict[str, Any]]] = {}
        for state in await websocket.call("get_states"):
            if state["entity_id"] in entities:
                printer, key = entities[state["entity_id"]]
                printers.setdefault(printer, {})[key] = state
        return printers
