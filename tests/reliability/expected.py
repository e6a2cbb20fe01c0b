"""What a real Home Assistant holds of the printers, and what it must hold."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Self

from hass_process import Hass

from custom_components.octoeverywhere.payload import Notification
from custom_components.octoeverywhere.state import Attention, PrinterState, Status, reduce

# An estimate that moves by less than a minute stays as it was, and the notification may have waited to be sent again.
_CLOSE: Final = timedelta(minutes=2)


@dataclass
class Expected:
    """What Home Assistant must hold of a printer."""

    state: PrinterState = field(default_factory=PrinterState)
    newest: str | None = None
    """The type that was announced last."""
    announced_by: datetime | None = None
    """When that had been announced at the latest, where it matters."""

    def after(self, notification: Notification, now: datetime) -> Self:
        """Return what Home Assistant must hold once it has received the notification."""
        return type(self)(reduce(self.state, notification, now), notification.type, now)

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
            "error_code": self.state.error_code,
            "z_offset": self.state.z_offset,
            "printing": self.state.status and ("on" if self.state.status is Status.PRINTING else "off"),
            "attention_required": "off" if self.state.attention is Attention.NONE else "on",
        }
        found = {key: states.get(key, {"state": "missing"})["state"] for key in expected}
        for key in ("time_remaining", "print_duration"):
            found[key] = _seconds(found[key])
        differences = [
            f"{key} is {found[key]}, not {value}"
            for key, value in expected.items()
            if found[key] != ("unknown" if value is None else str(value))
        ]
        return differences + self._differences_in_moments(states) + self._differences_in_announcement(states)

    def _differences_in_moments(self, states: dict[str, dict[str, Any]]) -> list[str]:
        """Compare with the moments, which Home Assistant reckons from when it has received a notification."""
        moments = {"print_start": self.state.started_at, "estimated_finish": self.state.finish_at}
        differences = []
        for key, value in moments.items():
            found = states.get(key, {"state": "missing"})["state"]
            is_known = found not in ("unknown", "missing", "unavailable")
            if is_known != (value is not None) or (
                is_known and value and abs(datetime.fromisoformat(found) - value) > _CLOSE
            ):
                differences.append(f"{key} is {found}, not {value}")
        return differences

    def _differences_in_announcement(self, states: dict[str, dict[str, Any]]) -> list[str]:
        """Compare with the printer's event entity."""
        found = states.get("notification", {"state": "missing", "attributes": {}})
        newest = found["attributes"].get("event_type")
        if newest != self.newest:
            return [f"the newest notification is {newest}, not {self.newest}"]
        # The event entity shows milliseconds, cut off.
        if self.announced_by and datetime.fromisoformat(found["state"]) > self.announced_by + timedelta(milliseconds=1):
            return [f"the newest notification was announced again at {found['state']}"]
        return []


def _seconds(state: str) -> str:
    """Return what a duration is that is shown in hours."""
    return state if state in ("unknown", "missing", "unavailable") else str(round(float(state) * 3600))


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
