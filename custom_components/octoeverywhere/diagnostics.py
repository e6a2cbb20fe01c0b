"""Diagnostics to attach to a bug report: what arrived and what became of it, without anything secret."""

from dataclasses import asdict
import re
from typing import Any, Final

from homeassistant.components.diagnostics import REDACTED, async_redact_data
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import MAX_LENGTH_STATE_STATE
from homeassistant.core import HomeAssistant
from homeassistant.helpers.json import json_bytes
from homeassistant.util.json import json_loads_object

from .account import OctoEverywhereConfigEntry
from .const import CONF_CONNECTION, CONF_SECRET_KEY

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
_WORD: Final = re.compile(r"(\s+)")
_CONNECTION: Final = re.compile(r"octoeverywhere\.com", re.IGNORECASE)


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
        "accepted": account.knocks.answered[None],
        "late": account.knocks.late,
        "repeated": account.knocks.repeated,
        "refused": {refusal: count for refusal, count in account.knocks.answered.items() if refusal},
        "newest_from": account.knocks.remote,
    }
    printers = [
        {**asdict(printer.printer), "shown": asdict(printer.data), "live_problem": printer.problem}
        for printer in account.printers.values()
    ]
    known = {
        "since_start": knocks,
        "printers": printers,
        "newest_notifications": [asdict(announcement) for announcement in account.recent],
    }
    plain = json_loads_object(json_bytes(known))  # Home Assistant redacts nothing inside a tuple
    return {**connection, **_clean(async_redact_data(plain, _TO_REDACT), entry.data[CONF_SECRET_KEY])}


def _clean(value: Any, secret_key: str) -> Any:  # noqa: ANN401 - whatever JSON has
    """Return a value with every text in it cleaned, and without the names of lights, which are keys, where they may be links."""
    if isinstance(value, dict):
        return {REDACTED if _may_be_link(key) else key: _clean(inner, secret_key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_clean(inner, secret_key) for inner in value]
    return _clean_text(value, secret_key) if isinstance(value, str) else value


def _clean_text(text: str, secret_key: str) -> str:
    """Return the beginning of a text, without the key and without links, which may lack their scheme: anybody may have written it."""
    if secret_key:
        text = text.replace(secret_key, REDACTED)
    words = _WORD.split(text[:MAX_LENGTH_STATE_STATE])
    return "".join(REDACTED if _may_be_link(word) else word for word in words)


def _may_be_link(word: str) -> bool:
    """Return True if a word may be a link, or the rest of one; a path may go for one as well. So may the host of a live connection."""
    return (
        _CONNECTION.search(word) is not None
        or "//" in word
        or "\\/" in word
        or ("." in word and ("/" in word or "?" in word))
    )
