"""Binary sensors: whether the printer prints, and whether somebody should look after it."""

from typing import override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import OctoEverywhereConfigEntry
from .entity import PrinterEntity

PARALLEL_UPDATES = 0


BINARY_SENSORS = (
    BinarySensorEntityDescription(
        key="printing",
        device_class=BinarySensorDeviceClass.RUNNING,
    ),
    BinarySensorEntityDescription(
        key="attention_required",
        device_class=BinarySensorDeviceClass.PROBLEM,
    ),
)
# Of a printer with a live connection.
CONNECTED = BinarySensorEntityDescription(
    key="connected",
    device_class=BinarySensorDeviceClass.CONNECTIVITY,
    entity_category=EntityCategory.DIAGNOSTIC,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: OctoEverywhereConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the binary sensors of every printer, known or to come."""
    await entry.runtime_data.async_add_platform(
        lambda printer: [
            *(PrinterBinarySensor(printer, binary_sensor) for binary_sensor in BINARY_SENSORS),
            *([PrinterConnected(printer, CONNECTED)] if CONNECTED.key in printer.live_keys else []),
        ],
    )


class PrinterBinarySensor(PrinterEntity, BinarySensorEntity):
    """A yes or no of a printer."""

    platform_name = Platform.BINARY_SENSOR

    @override
    def _update(self) -> bool:
        """Read the value."""
        before, self._attr_is_on = self._attr_is_on, getattr(self.coordinator.data, self.entity_description.key)
        return self._attr_is_on is not before


class PrinterConnected(PrinterBinarySensor):
    """Whether OctoEverywhere reaches a printer."""

    @override
    def _is_available(self) -> bool:
        """Return True: that a printer cannot be reached is what it shows."""
        return True
