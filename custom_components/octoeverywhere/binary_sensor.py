"""Binary sensors: whether the printer prints, and whether somebody should look after it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import OctoEverywhereConfigEntry
from .entity import PrinterEntity
from .view import View

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class PrinterBinarySensorDescription(BinarySensorEntityDescription):
    """A binary sensor and what turns it on."""

    is_on_fn: Callable[[View], bool | None]


BINARY_SENSORS = (
    PrinterBinarySensorDescription(
        key="printing",
        device_class=BinarySensorDeviceClass.RUNNING,
        is_on_fn=lambda view: view.printing,
    ),
    PrinterBinarySensorDescription(
        key="attention_required",
        device_class=BinarySensorDeviceClass.PROBLEM,
        is_on_fn=lambda view: view.attention_required,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: OctoEverywhereConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the binary sensors of every printer, known or to come."""
    await entry.runtime_data.async_add_platform(
        lambda printer: [PrinterBinarySensor(printer, binary_sensor) for binary_sensor in BINARY_SENSORS],
    )


class PrinterBinarySensor(PrinterEntity, BinarySensorEntity):
    """A yes or no of a printer."""

    entity_description: PrinterBinarySensorDescription
    platform_name = Platform.BINARY_SENSOR

    @override
    def _update(self) -> bool:
        """Read the value."""
        before, self._attr_is_on = self._attr_is_on, self.entity_description.is_on_fn(self.coordinator.data)
        return self._attr_is_on is not before
