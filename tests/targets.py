"""What the triggers and conditions of an automation can be aimed at, as the automation editor writes it."""

from typing import Any, Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
    floor_registry as fr,
    label_registry as lr,
)
from pytest_homeassistant_custom_component.typing import MockHAClientWebSocket

from custom_components.octoeverywhere.const import DOMAIN

from .conftest import the_device

KINDS_OF_TARGETS: Final = ("device", "area", "floor", "label", "label_of_entity", "entity", "other_entity")
SECOND: Final = {"PrinterId": "printer-2", "PrinterName": "Voron"}

type Target = dict[str, Any]


def device_id_of(hass: HomeAssistant, printer_id: str = "printer-1") -> str:
    """Return the id of a printer's device."""
    return the_device(hass, printer_id).id


def target(hass: HomeAssistant, kind: str, entity_id: str, printer_id: str = "printer-1") -> Target:
    """Return a target that is, or holds, one printer, whose entity is the one that the editor offers."""
    device_id = device_id_of(hass, printer_id)
    match kind:
        case "area":
            area = ar.async_get(hass).async_create(f"Room of {printer_id}")
            dr.async_get(hass).async_update_device(device_id, area_id=area.id)
            return {"area_id": area.id}
        case "floor":
            floor = fr.async_get(hass).async_create(f"Floor of {printer_id}")
            area = ar.async_get(hass).async_create(f"Loft of {printer_id}", floor_id=floor.floor_id)
            dr.async_get(hass).async_update_device(device_id, area_id=area.id)
            return {"floor_id": floor.floor_id}
        case "label":
            label = lr.async_get(hass).async_create(f"Label of {printer_id}")
            dr.async_get(hass).async_update_device(device_id, labels={label.label_id})
            return {"label_id": label.label_id}
        case "label_of_entity":
            label = lr.async_get(hass).async_create(f"Label of {entity_id}")
            er.async_get(hass).async_update_entity(entity_id, labels={label.label_id})
            return {"label_id": label.label_id}
        case "entity":
            return {"entity_id": entity_id}
        case "other_entity":
            other = er.async_get(hass).async_get_entity_id("sensor", DOMAIN, f"{printer_id}_error_code")
            return {"entity_id": ["sun.sun", other]}
    return {"device_id": device_id}


async def offered(websocket: MockHAClientWebSocket, what: str, target: Target) -> set[str]:
    """Return what the automation editor offers of the integration's triggers or conditions "By target"."""
    await websocket.send_json_auto_id({"type": f"get_{what}_for_target", "target": target})
    names = (await websocket.receive_json())["result"]
    return {name.removeprefix(f"{DOMAIN}.") for name in names if name.startswith(f"{DOMAIN}.")}
