"""What a real Home Assistant holds of the printers, and what it must hold."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

from hass_process import Hass

from custom_components.octoeverywhere.job import Printer, decide
from custom_components.octoeverywhere.payload import Notification
from custom_components.octoeverywhere.view import View, view

# An estimate that moves by less than a minute stays as it was, and the notification may have waited to be sent again.
_CLOSE: Final = timedelta(minutes=2)
_VALUES: Final = (
    "status",
    "progress",
    "current_layer",
    "total_layers",
    "time_remaining",
    "print_duration",
    "file_name",
    "attention",
    "error_message",
    "error_code",
    "z_offset",
)
_SECONDS: Final = ("time_remaining", "print_duration", "total_print_time")


@dataclass
class Expected:
    """What Home Assistant must hold of a printer."""

    printer: Printer = field(default_factory=Printer)
    announced_by: datetime | None = None
    """When the newest notification had been announced at the latest, where it matters."""

    def after(self, notification: Notification, now: datetime) -> Self:
        """Return what Home Assistant must hold once it has received the notification."""
        return type(self)(decide(self.printer, notification, now).printer, now)

    @property
    def newest(self) -> str | None:
        """The kind of notification that was announced last."""
        return None if self.printer.announcement is None else self.printer.announcement.type

    def differences(self, states: dict[str, dict[str, Any]], *, are_totals_known: bool = True) -> list[str]:
        """Return how the printer's entities, by their keys, differ from this."""
        seen = view(self.printer, datetime.now(UTC))
        expected = {key: getattr(seen, key) for key in _VALUES}
        expected["printing"] = None if seen.printing is None else _on(is_on=seen.printing)
        expected["attention_required"] = _on(is_on=seen.attention_required)
        if are_totals_known:
            expected |= _totals(seen)
        found = {key: states.get(key, {"state": "missing"})["state"] for key in expected}
        found |= {key: _seconds(found[key]) for key in _SECONDS if key in found}
        differences = [
            f"{key} is {found[key]}, not {value}"
            for key, value in expected.items()
            if found[key] != ("unknown" if value is None else str(value))
        ]
        return differences + _differences_in_moments(seen, states) + self._differences_in_announcement(states)

    def _differences_in_announcement(self, states: dict[str, dict[str, Any]]) -> list[str]:
        """Return how the printer's event entity differs."""
        found = states.get("notification", {"state": "missing", "attributes": {}})
        newest = found["attributes"].get("event_type")
        if newest != self.newest:
            return [f"the newest notification is {newest}, not {self.newest}"]
        # The event entity shows milliseconds, cut off, and one more where two would be the same.
        if self.announced_by and datetime.fromisoformat(found["state"]) > self.announced_by + timedelta(milliseconds=1):
            return [f"the newest notification was announced again at {found['state']}"]
        return []


def _on(*, is_on: bool) -> str:
    return "on" if is_on else "off"


def _totals(seen: View) -> dict[str, int]:
    """Return what a printer has done in all."""
    return {
        key: getattr(seen, key) for key in ("prints_completed", "prints_failed", "prints_cancelled", "total_print_time")
    }


def _differences_in_moments(seen: View, states: dict[str, dict[str, Any]]) -> list[str]:
    """Return how the moments differ, which Home Assistant reckons from when it has received a notification."""
    differences = []
    for key in ("print_start", "estimated_finish"):
        value, found = getattr(seen, key), states.get(key, {"state": "missing"})["state"]
        is_known = found not in ("unknown", "missing", "unavailable")
        if is_known != (value is not None) or (is_known and abs(datetime.fromisoformat(found) - value) > _CLOSE):
            differences.append(f"{key} is {found}, not {value}")
    return differences


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
