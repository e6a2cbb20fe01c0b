"""The least that shows the same: the very entities and events of this integration, written where they have changed, nothing saved."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any, Final

from aiohttp.web import Request
from homeassistant.components import webhook
from homeassistant.components.binary_sensor import DATA_COMPONENT as BINARY_SENSOR_COMPONENT, BinarySensorEntity
from homeassistant.components.calendar import CalendarEntity, CalendarEvent
from homeassistant.components.calendar.const import DATA_COMPONENT as CALENDAR_COMPONENT
from homeassistant.components.event import DATA_COMPONENT as EVENT_COMPONENT, EventEntity
from homeassistant.components.image import ImageEntity
from homeassistant.components.image.const import DATA_COMPONENT as IMAGE_COMPONENT
from homeassistant.components.sensor import DATA_COMPONENT as SENSOR_COMPONENT, SensorEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.entity import Entity, EntityDescription
from homeassistant.helpers.typing import ConfigType
from homeassistant.util import dt as dt_util

from custom_components.octoeverywhere.binary_sensor import BINARY_SENSORS
from custom_components.octoeverywhere.calendar import PRINTS, PrinterCalendar
from custom_components.octoeverywhere.event import NOTIFICATION, PrinterEvent
from custom_components.octoeverywhere.image import SNAPSHOT
from custom_components.octoeverywhere.sensor import SENSORS

DOMAIN: Final = "bench_same"
CONFIG_SCHEMA = cv.empty_config_schema(DOMAIN)

# As long as one is.
_DEVICE_ID: Final = "0123456789abcdef" * 2
# Numbers of EventTypes.
_STARTED: Final = 1
_COMPLETE: Final = 2
_BED_COOLDOWN: Final = 15
_STATUS: Final = {2: "complete", 3: "failed", 4: "paused", 8: "paused", 9: "error"}
_ATTENTION: Final = {
    7: "failure_suspected",
    8: "paused_by_gadget",
    9: "error",
    11: "filament_change",
    12: "user_interaction",
}
_SAME: Final = timedelta(minutes=1)
_MEASUREMENTS: Final = {
    "file_name": "FileName",
    "progress": "Progress",
    "print_duration": "DurationSec",
    "z_offset": "ZOffsetMM",
    "print_id": "PrintId",
}
_EVENT_DATA: Final = {
    "printer_id": "PrinterId",
    "printer_name": "PrinterName",
    "print_id": "PrintId",
    "event_type": "EventType",
    "file_name": "FileName",
    "progress": "Progress",
    "duration": "DurationSec",
    "time_remaining": "TimeRemainingSec",
    "z_offset": "ZOffsetMM",
    "current_layer": "CurrentLayer",
    "total_layers": "TotalLayers",
    "error": "Error",
    "error_code": "PlatformErrorCode",
    "snapshot_url": "SnapshotUrl",
    "quick_view_url": "QuickViewUrl",
}


class _Bare(Entity):
    """What the entities have in common."""

    _attr_should_poll = False

    def describe(self, description: EntityDescription) -> None:
        """Be what one of the integration's entities is."""
        self.entity_description = description
        self._attr_name = f"Same {description.key}"
        self._attr_unique_id = f"same_{description.key}"


class _Sensor(_Bare, SensorEntity):
    def show(self, value: Any) -> None:
        """Show a value, if it is another one."""
        if value != self._attr_native_value:
            self._attr_native_value = value
            self.async_write_ha_state()


class _BinarySensor(_Bare, BinarySensorEntity):
    def show(self, *, is_on: bool) -> None:
        """Show a yes or no, if it is another one."""
        if is_on is not self._attr_is_on:
            self._attr_is_on = is_on
            self.async_write_ha_state()


class _Calendar(_Bare, CalendarEntity):
    _unrecorded_attributes = PrinterCalendar._unrecorded_attributes  # noqa: SLF001 - so that both record the same
    event: CalendarEvent | None = None

    def show(self, event: CalendarEvent | None) -> None:
        """Show a print, if it is another one."""
        if event != self.event:
            self.event = event
            self.async_write_ha_state()


class _Event(_Bare, EventEntity):
    _unrecorded_attributes = PrinterEvent._unrecorded_attributes  # noqa: SLF001 - as above

    def show(self, data: dict[str, Any]) -> None:
        """Show a notification."""
        self._trigger_event(data["type"], {key: value for key, value in data.items() if key != "event_type"})
        self.async_write_ha_state()


class _Image(_Bare, ImageEntity):
    _link: str | None = None

    def show(self, link: str | None, now: datetime) -> None:
        """Show a picture, if it is another one."""
        if link not in (None, self._link):
            self._link = link
            self._attr_image_last_updated = now
            self.async_write_ha_state()


def _described[T: _Bare](entity: T, description: EntityDescription) -> T:
    entity.describe(description)
    return entity


class _Printer:
    """One printer, and all its entities."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Start without a print."""
        self._hass = hass
        self._totals = Counter[str]()
        self._values: dict[str, Any] = {}
        self._start: datetime | None = None
        self._finish: datetime | None = None
        self.sensors = [_described(_Sensor(), one) for one in SENSORS if one.entity_registry_enabled_default]
        self.printing, self.attention_required = (_described(_BinarySensor(), one) for one in BINARY_SENSORS)
        self.image = _described(_Image(hass), SNAPSHOT)
        self.event = _described(_Event(), NOTIFICATION)
        self.calendar = _described(_Calendar(), PRINTS)

    def receive(self, body: dict[str, Any]) -> None:
        """Show what has changed, and fire the event."""
        now = dt_util.utcnow()
        if body["EventType"] != _BED_COOLDOWN:
            self._learn(body, now)
        for sensor in self.sensors:
            sensor.show(self._values[sensor.entity_description.key])
        self.printing.show(is_on=self._values["status"] == "printing")
        self.attention_required.show(is_on=self._values["attention"] != "none")
        self.calendar.show(self._under_way(body))
        self.image.show(body.get("SnapshotUrl"), now)
        data = self._event_data(body, now)
        self.event.show(data)
        self._hass.bus.async_fire(f"{DOMAIN}_{data['type']}", data)

    def _learn(self, body: dict[str, Any], now: datetime) -> None:
        """Believe what is said."""
        kind, remaining, layers = body["EventType"], body.get("TimeRemainingSec", -1), body.get("TotalLayers")
        if kind == _STARTED or self._start is None:
            self._start, self._finish = now.replace(microsecond=0) - timedelta(seconds=body["DurationSec"]), None
            self._values = dict.fromkeys(_MEASUREMENTS)
        finish = now.replace(microsecond=0) + timedelta(seconds=remaining)
        if remaining >= 0 and (self._finish is None or kind == _COMPLETE or abs(finish - self._finish) >= _SAME):
            self._finish = finish
        if kind == _COMPLETE:
            self._totals.update(prints_completed=1, total_print_time=body["DurationSec"])
        self._values |= {name: body[key] for name, key in _MEASUREMENTS.items() if key in body}
        self._values |= {
            "status": _STATUS.get(kind, "printing"),
            "current_layer": body.get("CurrentLayer") if layers else None,
            "total_layers": layers or None,
            "time_remaining": remaining if remaining >= 0 else None,
            "estimated_finish": self._finish,
            "print_start": self._start,
            "attention": _ATTENTION.get(kind, "none"),
            "error_message": body.get("Error"),
            "error_code": body.get("PlatformErrorCode"),
            **{
                name: self._totals[name]
                for name in ("prints_completed", "prints_failed", "prints_cancelled", "total_print_time")
            },
        }

    def _under_way(self, body: dict[str, Any]) -> CalendarEvent | None:
        """Return the print that is under way as the calendar shows it."""
        start, finish = self._start, self._finish
        if start is None or finish is None or body["EventType"] in (_COMPLETE, _BED_COOLDOWN):
            return None
        return CalendarEvent(
            start=dt_util.as_local(start),
            end=dt_util.as_local(finish),
            summary=f"{body['FileName']} (printing)",
            description=f"Quick View: {body['QuickViewUrl']}",
            uid=body["PrintId"],
        )

    def _event_data(self, body: dict[str, Any], now: datetime) -> dict[str, Any]:
        """Return what the event says."""
        finish = now.replace(microsecond=0) + timedelta(seconds=body.get("TimeRemainingSec", 0))
        return {
            "device_id": _DEVICE_ID,
            **{name: body.get(key) for name, key in _EVENT_DATA.items()},
            "type": self.event.event_types[body["EventType"] - 1],
            "estimated_finish": finish.isoformat(),
            "cancelled": None,
            "source": "notification",
            "extra": {},
        }


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Add the entities and listen."""
    printer = _Printer(hass)
    await hass.data[SENSOR_COMPONENT].async_add_entities(printer.sensors)
    await hass.data[BINARY_SENSOR_COMPONENT].async_add_entities([printer.printing, printer.attention_required])
    await hass.data[IMAGE_COMPONENT].async_add_entities([printer.image])
    await hass.data[EVENT_COMPONENT].async_add_entities([printer.event])
    await hass.data[CALENDAR_COMPONENT].async_add_entities([printer.calendar])

    async def handle(hass: HomeAssistant, webhook_id: str, request: Request) -> None:
        printer.receive(await request.json())

    webhook.async_register(hass, DOMAIN, "The same entities", DOMAIN, handle, local_only=True)
    return True
