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
    Platform,
    UnitOfLength,
    UnitOfTime,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import OctoEverywhereConfigEntry
from .entity import PrinterEntity
from .job import Attention, Status
from .view import View

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class PrinterSensorDescription(SensorEntityDescription):
    """A sensor and where its value is found."""

    value_fn: Callable[[View], str | float | datetime | None]


# Durations are suggested in hours, which the frontend shows as hours and minutes, as it does no other unit.
# Three of them are meant to be seen at a glance, on the page of an area and in its activity: status, progress and time remaining. What
# is not visible by default is on the device's page all the same.
SENSORS = (
    PrinterSensorDescription(
        key="status",
        device_class=SensorDeviceClass.ENUM,
        options=[status.value for status in Status],
        value_fn=lambda view: view.status,
    ),
    PrinterSensorDescription(
        key="progress",
        native_unit_of_measurement=PERCENTAGE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        value_fn=lambda view: view.progress,
    ),
    PrinterSensorDescription(
        key="current_layer",
        entity_registry_visible_default=False,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        value_fn=lambda view: view.current_layer,
    ),
    PrinterSensorDescription(
        key="total_layers",
        entity_registry_visible_default=False,
        suggested_display_precision=0,
        value_fn=lambda view: view.total_layers,
    ),
    PrinterSensorDescription(
        key="time_remaining",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_unit_of_measurement=UnitOfTime.HOURS,
        suggested_display_precision=2,
        value_fn=lambda view: view.time_remaining,
    ),
    PrinterSensorDescription(
        key="print_duration",
        entity_registry_visible_default=False,
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_unit_of_measurement=UnitOfTime.HOURS,
        suggested_display_precision=2,
        value_fn=lambda view: view.print_duration,
    ),
    PrinterSensorDescription(
        key="estimated_finish",
        entity_registry_visible_default=False,
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda view: view.estimated_finish,
    ),
    PrinterSensorDescription(
        key="print_start",
        entity_registry_visible_default=False,
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda view: view.print_start,
    ),
    PrinterSensorDescription(
        key="file_name",
        entity_registry_visible_default=False,
        value_fn=lambda view: view.file_name,
    ),
    PrinterSensorDescription(
        key="attention",
        entity_registry_visible_default=False,
        device_class=SensorDeviceClass.ENUM,
        options=[attention.value for attention in Attention],
        value_fn=lambda view: view.attention,
    ),
    PrinterSensorDescription(
        key="error_message",
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda view: view.error_message,
    ),
    PrinterSensorDescription(
        key="error_code",
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda view: view.error_code,
    ),
    PrinterSensorDescription(
        key="z_offset",
        device_class=SensorDeviceClass.DISTANCE,
        suggested_display_precision=2,
        native_unit_of_measurement=UnitOfLength.MILLIMETERS,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda view: view.z_offset,
    ),
    PrinterSensorDescription(
        key="print_id",
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda view: view.print_id,
    ),
    PrinterSensorDescription(
        key="prints_completed",
        entity_registry_visible_default=False,
        state_class=SensorStateClass.TOTAL_INCREASING,
        suggested_display_precision=0,
        value_fn=lambda view: view.totals.completed,
    ),
    PrinterSensorDescription(
        key="prints_failed",
        entity_registry_visible_default=False,
        state_class=SensorStateClass.TOTAL_INCREASING,
        suggested_display_precision=0,
        value_fn=lambda view: view.totals.failed,
    ),
    PrinterSensorDescription(
        key="prints_cancelled",
        entity_registry_visible_default=False,
        state_class=SensorStateClass.TOTAL_INCREASING,
        suggested_display_precision=0,
        value_fn=lambda view: view.totals.cancelled,
    ),
    PrinterSensorDescription(
        key="total_print_time",
        entity_registry_visible_default=False,
        device_class=SensorDeviceClass.DURATION,
        state_class=SensorStateClass.TOTAL_INCREASING,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_unit_of_measurement=UnitOfTime.HOURS,
        suggested_display_precision=2,
        value_fn=lambda view: view.totals.seconds,
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
    platform_name = Platform.SENSOR

    @override
    def _update(self) -> bool:
        """Read the value; Home Assistant takes no longer text for a state."""
        value = self.entity_description.value_fn(self.coordinator.data)
        if isinstance(value, str):
            value = value[:MAX_LENGTH_STATE_STATE]
        before, self._attr_native_value = self._attr_native_value, value
        return value != before
