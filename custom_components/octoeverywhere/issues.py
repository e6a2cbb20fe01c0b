"""What the owner has to know or to do, shown under Repairs; each issue goes away when it is over."""

from datetime import datetime, timedelta
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_call_later

from .const import DOMAIN
from .payload import NotificationType

WRONG_SECRET: Final = "wrong_secret_key"
ADDRESS_CHANGED: Final = "address_changed"
NOTIFICATION_LIMIT: Final = "notification_limit"

# OctoEverywhere counts by the day, and does not say when its day begins.
LIMIT_LASTS: Final = timedelta(days=1)


class Issues:
    """The issues of the config entry."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Start without any."""
        self._hass = hass
        self._entry = entry
        self._cancel_limit: CALLBACK_TYPE | None = None

    @callback
    def async_raise_wrong_secret(self) -> None:
        """Tell that notifications are refused because of their secret key."""
        self._async_raise(WRONG_SECRET, ir.IssueSeverity.ERROR, is_fixable=True)

    @callback
    def async_set_address_changed(self, *, is_changed: bool) -> None:
        """Tell whether OctoEverywhere was given an address that is no longer Home Assistant's."""
        if is_changed:
            self._async_raise(ADDRESS_CHANGED, ir.IssueSeverity.ERROR, is_fixable=True)
        else:
            self._async_clear(ADDRESS_CHANGED)

    @callback
    def async_raise_limit(self, lasts: timedelta = LIMIT_LASTS) -> None:
        """Tell that OctoEverywhere sends nothing more today."""
        self._async_clear_limit()
        self._async_raise(NOTIFICATION_LIMIT, ir.IssueSeverity.WARNING, is_fixable=False)
        self._cancel_limit = async_call_later(self._hass, lasts, self._async_clear_limit)

    @callback
    def async_note_accepted(self, type_: NotificationType) -> None:
        """Take back what a notification that was accepted disproves."""
        self._async_clear(WRONG_SECRET)
        if type_ is NotificationType.NOTIFICATION_LIMIT:
            self.async_raise_limit()
        elif type_ is not NotificationType.TEST:
            self._async_clear_limit()

    @callback
    def async_close(self) -> None:
        """Take back everything."""
        self._async_clear_limit()
        self._async_clear(WRONG_SECRET)
        self._async_clear(ADDRESS_CHANGED)

    @callback
    def _async_clear_limit(self, _: datetime | None = None) -> None:
        if self._cancel_limit is not None:
            self._cancel_limit()
            self._cancel_limit = None
        self._async_clear(NOTIFICATION_LIMIT)

    @callback
    def _async_raise(self, issue: str, severity: ir.IssueSeverity, *, is_fixable: bool) -> None:
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            issue,
            data={"entry_id": self._entry.entry_id},
            is_fixable=is_fixable,
            severity=severity,
            translation_key=issue,
        )

    @callback
    def _async_clear(self, issue: str) -> None:
        ir.async_delete_issue(self._hass, DOMAIN, issue)
