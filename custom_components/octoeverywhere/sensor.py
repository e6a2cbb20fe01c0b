"""Sensors: how far the print is, and what the printer says of itself."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import (
    MAX_LENGTH_STATE_STATE,
    PERCENTAGE,
    EntityCategory,
    UnitOfLength,
    UnitOfTime,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import OctoEverywhereConfigEntry, PrinterCoordinator
from .entity import PrinterEntity
from .state import Attention, Status

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class PrinterSensorDescription(SensorEntityDescription):
    """A sensor and where its value is found."""

    value_fn: Callable[[PrinterCoordinator], str | float | datetime | None]
    attributes_fn: Callable[[PrinterCoordinator], dict[str, Any]] = lambda _: {}


# Durations are suggested in hours, which the frontend shows as hours and minutes, as it does no other unit.
SENSORS = (
    PrinterSensorDescription(
        key="status",
        device_class=SensorDeviceClass.ENUM,
        options=[status.value for status in Status],
        value_fn=lambda printer: printer.data.status,
    ),
    PrinterSensorDescription(
        key="progress",
        native_unit_of_measurement=PERCENTAGE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        value_fn=lambda printer: printer.data.progress,
    ),
    PrinterSensorDescription(
        key="current_layer",
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        value_fn=lambda printer: printer.data.current_layer,
    ),
    PrinterSensorDescription(
        key="total_layers",
        suggested_display_precision=0,
        value_fn=lambda printer: printer.data.total_layers,
    ),
    PrinterSensorDescription(
        key="time_remaining",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_unit_of_measurement=UnitOfTime.HOURS,
        suggested_display_precision=2,
        value_fn=lambda printer: printer.data.time_remaining,
    ),
    PrinterSensorDescription(
        key="print_duration",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_unit_of_measurement=UnitOfTime.HOURS,
        suggested_display_precision=2,
        value_fn=lambda printer: printer.data.duration,
    ),
    PrinterSensorDescription(
        key="estimated_finish",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda printer: printer.data.finish_at,
        # Enough to tell once in a print that it will be over soon, however the estimate moves; see the blueprint.
        attributes_fn=lambda printer: {
            "estimated_at": printer.data.estimated_at,
            "least_remaining": printer.data.least_remaining,
        },
    ),
    PrinterSensorDescription(
        key="print_start",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda printer: printer.data.started_at,
    ),
    PrinterSensorDescription(
        key="file_name",
        value_fn=lambda printer: printer.data.file_name,
    ),
    PrinterSensorDescription(
        key="attention",
        device_class=SensorDeviceClass.ENUM,
        options=[attention.value for attention in Attention],
        value_fn=lambda printer: printer.data.attention,
    ),
    PrinterSensorDescription(
        key="error_message",
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda printer: printer.data.error_message,
    ),
    PrinterSensorDescription(
        key="error_code",
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda printer: printer.data.error_code,
    ),
    PrinterSensorDescription(
        key="z_offset",
        device_class=SensorDeviceClass.DISTANCE,
        native_unit_of_measurement=UnitOfLength.MILLIMETERS,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda printer: printer.data.z_offset,
    ),
    PrinterSensorDescription(
        key="print_id",
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda printer: printer.data.print_id,
    ),
    PrinterSensorDescription(
        key="prints_completed",
        state_class=SensorStateClass.TOTAL_INCREASING,
        suggested_display_precision=0,
        value_fn=lambda printer: printer.totals.completed,
    ),
    PrinterSensorDescription(
        key="prints_failed",
        state_class=SensorStateClass.TOTAL_INCREASING,
        suggested_display_precision=0,
        value_fn=lambda printer: printer.totals.failed,
    ),
    PrinterSensorDescription(
        key="total_print_time",
        device_class=SensorDeviceClass.DURATION,
        state_class=SensorStateClass.TOTAL_INCREASING,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_unit_of_measurement=UnitOfTime.HOURS,
        suggested_display_precision=2,
        value_fn=lambda printer: printer.totals.seconds,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: OctoEverywhereConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the sensors of every printer, known or to come."""
    await entry.runtime_data.async_add_platform(
        lambda printer: [PrinterSensor(printer, sensor) for sensor in SENSORS],
    )


class PrinterSensor(PrinterEntity, SensorEntity):
    """A value of a printer."""

    entity_description: PrinterSensorDescription
    _unrecorded_attributes = frozenset({"estimated_at", "least_remaining"})
    _shown: tuple[object, object] | None = None

    @override
    def _update(self) -> bool:
        """Read the value; Home Assistant takes no longer text for a state."""
        value = self.entity_description.value_fn(self.coordinator)
        if isinstance(value, str):
            value = value[:MAX_LENGTH_STATE_STATE]
        attributes = self.entity_description.attributes_fn(self.coordinator)
        if (value, attributes) == self._shown:
            return False
        self._shown = value, attributes
        self._attr_native_value = value
        self._attr_extra_state_attributes = attributes
        return True
