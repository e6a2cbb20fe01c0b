"""Diagnostics to attach to a bug report: what arrived and what became of it, without anything secret."""

from collections.abc import Mapping
import re
from typing import Any, Final

from homeassistant.components.diagnostics import REDACTED, async_redact_data
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr

from .const import CONF_ADDRESS, CONF_BASE_URL, CONF_CLOUDHOOK, CONF_CONNECTION, CONF_SECRET_KEY, DOMAIN
from .coordinator import OctoEverywhereConfigEntry, PrinterCoordinator
from .store import Announcement

# Who knows the id of a printer or of a print may know where to watch it.
_TO_REDACT: Final = {
    CONF_ADDRESS,
    CONF_BASE_URL,
    CONF_SECRET_KEY,
    CONF_WEBHOOK_ID,
    "device_id",
    "extra",
    "fingerprint",
    "print_id",
    "printer_id",
    "quick_view_url",
    "snapshot_url",
    "superseded",
}
# A platform's error message, or a name, may hold a link.
_LINK: Final = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)


async def async_get_config_entry_diagnostics(hass: HomeAssistant, entry: OctoEverywhereConfigEntry) -> dict[str, Any]:
    """Return what is known of the connection and of all printers."""
    account = entry.runtime_data
    return {
        "connection": entry.data[CONF_CONNECTION],
        "cloudhook": entry.data[CONF_CLOUDHOOK],
        "has_secret_key": bool(entry.data[CONF_SECRET_KEY]),
        "newest_notification_at": account.newest[-1].at.isoformat() if account.newest else None,
        "since_start": {
            "accepted": account.accepted,
            "late": account.late,
            "refused": dict(account.refused),
        },
        "printers": [_printer(printer) for printer in account.printers.values()],
        "newest_notifications": [_notification(announcement) for announcement in account.newest],
    }


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: OctoEverywhereConfigEntry, device: dr.DeviceEntry
) -> dict[str, Any]:
    """Return what is known of one printer."""
    account = entry.runtime_data
    printer_ids = {printer_id for domain, printer_id in device.identifiers if domain == DOMAIN}
    return {
        "printers": [_printer(account.printers[printer_id]) for printer_id in printer_ids & account.printers.keys()],
        "newest_notifications": [
            _notification(announcement)
            for announcement in account.newest
            if announcement.data["printer_id"] in printer_ids
        ],
    }


def _printer(printer: PrinterCoordinator) -> dict[str, Any]:
    """Return a printer's state, and what of it is shown now."""
    return {
        "state": _without_secrets(printer.state.as_dict()),
        "shown_status": printer.data.status,
        "newest_notification": printer.announcement and _notification(printer.announcement),
    }


def _notification(announcement: Announcement) -> dict[str, Any]:
    """Return a notification."""
    return {"at": announcement.at.isoformat(), **_without_secrets(announcement.data)}


def _without_secrets(data: Mapping[str, Any]) -> dict[str, Any]:
    """Redact by key, and links wherever they stand."""
    return {
        key: _LINK.sub(REDACTED, value) if isinstance(value, str) else value
        for key, value in async_redact_data(data, _TO_REDACT).items()
    }
