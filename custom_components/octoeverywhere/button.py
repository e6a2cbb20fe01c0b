"""Buttons: what a printer with a live connection can be told to do with its print."""

from dataclasses import dataclass, field
from typing import Any, override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import OctoEverywhereConfigEntry
from .const import HEATERS_OFF
from .entity import PrinterEntity
from .job import Status
from .live_coordinator import LiveCoordinator
from .plugin_api import Command

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class PrinterButtonDescription(ButtonEntityDescription):
    """What a button does, and when that makes sense."""

    command: Command
    body: dict[str, Any] = field(default_factory=dict)
    statuses: tuple[Status, ...]


BUTTONS = (
    PrinterButtonDescription(
        key="pause",
        command=Command.PAUSE,
        # Without it, OctoEverywhere sends no notification of the pause.
        body={"SuppressNotification": False},
        statuses=(Status.PREPARING, Status.PRINTING),
    ),
    PrinterButtonDescription(
        key="resume",
        command=Command.RESUME,
        statuses=(Status.PAUSED, Status.ERROR),
    ),
    PrinterButtonDescription(
        key="cancel",
        command=Command.CANCEL,
        statuses=(Status.PREPARING, Status.PRINTING, Status.PAUSED, Status.ERROR),
    ),
    PrinterButtonDescription(
        key=HEATERS_OFF,
        command=Command.SET_TEMP,
        body={"BedC": 0, "ToolC": 0, "ToolNumber": 0},
        statuses=(Status.IDLE, Status.COMPLETE, Status.FAILED, Status.CANCELLED),
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: OctoEverywhereConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the buttons of every printer with a live connection, known or to come."""
    await entry.runtime_data.async_add_live_platform(
        lambda printer: [PrinterButton(printer, button) for button in BUTTONS if button.key in printer.live_keys],
    )


class PrinterButton(PrinterEntity, ButtonEntity):
    """Something that a printer can be told to do."""

    platform_name = Platform.BUTTON
    coordinator: LiveCoordinator
    entity_description: PrinterButtonDescription

    @override
    def _is_available(self) -> bool:
        """Return True while it makes sense. A state that the plugin does not know is idle as well, also within a print."""
        live, job = self.coordinator.data.live, self.coordinator.printer.job
        if live is None or live.status not in self.entity_description.statuses:
            return False
        return live.status is not Status.IDLE or job.status not in (Status.PRINTING, Status.PAUSED)

    @override
    async def async_press(self) -> None:
        """Tell the printer. Raises HomeAssistantError."""
        await self.coordinator.async_command(self.entity_description.command, self.entity_description.body)
