"""Fourteen plain entities, and the webhook that writes them."""

from datetime import datetime, timedelta
from typing import Any, Final

from aiohttp.web import Request
from homeassistant.components import webhook
from homeassistant.components.sensor import SensorEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddEntitiesCallback
from homeassistant.helpers.typing import ConfigType, DiscoveryInfoType
from homeassistant.util import dt as dt_util

DOMAIN: Final = "bench_plain"

_STATUS: Final = {2: "complete", 3: "failed", 4: "paused", 8: "paused", 9: "error"}
_KEYS: Final = {
    "PrinterId": "printer_id",
    "PrinterName": "printer_name",
    "PrintId": "print_id",
    "EventType": "event_type",
    "FileName": "file_name",
    "Progress": "progress",
    "DurationSec": "duration",
    "TimeRemainingSec": "time_remaining",
    "ZOffsetMM": "z_offset",
    "CurrentLayer": "current_layer",
    "TotalLayers": "total_layers",
    "Error": "error",
    "PlatformErrorCode": "error_code",
    "SnapshotUrl": "snapshot_url",
    "QuickViewUrl": "quick_view_url",
}


class PlainSensor(SensorEntity):
    """A value, written with every notification."""

    _attr_should_poll = False

    def __init__(self, name: str) -> None:
        """Name the entity."""
        self._attr_name = f"Plain {name}"


async def async_setup_platform(
    hass: HomeAssistant,
    config: ConfigType,
    async_add_entities: AddEntitiesCallback,
    discovery_info: DiscoveryInfoType | None = None,
) -> None:
    """Add the entities and listen."""
    sensors = {name: PlainSensor(name) for name in _values(dict.fromkeys(_KEYS, 0), dt_util.utcnow())}
    async_add_entities(sensors.values())

    async def handle(hass: HomeAssistant, webhook_id: str, request: Request) -> None:
        body = await request.json()
        for name, value in _values(body, dt_util.utcnow()).items():
            sensors[name]._attr_native_value = value  # noqa: SLF001 - as an entity of its own would
            sensors[name].async_write_ha_state()
        hass.bus.async_fire(DOMAIN, {name: body.get(key) for key, name in _KEYS.items()})

    webhook.async_register(hass, DOMAIN, "Plain entities", DOMAIN, handle, local_only=True)


def _values(body: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return what the entities show."""
    started = now - timedelta(seconds=body["DurationSec"])
    finish = now + timedelta(seconds=body["TimeRemainingSec"])
    return {
        "status": _STATUS.get(body["EventType"], "printing"),
        "progress": body["Progress"],
        "current_layer": body["CurrentLayer"],
        "total_layers": body["TotalLayers"],
        "time_remaining": body["TimeRemainingSec"],
        "print_duration": body["DurationSec"],
        "estimated_finish": finish.isoformat(timespec="seconds"),
        "print_start": started.isoformat(timespec="seconds"),
        "file_name": body["FileName"],
        "error_message": body.get("Error"),
        "error_code": body.get("PlatformErrorCode"),
        "z_offset": body.get("ZOffsetMM"),
        "print_id": body["PrintId"],
        "notification": body["EventType"],
    }
