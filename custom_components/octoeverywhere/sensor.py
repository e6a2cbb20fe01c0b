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

from .coordinator import OctoEverywhereConfigEntry
from .entity import PrinterEntity
from .history import Totals
from .state import Attention, PrinterState, Status

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class PrinterSensorDescription(SensorEntityDescription):
    """A sensor and where its value is in the printer's state."""

    value_fn: Callable[[PrinterState], str | float | datetime | None]
    attributes_fn: Callable[[PrinterState], dict[str, Any]] = lambda _: {}


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
        # Enough to tell once in a print that it will be over soon, however the estimate moves; see the blueprint.
        attributes_fn=lambda state: {
            "estimated_at": state.estimated_at,
            "least_remaining": state.least_remaining,
        },
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


@dataclass(frozen=True, kw_only=True)
class PrinterTotalDescription(SensorEntityDescription):
    """A total of a printer and where it is found."""

    state_class: SensorStateClass = SensorStateClass.TOTAL_INCREASING
    value_fn: Callable[[Totals], int]


TOTALS = (
    PrinterTotalDescription(
        key="prints_completed",
        suggested_display_precision=0,
        value_fn=lambda totals: totals.completed,
    ),
    PrinterTotalDescription(
        key="prints_failed",
        suggested_display_precision=0,
        value_fn=lambda totals: totals.failed,
    ),
    PrinterTotalDescription(
        key="total_print_time",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_unit_of_measurement=UnitOfTime.HOURS,
        suggested_display_precision=2,
        value_fn=lambda totals: totals.seconds,
    ),
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
            *(PrinterTotal(printer, total) for total in TOTALS),
        ],
    )


class PrinterSensor(PrinterEntity, SensorEntity):
    """A value of a printer."""

    entity_description: PrinterSensorDescription
    _unrecorded_attributes = frozenset({"estimated_at", "least_remaining"})
    _shown: tuple[object, object] | None = None

    @override
    def _update(self) -> bool:
        """Read the value; Home Assistant takes no longer text for a state."""
        value = self.entity_description.value_fn(self.coordinator.data)
        if isinstance(value, str):
            value = value[:MAX_LENGTH_STATE_STATE]
        attributes = self.entity_description.attributes_fn(self.coordinator.data)
        if (value, attributes) == self._shown:
            return False
        self._shown = value, attributes
        self._attr_native_value = value
        self._attr_extra_state_attributes = attributes
        return True


class PrinterTotal(PrinterEntity, SensorEntity):
    """What a printer has done in all."""

    entity_description: PrinterTotalDescription
    _attr_native_value: int | None = None

    @override
    def _update(self) -> bool:
        """Read the value."""
        before, self._attr_native_value = (
            self._attr_native_value,
            self.entity_description.value_fn(self.coordinator.totals),
        )
        return self._attr_native_value != before
