"""The least that shows the same: what this integration shows, written where it has changed, and nothing saved."""

from datetime import datetime, timedelta
from typing import Any, Final

from aiohttp.web import Request
from homeassistant.components import webhook
from homeassistant.components.binary_sensor import DATA_COMPONENT as BINARY_SENSORS, BinarySensorEntity
from homeassistant.components.calendar import CalendarEntity, CalendarEvent
from homeassistant.components.calendar.const import DATA_COMPONENT as CALENDARS
from homeassistant.components.event import DATA_COMPONENT as EVENTS, EventEntity
from homeassistant.components.image import ImageEntity
from homeassistant.components.image.const import DATA_COMPONENT as IMAGES
from homeassistant.components.sensor import DATA_COMPONENT as SENSORS, SensorEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.typing import ConfigType
from homeassistant.util import dt as dt_util

DOMAIN: Final = "bench_same"
CONFIG_SCHEMA = cv.empty_config_schema(DOMAIN)

_STATUS: Final = {2: "complete", 3: "failed", 4: "paused", 8: "paused", 9: "error"}
_ATTENTION: Final = {7: "failure_suspected", 8: "paused_by_gadget", 9: "error", 11: "filament_change", 12: "user"}
_SAME: Final = timedelta(minutes=1)
_KEYS: Final = {
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


class _Sensor(SensorEntity):
    _attr_should_poll = False


class _BinarySensor(BinarySensorEntity):
    _attr_should_poll = False


class _Calendar(CalendarEntity):
    _attr_should_poll = False
    _attr_name = "Same prints"
    _unrecorded_attributes = frozenset({"end_time"})
    event: CalendarEvent | None = None


class _Event(EventEntity):
    _attr_should_poll = False
    _attr_name = "Same notification"
    _attr_event_types = [str(number) for number in range(1, 17)]  # noqa: RUF012 - as Home Assistant declares it
    _unrecorded_attributes = frozenset({*_KEYS, "estimated_finish"}) - {"event_type"}


class _Image(ImageEntity):
    _attr_name = "Same snapshot"


class _Printer:
    """One printer, and all its entities."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Start without a print."""
        self._hass = hass
        self._known: dict[str, Any] = {}
        self._finish: datetime | None = None
        self._start: datetime | None = None
        names = self._values({"EventType": 0, "DurationSec": 0}, dt_util.utcnow())
        self.sensors = {name: _named(_Sensor(), name) for name in names}
        self.binary_sensors = {name: _named(_BinarySensor(), name) for name in ("printing", "attention_required")}
        self.image = _Image(hass)
        self.event = _Event()
        self.calendar = _Calendar()

    def receive(self, body: dict[str, Any]) -> None:
        """Show what has changed, and fire the event."""
        now = dt_util.utcnow()
        values = self._values(body, now)
        for name, value in values.items():
            if value is not None and self._known.get(name) != value:
                self._known[name] = value
                self.sensors[name]._attr_native_value = value  # noqa: SLF001 - as an entity of its own would
                self.sensors[name].async_write_ha_state()
        self._switch("printing", is_on=values["status"] == "printing")
        self._switch("attention_required", is_on=values["attention"] != "none")
        self.image._attr_image_last_updated = now  # noqa: SLF001 - as above
        self.image.async_write_ha_state()
        self._move_calendar(body)
        data = {name: body.get(key) for name, key in _KEYS.items()} | {"estimated_finish": self._finish}
        self.event._trigger_event(str(body["EventType"]), data)  # noqa: SLF001 - as above
        self.event.async_write_ha_state()
        self._hass.bus.async_fire(DOMAIN, {**data, "estimated_finish": str(self._finish), "type": "x", "extra": {}})

    def _switch(self, name: str, *, is_on: bool) -> None:
        if self.binary_sensors[name].is_on is not is_on:
            self.binary_sensors[name]._attr_is_on = is_on  # noqa: SLF001 - as above
            self.binary_sensors[name].async_write_ha_state()

    def _move_calendar(self, body: dict[str, Any]) -> None:
        event = None
        if self._start is not None and self._finish is not None and body["EventType"] not in (2, 3, 15):
            event = CalendarEvent(start=self._start, end=self._finish, summary=body["FileName"])
        if event != self.calendar.event:
            self.calendar.event = event
            self.calendar.async_write_ha_state()

    def _values(self, body: dict[str, Any], now: datetime) -> dict[str, Any]:
        """Return what the sensors show."""
        remaining = body.get("TimeRemainingSec", -1)
        if body["EventType"] == 1 or self._start is None:
            self._start, self._finish = now - timedelta(seconds=body["DurationSec"]), None
        if remaining >= 0:
            finish = now + timedelta(seconds=remaining)
            self._finish = finish if self._finish is None or abs(finish - self._finish) >= _SAME else self._finish
        return {
            "status": _STATUS.get(body["EventType"], "printing"),
            "progress": body.get("Progress"),
            "current_layer": body.get("CurrentLayer"),
            "total_layers": body.get("TotalLayers"),
            "time_remaining": remaining,
            "print_duration": body["DurationSec"],
            "estimated_finish": self._finish and self._finish.isoformat(timespec="seconds"),
            "print_start": self._start.isoformat(timespec="seconds"),
            "file_name": body.get("FileName"),
            "attention": _ATTENTION.get(body["EventType"], "none"),
            "error_message": body.get("Error"),
            "error_code": body.get("PlatformErrorCode"),
            "z_offset": body.get("ZOffsetMM"),
            "prints_completed": 0,
            "prints_failed": 0,
            "total_print_time": 0,
        }


def _named[T: Entity](entity: T, name: str) -> T:
    entity._attr_name = f"Same {name}"  # noqa: SLF001 - as an entity of its own would
    return entity


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Add the entities and listen."""
    printer = _Printer(hass)
    await hass.data[SENSORS].async_add_entities(printer.sensors.values())
    await hass.data[BINARY_SENSORS].async_add_entities(printer.binary_sensors.values())
    await hass.data[IMAGES].async_add_entities([printer.image])
    await hass.data[EVENTS].async_add_entities([printer.event])
    await hass.data[CALENDARS].async_add_entities([printer.calendar])

    async def handle(hass: HomeAssistant, webhook_id: str, request: Request) -> None:
        printer.receive(await request.json())

    webhook.async_register(hass, DOMAIN, "The same entities", DOMAIN, handle, local_only=True)
    return True
