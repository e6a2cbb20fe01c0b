"""What the owner has to know or to do, shown under Repairs; each issue goes away when it is over."""

from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.util import dt as dt_util

from .const import DOMAIN, SUPPORTER_PAGE, WEBHOOK_PAGE
from .door import Knocks, Refusal
from .payload import NotificationType
from .plugin_api import CONNECTIONS_PAGE, Problem

NOTHING_ARRIVED: Final = "nothing_arrived"
WRONG_SECRET: Final = "wrong_secret_key"
_ADDRESS_CHANGED: Final = "address_changed"
_NOT_SAVED: Final = "not_saved"
_LIMIT: Final = "notification_limit"
_LIVE: Final = "live"

_OF_THE_DOOR: Final = {Refusal.WRONG_SECRET: WRONG_SECRET, Refusal.FROM_OUTSIDE: "from_outside"}
# What is kept over a restart. The others are found out anew.
_KEPT: Final = (NOTHING_ARRIVED, _LIMIT)
_NOT_FIXABLE: Final = (_NOT_SAVED, _LIMIT)
_NEEDS_SUPPORTER: Final = f"{_LIVE}_{Problem.NEEDS_SUPPORTER}"

# OctoEverywhere counts by the day, and does not say when its day begins.
_LIMIT_LASTS: Final = timedelta(days=1)


class Issues:
    """The issues of the config entry."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
        """Recall the one that ends by itself."""
        self._hass = hass
        self._entry = entry
        self._is_closed = False
        self._cancel_limit: CALLBACK_TYPE = lambda: None
        entry.async_on_unload(self._async_close)
        issue = ir.async_get(hass).async_get_issue(DOMAIN, _LIMIT)
        if issue is not None and issue.data is not None:
            self._async_end_limit_at(datetime.fromisoformat(str(issue.data["until"])))

    @callback
    def async_note_knock(self, refusal: Refusal | None, knocks: Knocks) -> None:
        """Tell of a POST that was refused, and take back what one that was accepted disproves."""
        if refusal is None:
            self._async_clear(NOTHING_ARRIVED, *_OF_THE_DOOR.values())
        elif refusal in _OF_THE_DOOR:
            count = knocks.in_a_row[refusal]
            if count.bit_count() == 1:
                # 1, 2, 4, 8...: whoever guesses keys would otherwise keep every open page of Home Assistant busy.
                self._async_raise(_OF_THE_DOOR[refusal], count=str(count), remote=knocks.remote)

    @callback
    def async_note_announced(self, type_: str) -> None:
        """Tell that OctoEverywhere sends nothing more today, or take it back."""
        if type_ == NotificationType.NOTIFICATION_LIMIT:
            until = dt_util.utcnow() + _LIMIT_LASTS
            is_live = bool(self._entry.subentries)
            self._async_raise(_LIMIT, key=f"{_LIMIT}_{_LIVE}" if is_live else _LIMIT, until=until.isoformat())
            self._async_end_limit_at(until)
        elif type_ != NotificationType.TEST:
            self._async_clear_limit()

    @callback
    def async_set_address_changed(self, old: str, new: str | None) -> None:
        """Tell that OctoEverywhere was given an address that is no longer Home Assistant's, or take it back."""
        if old == new:
            self._async_clear(_ADDRESS_CHANGED)
        else:
            self._async_raise(_ADDRESS_CHANGED, old=old, new=new or "-")

    @callback
    def async_set_not_saved(self, *, is_not_saved: bool) -> None:
        """Tell that the disk does not take what is known of the printers, or take it back."""
        if is_not_saved:
            self._async_raise(_NOT_SAVED)
        else:
            self._async_clear(_NOT_SAVED)

    @callback
    def async_set_live(self, subentry_id: str, printer: str, problem: str | None) -> None:
        """Tell that a live connection has to be put right, or take it back."""
        issue = f"{_LIVE}_{subentry_id}"
        if problem is None:
            self._async_clear(issue)
        else:
            self._async_raise(issue, key=f"{_LIVE}_{problem}", subentry_id=subentry_id, printer=printer)

    @callback
    def _async_close(self) -> None:
        """Take back what the next set-up finds out by itself, and everything where there will be none."""
        self._is_closed = True
        self._cancel_limit()
        ours = [issue for domain, issue in ir.async_get(self._hass).issues if domain == DOMAIN]
        self._async_clear(*(issue for issue in ours if issue not in _KEPT))
        if self._entry.disabled_by is not None:
            async_forget(self._hass)

    @callback
    def _async_end_limit_at(self, moment: datetime) -> None:
        """Tell of the limit until then."""
        self._cancel_limit()
        self._cancel_limit = async_track_point_in_utc_time(self._hass, self._async_clear_limit, moment)

    @callback
    def _async_clear_limit(self, _: datetime | None = None) -> None:
        """Take back the limit. One that the owner ignores stays, so that it is ignored tomorrow as well."""
        issue = ir.async_get(self._hass).async_get_issue(DOMAIN, _LIMIT)
        if issue is not None and issue.dismissed_version is None:
            self._async_clear(_LIMIT)

    @callback
    def _async_raise(self, issue: str, key: str | None = None, **placeholders: str) -> None:
        if not self._is_closed:  # what was asked before the end may be answered after it
            async_raise(self._hass, self._entry, issue, key, **placeholders)

    @callback
    def _async_clear(self, *issues: str) -> None:
        for issue in issues:
            ir.async_delete_issue(self._hass, DOMAIN, issue)


@callback
def async_raise(hass: HomeAssistant, entry: ConfigEntry[Any], issue: str, key: str | None = None, **facts: str) -> None:
    """Show an issue in the words of a key, by default its own, with the facts that they name."""
    facts |= {"entry_id": entry.entry_id, "supporter_page": SUPPORTER_PAGE, "webhook_page": WEBHOOK_PAGE}
    facts["connections_page"] = CONNECTIONS_PAGE
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue,
        data={**facts},
        is_fixable=issue not in _NOT_FIXABLE and key != _NEEDS_SUPPORTER,
        is_persistent=issue in _KEPT,
        severity=ir.IssueSeverity.WARNING if issue in _KEPT else ir.IssueSeverity.ERROR,
        translation_key=key or issue,
        translation_placeholders=facts,
    )


@callback
def async_forget(hass: HomeAssistant) -> None:
    """Take back what outlives a restart: there is no entry any more, or it is switched off."""
    for issue in _KEPT:
        ir.async_delete_issue(hass, DOMAIN, issue)
