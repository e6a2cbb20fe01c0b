"""What the owner has to know or to do, shown under Repairs; each issue goes away when it is over."""

from datetime import datetime, timedelta
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util

from .clock import Alarm
from .const import DOMAIN, SUPPORTER_PAGE
from .payload import NotificationType

WRONG_SECRET: Final = "wrong_secret_key"
ADDRESS_CHANGED: Final = "address_changed"
NOTIFICATION_LIMIT: Final = "notification_limit"

# OctoEverywhere counts by the day, and does not say when its day begins.
_LIMIT_LASTS: Final = timedelta(days=1)


class Issues:
    """The issues of the config entry."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Recall the one that outlives a restart."""
        self._hass = hass
        self._entry = entry
        self._limit_ends = Alarm(hass, self._async_clear_limit)
        self._is_closed = False
        self._async_recall_limit()

    @callback
    def async_raise_wrong_secret(self) -> None:
        """Tell that notifications are refused because of their secret key."""
        self._async_raise(WRONG_SECRET, ir.IssueSeverity.ERROR)

    @callback
    def async_set_address_changed(self, *, is_changed: bool) -> None:
        """Tell whether OctoEverywhere was given an address that is no longer Home Assistant's."""
        if is_changed:
            self._async_raise(ADDRESS_CHANGED, ir.IssueSeverity.ERROR)
        else:
            self._async_clear(ADDRESS_CHANGED)

    @callback
    def async_note_accepted(self, type_: NotificationType) -> None:
        """Take back what a notification that was accepted disproves."""
        self._async_clear(WRONG_SECRET)
        if type_ is NotificationType.NOTIFICATION_LIMIT:
            self._async_raise_limit()
        elif type_ is not NotificationType.TEST:
            self._async_clear_limit()

    @callback
    def async_close(self) -> None:
        """Take back what the next set-up finds out by itself, and everything where there will be none."""
        self._is_closed = True
        self._async_clear(WRONG_SECRET)
        self._async_clear(ADDRESS_CHANGED)
        if self._entry.disabled_by is not None:
            self._async_clear(NOTIFICATION_LIMIT)
        self._limit_ends.async_set(None)

    @callback
    def _async_raise_limit(self) -> None:
        """Tell that OctoEverywhere sends nothing more today."""
        until = dt_util.utcnow() + _LIMIT_LASTS
        self._async_raise(NOTIFICATION_LIMIT, ir.IssueSeverity.WARNING, until=until.isoformat())
        self._limit_ends.async_set(until)

    @callback
    def _async_recall_limit(self) -> None:
        """Go on telling of the limit after a restart, for the rest of the day."""
        issue = ir.async_get(self._hass).async_get_issue(DOMAIN, NOTIFICATION_LIMIT)
        if issue is not None and issue.data is not None:
            self._limit_ends.async_set(datetime.fromisoformat(str(issue.data["until"])))

    @callback
    def _async_clear_limit(self) -> None:
        self._limit_ends.async_set(None)
        self._async_clear(NOTIFICATION_LIMIT)

    @callback
    def _async_raise(self, issue: str, severity: ir.IssueSeverity, until: str | None = None) -> None:
        """Raise an issue: one that ends at a time of its own is kept over a restart, all others can be put right."""
        if self._is_closed:
            return  # what was asked before the end may be answered after it
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            issue,
            data={"entry_id": self._entry.entry_id, "until": until},
            is_fixable=until is None,
            is_persistent=until is not None,
            severity=severity,
            translation_key=issue,
            translation_placeholders={"supporter_page": SUPPORTER_PAGE},
        )

    @callback
    def _async_clear(self, issue: str) -> None:
        ir.async_delete_issue(self._hass, DOMAIN, issue)


@callback
def async_forget(hass: HomeAssistant) -> None:
    """Take back what outlives a restart: there is no entry any more."""
    ir.async_delete_issue(hass, DOMAIN, NOTIFICATION_LIMIT)
