"""Event entity: the newest notification of a printer, with everything it said."""

from typing import Any, override

from homeassistant.components.event import EventEntity, EventEntityDescription, EventExtraStoredData
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, State, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import OctoEverywhereConfigEntry
from .entity import PrinterEntity
from .job import Announcement
from .payload import EVENT_KEYS, NotificationType

PARALLEL_UPDATES = 0

NOTIFICATION = EventEntityDescription(key="notification", event_types=[type_.value for type_ in NotificationType])


async def async_setup_entry(
    hass: HomeAssistant,
    entry: OctoEverywhereConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the event entity of every printer, known or to come."""
    await entry.runtime_data.async_add_platform(
        lambda printer: [PrinterEvent(printer, NOTIFICATION)],
    )


class PrinterEvent(PrinterEntity, EventEntity):
    """The notifications of a printer, one after the other."""

    platform_name = Platform.EVENT
    # The bus event, which is recorded, says all of it; the kind is what Home Assistant's activity shows.
    _unrecorded_attributes = frozenset({"device_id", *EVENT_KEYS} - {"event_type"})

    @override
    async def async_added_to_hass(self) -> None:
        """Hear of every notification, also of those that change no state."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.async_on_announcement(self._announce))

    @override
    async def async_get_last_state(self) -> State | None:
        """Return the state to begin with: ours, since after a crash Home Assistant's own may be an older one."""
        if (newest := self.coordinator.printer.announcement) is None:
            return None
        return State(self.entity_id, newest.at.isoformat(timespec="milliseconds"))

    @override
    async def async_get_last_event_data(self) -> EventExtraStoredData | None:
        """Return the attributes that belong to the state to begin with."""
        newest = self.coordinator.printer.announcement
        return None if newest is None else EventExtraStoredData(newest.type, self._attributes(newest))

    def _attributes(self, announcement: Announcement) -> dict[str, Any]:
        """Return the event's data, less the number: `event_type` of an event entity is the slug."""
        data = self.coordinator.event_data(announcement)
        return {key: value for key, value in data.items() if key != "event_type"}

    @callback
    def _announce(self, announcement: Announcement) -> None:
        """Show a notification."""
        self._trigger_event(announcement.type, self._attributes(announcement))
        self.async_write_ha_state()
