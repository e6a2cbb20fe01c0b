"""Diagnostics to attach to a bug report: what arrived and what became of it, without anything secret."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
import re
from typing import Any, Final

from homeassistant.components.diagnostics import REDACTED, async_redact_data
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import MAX_LENGTH_STATE_STATE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.json import json_bytes
from homeassistant.util.json import json_loads_object

from .account import OctoEverywhereConfigEntry
from .const import CONF_CONNECTION, CONF_SECRET_KEY
from .coordinator import PrinterCoordinator, printer_ids
from .job import Announcement

# Who knows the id of a printer or of a print may know where to watch it.
_TO_REDACT: Final = {
    "device_id",
    "extra",
    "fingerprint",
    "print_id",
    "printer_id",
    "quick_view_url",
    "snapshot_url",
}
# What people and platforms write may hold any of that, or a link, with or without its scheme.
_TEXTS: Final = {"error", "error_code", "error_message", "file_name", "name", "printer_name", "status_detail"}
_WORD: Final = re.compile(r"(\s+)")


async def async_get_config_entry_diagnostics(hass: HomeAssistant, entry: OctoEverywhereConfigEntry) -> dict[str, Any]:
    """Return what is known of the connection and of all printers."""
    connection = {
        "connection": entry.data[CONF_CONNECTION],
        "has_secret_key": bool(entry.data[CONF_SECRET_KEY]),
    }
    if entry.state is not ConfigEntryState.LOADED:
        return connection
    account = entry.runtime_data
    knocks = {
        "accepted": account.knocks.accepted,
        "late": account.knocks.late,
        "repeated": account.knocks.repeated,
        "refused": dict(account.knocks.refused),
        "newest_from": account.knocks.remote,
    }
    return {**connection, "since_start": knocks, **_described(entry, account.printers.values(), account.recent)}


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
    return _described(entry, printers, recent)


def _described(
    entry: OctoEverywhereConfigEntry, printers: Iterable[PrinterCoordinator], recent: Iterable[Announcement]
) -> dict[str, Any]:
    """Return what is known of printers and notifications."""
    return {
        "printers": [_clean({**asdict(printer.printer), "shown": asdict(printer.data)}, entry) for printer in printers],
        "newest_notifications": [_clean(asdict(announcement), entry) for announcement in recent],
    }


def _clean(data: Mapping[str, Any], entry: OctoEverywhereConfigEntry) -> Any:  # noqa: ANN401 - the shape of the data
    """Return data without anything secret: by key, and within texts."""
    plain = json_loads_object(json_bytes(data))  # Home Assistant redacts nothing inside a tuple
    return _clean_texts(async_redact_data(plain, _TO_REDACT), entry.data[CONF_SECRET_KEY])


def _clean_texts(value: Any, secret_key: str) -> Any:  # noqa: ANN401 - as above
    """Return a value with the texts in it cleaned."""
    if isinstance(value, dict):
        return {
            key: _clean_text(inner, secret_key)
            if key in _TEXTS and isinstance(inner, str)
            else _clean_texts(inner, secret_key)
            for key, inner in value.items()
        }
    return [_clean_texts(inner, secret_key) for inner in value] if isinstance(value, list) else value


def _clean_text(text: str, secret_key: str) -> str:
    """Return the beginning of a text, without links and the key."""
    if secret_key:
        text = text.replace(secret_key, REDACTED)
    words = _WORD.split(text[:MAX_LENGTH_STATE_STATE])
    return "".join(REDACTED if _may_be_link(word) else word for word in words)


def _may_be_link(word: str) -> bool:
    """Return True if a word may be a link, or the rest of one; a path may go for one as well."""
    return "//" in word or "\\/" in word or ("." in word and ("/" in word or "?" in word))
