"""Sensors: how far the print is, and what the printer says of itself."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import override

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

from .coordinator import OctoEverywhereConfigEntry
from .entity import PrinterEntity
from .state import Attention, PrinterState, Status

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class PrinterSensorDescription(SensorEntityDescription):
    """A sensor and where its value is in the printer's state."""

    value_fn: Callable[[PrinterState], str | float | datetime | None]


SENSORS = (
    PrinterSensorDescription(
        key="status",
        device_class=SensorDeviceClass.ENUM,
        options=[status.value for status in Status],
        value_fn=lambda state: state.status,
    ),
    PrinterSensorDescription(
        key="progress",
        native_unit_of_measurement=PERCENTAGE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        value_fn=lambda state: state.progress,
    ),
    PrinterSensorDescription(
        key="current_layer",
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        value_fn=lambda state: state.current_layer,
    ),
    PrinterSensorDescription(
        key="total_layers",
        suggested_display_precision=0,
        value_fn=lambda state: state.total_layers,
    ),
    PrinterSensorDescription(
        key="time_remaining",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        # The frontend shows hours, and no other unit, as hours and minutes.
        suggested_unit_of_measurement=UnitOfTime.HOURS,
        suggested_display_precision=2,
        value_fn=lambda state: state.time_remaining,
    ),
    PrinterSensorDescription(
        key="print_duration",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        # The frontend shows hours, and no other unit, as hours and minutes.
        suggested_unit_of_measurement=UnitOfTime.HOURS,
        suggested_display_precision=2,
        value_fn=lambda state: state.duration,
    ),
    PrinterSensorDescription(
        key="estimated_finish",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda state: state.finish_at,
    ),
    PrinterSensorDescription(
        key="print_start",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda state: state.started_at,
    ),
    PrinterSensorDescription(
        key="file_name",
        value_fn=lambda state: state.file_name,
    ),
    PrinterSensorDescription(
        key="attention",
        device_class=SensorDeviceClass.ENUM,
        options=[attention.value for attention in Attention],
        value_fn=lambda state: state.attention,
    ),
    PrinterSensorDescription(
        key="error_message",
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda state: state.error_message,
    ),
    PrinterSensorDescription(
        key="error_code",
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda state: state.error_code,
    ),
    PrinterSensorDescription(
        key="z_offset",
        device_class=SensorDeviceClass.DISTANCE,
        native_unit_of_measurement=UnitOfLength.MILLIMETERS,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda state: state.z_offset,
    ),
    PrinterSensorDescription(
        key="print_id",
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda state: state.print_id,
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
    _attr_native_value: str | float | datetime | None = None

    @override
    def _update(self) -> bool:
        """Read the value; Home Assistant takes no longer text for a state."""
        value = self.entity_description.value_fn(self.coordinator.data)
        if isinstance(value, str):
            value = value[:MAX_LENGTH_STATE_STATE]
        is_changed = value != self._attr_native_value
        self._attr_native_value = value
        return is_changed
