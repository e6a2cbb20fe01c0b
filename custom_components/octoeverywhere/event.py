"""Event entity: the newest notification of a printer, with everything it said."""

from datetime import datetime, timedelta
from typing import Any, Final, override

from homeassistant.components.event import (
    EventEntity,
    EventEntityDescription,
    EventExtraStoredData,
)
from homeassistant.core import HomeAssistant, State, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .coordinator import OctoEverywhereConfigEntry
from .entity import PrinterEntity
from .payload import EVENT_KEYS, NotificationType
from .store import Announcement

PARALLEL_UPDATES = 0

_CLOSE: Final = timedelta(seconds=1)

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

    # The bus event, which is recorded, says all of it; the kind is what Home Assistant's activity shows.
    _unrecorded_attributes = frozenset({"device_id", *EVENT_KEYS} - {"event_type"})
    _stored: Announcement | None = None

    @override
    async def async_added_to_hass(self) -> None:
        """Hear of every notification, also of those that change no state."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.async_on_announcement(self._announce))

    @override
    async def async_get_last_state(self) -> State | None:
        """Return the state to begin with: ours where a crash left Home Assistant's an older one."""
        restored = await super().async_get_last_state()
        shown_at = restored and dt_util.parse_datetime(restored.state)
        announcement = self.coordinator.announcement
        # What lies in the future is not the newest: the clock was set back. Home Assistant itself is ahead of it by a little,
        # so that no two events have the same time.
        if announcement is None or (
            shown_at and _in_milliseconds(announcement.at) <= shown_at <= dt_util.utcnow() + _CLOSE
        ):
            return restored
        self._stored = announcement
        return State(self.entity_id, announcement.at.isoformat(timespec="milliseconds"))

    @override
    async def async_get_last_event_data(self) -> EventExtraStoredData | None:
        """Return the attributes that belong to the state to begin with."""
        if self._stored is None:
            return await super().async_get_last_event_data()
        return EventExtraStoredData(self._stored.type, self._attributes(self._stored))

    def _attributes(self, announcement: Announcement) -> dict[str, Any]:
        """Return the event's data, less the number: `event_type` of an event entity is the slug."""
        data = self.coordinator.event_data(announcement)
        return {key: value for key, value in data.items() if key != "event_type"}

    @callback
    def _announce(self, announcement: Announcement) -> None:
        """Show a notification."""
        self._trigger_event(announcement.type, self._attributes(announcement))
        self.async_write_ha_state()


def _in_milliseconds(moment: datetime) -> datetime:
    """Drop what the state of an event entity does not show."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
