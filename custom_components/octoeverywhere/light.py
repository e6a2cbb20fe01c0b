"""Lights: those that a printer with a live connection names."""

from typing import Any, override

from homeassistant.components.light import ColorMode, LightEntity, LightEntityDescription
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import OctoEverywhereConfigEntry
from .const import LIGHT
from .entity import PrinterEntity
from .live_coordinator import LiveCoordinator
from .plugin_api import Command
from .words import name_light

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: OctoEverywhereConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the lights of every printer with a live connection, known or to come."""
    await entry.runtime_data.async_add_live_platform(
        lambda printer: [
            PrinterLight(printer, key.removeprefix(LIGHT)) for key in sorted(printer.live_keys) if key.startswith(LIGHT)
        ],
    )


class PrinterLight(PrinterEntity, LightEntity):
    """A light of a printer."""

    platform_name = Platform.LIGHT
    coordinator: LiveCoordinator
    _attr_color_mode = ColorMode.ONOFF
    _attr_supported_color_modes = {ColorMode.ONOFF}  # noqa: RUF012 - as Home Assistant declares it

    def __init__(self, coordinator: LiveCoordinator, name: str) -> None:
        """Name the light as the printer does."""
        self._light = name
        self._attr_translation_placeholders = {"name": name_light(name)}
        super().__init__(coordinator, LightEntityDescription(key=f"{LIGHT}{name}", translation_key="light"))

    @override
    def _is_available(self) -> bool:
        """Return True while the printer says whether it is on."""
        live = self.coordinator.data.live
        return live is not None and self._light in live.lights

    @override
    def _update(self) -> bool:
        """Read whether it is on."""
        live = self.coordinator.data.live
        before, self._attr_is_on = self._attr_is_on, None if live is None else live.lights.get(self._light)
        return self._attr_is_on is not before

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Turn it on. Raises HomeAssistantError."""
        await self.coordinator.async_command(Command.SET_LIGHT, {"Name": self._light, "On": True})

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Turn it off. Raises HomeAssistantError."""
        await self.coordinator.async_command(Command.SET_LIGHT, {"Name": self._light, "On": False})
