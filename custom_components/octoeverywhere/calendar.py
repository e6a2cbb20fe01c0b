"""Calendar: every print of a printer, past and under way."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, override

from homeassistant.components.calendar import CalendarEntity, CalendarEntityDescription, CalendarEvent
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .account import OctoEverywhereConfigEntry
from .entity import PrinterEntity
from .history import Outcome, Print
from .words import async_word

PARALLEL_UPDATES = 0

PRINTS = CalendarEntityDescription(key="prints")

# Shorter than this, a print could not be seen in a calendar, and one without any length is not allowed there.
_SHORTEST: Final = timedelta(minutes=1)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: OctoEverywhereConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the calendar of every printer, known or to come."""
    await entry.runtime_data.async_add_platform(
        lambda printer: [PrinterCalendar(printer, PRINTS)],
    )


class PrinterCalendar(PrinterEntity, CalendarEntity):
    """The prints of a printer."""

    platform_name = Platform.CALENDAR
    # It moves with every estimate, of which the sensor keeps the history.
    _unrecorded_attributes = frozenset({"end_time"})
    _event: CalendarEvent | None = None

    @property
    @override
    def event(self) -> CalendarEvent | None:
        """Return the print that is under way."""
        return self._event

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        """Return the prints of a period."""
        prints = await self.coordinator.async_get_prints()
        events = (self._as_event(print_) for print_ in prints)
        return [event for event in events if event.start < end_date and event.end > start_date]

    @override
    def _update(self) -> bool:
        """Look for the print that is under way."""
        under_way = self.coordinator.data.under_way
        before, self._event = self._event, None if under_way is None else self._as_event(under_way)
        return self._event != before

    def _as_event(self, print_: Print) -> CalendarEvent:
        """Return a print as an entry of the calendar."""
        outcome = self._word(f"selector.outcome.options.{print_.outcome}")
        end = dt_util.as_local(max(print_.ended_at, print_.started_at + _SHORTEST))
        # Home Assistant compares what the clock shows: in the hour that comes twice, an end may seem to precede its start.
        start = min(dt_util.as_local(print_.started_at), end - _SHORTEST)
        return CalendarEvent(
            start=start,
            end=end,
            summary=f"{print_.file_name} ({outcome})" if print_.file_name else outcome,
            description="\n".join(self._details(print_)),
            uid=print_.print_id,
        )

    def _details(self, print_: Print) -> Iterator[str]:
        """Yield what is known of a print beside when and how it ended, each on a line."""
        # What changes with every notification of a print is not worth a new state of the calendar.
        if print_.outcome is not Outcome.UNDER_WAY:
            if print_.total_layers:
                layers = self._word("entity.sensor.total_layers.unit_of_measurement")
                yield f"{print_.current_layer or 0} / {print_.total_layers} {layers}"
            if print_.error:
                yield f"{self._word('entity.sensor.error_message.name')}: {print_.error}"
        if print_.quick_view_url:
            yield print_.quick_view_url

    def _word(self, path: str) -> str:
        return async_word(self.coordinator.hass, path)
