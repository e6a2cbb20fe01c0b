"""Diagnostics to attach to a bug report: what arrived and what became of it, without anything secret."""

from collections.abc import Mapping
from dataclasses import asdict
import re
from typing import Any, Final

from homeassistant.components.diagnostics import REDACTED, async_redact_data
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_WEBHOOK_ID, MAX_LENGTH_STATE_STATE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr

from .const import CONF_BASE_URL, CONF_CLOUDHOOK, CONF_CONNECTION, CONF_OWN_URL, CONF_SECRET_KEY
from .coordinator import OctoEverywhereConfigEntry, PrinterCoordinator, printer_ids
from .store import Announcement

# Who knows the id of a printer or of a print may know where to watch it.
_TO_REDACT: Final = {
    CONF_OWN_URL,
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
# What people and platforms write may hold any of that, or a link, with or without its scheme.
_TEXTS: Final = {"error", "error_code", "error_message", "file_name", "name", "printer_name"}
_WORD: Final = re.compile(r"(\s+)")


async def async_get_config_entry_diagnostics(hass: HomeAssistant, entry: OctoEverywhereConfigEntry) -> dict[str, Any]:
    """Return what is known of the connection and of all printers."""
    connection = {
        "connection": entry.data[CONF_CONNECTION],
        "cloudhook": entry.data[CONF_CLOUDHOOK],
        "has_secret_key": bool(entry.data[CONF_SECRET_KEY]),
    }
    if entry.state is not ConfigEntryState.LOADED:
        return connection
    account = entry.runtime_data
    return {
        **connection,
        "newest_notification_at": account.recent[-1].at.isoformat() if account.recent else None,
        "since_start": {
            "accepted": account.accepted,
            "late": account.late,
            "refused": dict(account.refused),
        },
        **await _async_describe(hass, entry, list(account.printers.values()), list(account.recent)),
    }


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: OctoEverywhereConfigEntry, device: dr.DeviceEntry
) -> dict[str, Any]:
    """Return what is known of one printer."""
    if entry.state is not ConfigEntryState.LOADED:
        return {}
    account = entry.runtime_data
    ids = printer_ids(device)
    printers = [account.printers[printer_id] for printer_id in ids & account.printers.keys()]
    recent = [announcement for announcement in account.recent if announcement.data["printer_id"] in ids]
    return await _async_describe(hass, entry, printers, recent)


async def _async_describe(
    hass: HomeAssistant,
    entry: OctoEverywhereConfigEntry,
    printers: list[PrinterCoordinator],
    recent: list[Announcement],
) -> dict[str, Any]:
    """Return what is known of printers and notifications."""
    secrets = _secrets(entry)

    def describe() -> dict[str, Any]:
        return {
            "printers": [_printer(secrets, printer) for printer in printers],
            "newest_notifications": [_notification(secrets, announcement) for announcement in recent],
        }

    # Each text is searched for every id: with hundreds of printers that takes a while.
    return await hass.async_add_executor_job(describe)


def _printer(secrets: list[str], printer: PrinterCoordinator) -> dict[str, Any]:
    """Return a printer's state, and what of it is shown now."""
    return {
        "state": _without_secrets(secrets, printer.state.as_dict()),
        "shown_status": printer.data.status,
        "prints": asdict(printer.totals),
        "newest_notification": printer.announcement and _notification(secrets, printer.announcement),
    }


def _notification(secrets: list[str], announcement: Announcement) -> dict[str, Any]:
    """Return a notification."""
    return {"at": announcement.at.isoformat(), **_without_secrets(secrets, announcement.data)}


def _without_secrets(secrets: list[str], data: Mapping[str, Any]) -> dict[str, Any]:
    """Redact by key, and within texts."""
    return {
        key: _clean(value, secrets) if key in _TEXTS and isinstance(value, str) else value
        for key, value in async_redact_data(data, _TO_REDACT).items()
    }


def _secrets(entry: OctoEverywhereConfigEntry) -> list[str]:
    """Return the key and the ids, the longest first: one may be a part of another."""
    account = entry.runtime_data
    secrets: set[str | None] = {entry.data[CONF_SECRET_KEY], entry.data[CONF_WEBHOOK_ID]}
    for printer in account.printers.values():
        secrets |= {printer.printer_id, printer.state.print_id, *printer.state.superseded}
    for announcement in account.recent:
        secrets |= {announcement.data["printer_id"], announcement.data["print_id"]}
    return sorted((secret for secret in secrets if secret), key=len, reverse=True)


def _clean(text: str, secrets: list[str]) -> str:
    """Return the beginning of a text, without links, keys and ids."""
    for secret in secrets:
        # No text and no id has this in it: so no id is found in what another one has left.
        text = text.replace(secret, "\0")
    words = _WORD.split(text[:MAX_LENGTH_STATE_STATE])
    return "".join(REDACTED if _may_be_link(word) else word.replace("\0", REDACTED) for word in words)


def _may_be_link(word: str) -> bool:
    """Tell whether a word may be a link, or the rest of one; a path may go for one as well."""
    return "//" in word or "\\/" in word or ("." in word and ("/" in word or "?" in word))
