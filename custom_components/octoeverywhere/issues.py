"""What the owner has to know or to do, shown under Repairs; each issue goes away when it is over."""

from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.util import dt as dt_util

from .const import DOMAIN, SUPPORTER_PAGE
from .door import Refusal
from .payload import NotificationType

NOTHING_ARRIVED: Final = "nothing_arrived"
WRONG_SECRET: Final = "wrong_secret_key"
FROM_OUTSIDE: Final = "from_outside"
ADDRESS_CHANGED: Final = "address_changed"
NOT_SAVED: Final = "not_saved"
NOTIFICATION_LIMIT: Final = "notification_limit"

_OF_THE_DOOR: Final = {Refusal.WRONG_SECRET: WRONG_SECRET, Refusal.FROM_OUTSIDE: FROM_OUTSIDE}
# What leads to the set-up, where it can be put right.
_FIXABLE: Final = (NOTHING_ARRIVED, WRONG_SECRET, FROM_OUTSIDE, ADDRESS_CHANGED)
# What is found out anew after a restart.
_OF_THIS_RUN: Final = (WRONG_SECRET, FROM_OUTSIDE, ADDRESS_CHANGED, NOT_SAVED)
_WARNINGS: Final = (NOTHING_ARRIVED, NOTIFICATION_LIMIT)

# OctoEverywhere counts by the day, and does not say when its day begins.
_LIMIT_LASTS: Final = timedelta(days=1)


class Issues:
    """The issues of the config entry."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
        """Recall the one that ends by itself."""
        self._hass = hass
        self._entry = entry
        self._is_closed = False
        self._cancel_limit: CALLBACK_TYPE | None = None
        entry.async_on_unload(self._async_close)
        issue = ir.async_get(hass).async_get_issue(DOMAIN, NOTIFICATION_LIMIT)
        if issue is not None and issue.data is not None:
            self._async_end_limit_at(datetime.fromisoformat(str(issue.data["until"])))

    @callback
    def async_note_knock(self, refusal: Refusal | None, remote: str | None) -> None:
        """Tell of a POST that was refused, and take back what one that was accepted disproves."""
        if refusal is None:
            self._async_clear(NOTHING_ARRIVED)
            self._async_clear(WRONG_SECRET)
            self._async_clear(FROM_OUTSIDE)
        elif issue := _OF_THE_DOOR.get(refusal):
            self._async_raise(issue, remote=remote or "Home Assistant Cloud")

    @callback
    def async_note_announced(self, type_: str) -> None:
        """Tell that OctoEverywhere sends nothing more today, or take it back."""
        if type_ == NotificationType.NOTIFICATION_LIMIT:
            until = dt_util.utcnow() + _LIMIT_LASTS
            self._async_raise(NOTIFICATION_LIMIT, until=until.isoformat(), supporter_page=SUPPORTER_PAGE)
            self._async_end_limit_at(until)
        elif type_ != NotificationType.TEST:
            self._async_clear_limit()

    @callback
    def async_set_address_changed(self, *, is_changed: bool) -> None:
        """Tell whether OctoEverywhere was given an address that is no longer Home Assistant's."""
        self._async_set(ADDRESS_CHANGED, is_raised=is_changed)

    @callback
    def async_set_not_saved(self, *, is_not_saved: bool) -> None:
        """Tell whether the disk does not take what is known of the printers."""
        self._async_set(NOT_SAVED, is_raised=is_not_saved)

    @callback
    def _async_close(self) -> None:
        """Take back what the next set-up finds out by itself, and everything where there will be none."""
        self._is_closed = True
        if self._cancel_limit is not None:
            self._cancel_limit()
        for issue in _OF_THIS_RUN:
            self._async_clear(issue)
        if self._entry.disabled_by is not None:
            async_forget(self._hass)

    @callback
    def _async_end_limit_at(self, moment: datetime) -> None:
        """Tell of the limit until then."""
        if self._cancel_limit is not None:
            self._cancel_limit()
        self._cancel_limit = async_track_point_in_utc_time(self._hass, self._async_clear_limit, moment)

    @callback
    def _async_clear_limit(self, _: datetime | None = None) -> None:
        """Take back the limit. One that the owner ignores stays, so that it is ignored tomorrow as well."""
        issue = ir.async_get(self._hass).async_get_issue(DOMAIN, NOTIFICATION_LIMIT)
        if issue is not None and issue.dismissed_version is None:
            self._async_clear(NOTIFICATION_LIMIT)

    @callback
    def _async_set(self, issue: str, *, is_raised: bool) -> None:
        if is_raised:
            self._async_raise(issue)
        else:
            self._async_clear(issue)

    @callback
    def _async_raise(self, issue: str, **placeholders: str) -> None:
        if not self._is_closed:  # what was asked before the end may be answered after it
            async_raise(self._hass, self._entry, issue, **placeholders)

    @callback
    def _async_clear(self, issue: str) -> None:
        ir.async_delete_issue(self._hass, DOMAIN, issue)


@callback
def async_raise(hass: HomeAssistant, entry: ConfigEntry[Any], issue: str, **placeholders: str) -> None:
    """Show an issue; those that are not found out anew are kept over a restart."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue,
        data={"entry_id": entry.entry_id, **placeholders},
        is_fixable=issue in _FIXABLE,
        is_persistent=issue not in _OF_THIS_RUN,
        severity=ir.IssueSeverity.WARNING if issue in _WARNINGS else ir.IssueSeverity.ERROR,
        translation_key=issue,
        translation_placeholders=placeholders,
    )


@callback
def async_forget(hass: HomeAssistant) -> None:
    """Take back what outlives a restart: there is no entry any more, or it is switched off."""
    for issue in (NOTHING_ARRIVED, NOTIFICATION_LIMIT):
        ir.async_delete_issue(hass, DOMAIN, issue)
