"""Sensors: how far the print is, and what the printer says of itself."""

from dataclasses import replace
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
    UnitOfTemperature,
    UnitOfTime,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import OctoEverywhereConfigEntry
from .entity import PrinterEntity
from .job import Attention, Status

PARALLEL_UPDATES = 0


# Each shows what the view of its printer has under its key.
#
# Three of them are meant to be seen at a glance, on the page of an area and in its activity: status, progress and time remaining. What
# is not visible by default is on the device's page all the same.

# Durations are suggested in hours, which the frontend shows as hours and minutes, as it does no other unit.
_TIME_REMAINING = SensorEntityDescription(
    key="time_remaining",
    device_class=SensorDeviceClass.DURATION,
    native_unit_of_measurement=UnitOfTime.SECONDS,
    suggested_unit_of_measurement=UnitOfTime.HOURS,
    suggested_display_precision=2,
)
_PRINT_DURATION = replace(_TIME_REMAINING, key="print_duration", entity_registry_visible_default=False)
_PRINTS_COMPLETED = SensorEntityDescription(
    key="prints_completed",
    entity_registry_visible_default=False,
    state_class=SensorStateClass.TOTAL_INCREASING,
    suggested_display_precision=0,
)
SENSORS = (
    SensorEntityDescription(
        key="status",
        device_class=SensorDeviceClass.ENUM,
        options=[status.value for status in Status if status not in (Status.IDLE, Status.PREPARING)],
    ),
    SensorEntityDescription(
        key="progress",
        native_unit_of_measurement=PERCENTAGE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
    ),
    SensorEntityDescription(
        key="current_layer",
        entity_registry_visible_default=False,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
    ),
    SensorEntityDescription(
        key="total_layers",
        entity_registry_visible_default=False,
        suggested_display_precision=0,
    ),
    _TIME_REMAINING,
    _PRINT_DURATION,
    SensorEntityDescription(
        key="estimated_finish",
        entity_registry_visible_default=False,
        device_class=SensorDeviceClass.TIMESTAMP,
    ),
    SensorEntityDescription(
        key="print_start",
        entity_registry_visible_default=False,
        device_class=SensorDeviceClass.TIMESTAMP,
    ),
    SensorEntityDescription(key="file_name", entity_registry_visible_default=False),
    SensorEntityDescription(
        key="attention",
        entity_registry_visible_default=False,
        device_class=SensorDeviceClass.ENUM,
        options=[attention.value for attention in Attention],
    ),
    SensorEntityDescription(key="error_message", entity_category=EntityCategory.DIAGNOSTIC),
    SensorEntityDescription(key="error_code", entity_category=EntityCategory.DIAGNOSTIC),
    SensorEntityDescription(
        key="z_offset",
        device_class=SensorDeviceClass.DISTANCE,
        suggested_display_precision=2,
        native_unit_of_measurement=UnitOfLength.MILLIMETERS,
        entity_category=EntityCategory.DIAGNOSTIC,
    ),
    SensorEntityDescription(
        key="print_id",
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    _PRINTS_COMPLETED,
    replace(_PRINTS_COMPLETED, key="prints_failed"),
    replace(_PRINTS_COMPLETED, key="prints_cancelled"),
    replace(_PRINT_DURATION, key="total_print_time", state_class=SensorStateClass.TOTAL_INCREASING),
)
# Of a printer with a live connection.
_TEMPERATURE = SensorEntityDescription(
    key="nozzle_temperature",
    device_class=SensorDeviceClass.TEMPERATURE,
    native_unit_of_measurement=UnitOfTemperature.CELSIUS,
    state_class=SensorStateClass.MEASUREMENT,
    suggested_display_precision=0,
)
_TARGET = replace(_TEMPERATURE, key="nozzle_target", state_class=None, entity_category=EntityCategory.DIAGNOSTIC)
LIVE_SENSORS = (
    _TEMPERATURE,
    replace(_TEMPERATURE, key="bed_temperature"),
    replace(_TEMPERATURE, key="chamber_temperature"),
    _TARGET,
    replace(_TARGET, key="bed_target"),
    SensorEntityDescription(key="status_detail", entity_category=EntityCategory.DIAGNOSTIC),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: OctoEverywhereConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the sensors of every printer, known or to come."""
    await entry.runtime_data.async_add_platform(
        lambda printer: [
            *(PrinterSensor(printer, sensor) for sensor in SENSORS),
            *(PrinterSensor(printer, sensor) for sensor in LIVE_SENSORS if sensor.key in printer.live_keys),
        ],
    )


class PrinterSensor(PrinterEntity, SensorEntity):
    """A value of a printer."""

    platform_name = Platform.SENSOR

    @property
    @override
    def options(self) -> list[str] | None:
        """What a status can be: more where the printer can be asked."""
        is_live_status = self.entity_description.key == "status" and self.coordinator.live_keys
        return [status.value for status in Status] if is_live_status else super().options

    @override
    def _update(self) -> bool:
        """Read the value; Home Assistant takes no longer text for a state."""
        value = getattr(self.coordinator.data, self.entity_description.key)
        if isinstance(value, str):
            value = value[:MAX_LENGTH_STATE_STATE]
        before, self._attr_native_value = self._attr_native_value, value
        return bool(value != before)
