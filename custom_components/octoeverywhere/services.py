"""Actions: what the printers have done, for scripts, templates and voice assistants."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.util import dt as dt_util
import voluptuous as vol

from .account import Account, async_get_account, async_get_printer
from .const import DOMAIN
from .coordinator import PrinterCoordinator
from .history import MAX_PRINTS, Outcome, Print
from .payload import LINK_LIVES

GET_PRINTS: Final = "get_prints"

_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)

GET_PRINTS_SCHEMA: Final = vol.Schema(
    {
        vol.Optional("printer"): vol.All(cv.ensure_list, [cv.string]),
        vol.Optional("period"): cv.positive_time_period,
        vol.Optional("start"): cv.datetime,
        vol.Optional("end"): cv.datetime,
        vol.Optional("outcome"): vol.All(cv.ensure_list, [vol.Coerce(Outcome)]),
        vol.Optional("limit", default=100): vol.All(vol.Coerce(int), vol.Range(min=1, max=MAX_PRINTS)),
    }
)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    hass.services.async_register(
        DOMAIN, GET_PRINTS, _async_get_prints, schema=GET_PRINTS_SCHEMA, supports_response=SupportsResponse.ONLY
    )


async def _async_get_prints(call: ServiceCall) -> ServiceResponse:
    """Return the prints of a period, the newest first. Raises ServiceValidationError."""
    if (account := async_get_account(call.hass)) is None:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="not_loaded")
    start, end = _period(call.data)
    outcomes = call.data.get("outcome") or list(Outcome)
    found: list[tuple[Print, PrinterCoordinator]] = []
    for printer in _printers(account, call):
        found += (
            (print_, printer)
            for print_ in await printer.async_get_prints()
            if print_.outcome in outcomes and print_.started_at < end and print_.ended_at > start
        )
        found.sort(key=lambda known: known[0].started_at, reverse=True)
        del found[call.data["limit"] :]  # before the next printer, which may have as many
    return {"prints": [_as_response(*known) for known in found]}


def _period(data: dict[str, Any]) -> tuple[datetime, datetime]:
    """Return the moments between which a print must have been under way. Raises ServiceValidationError."""
    if "period" in data and "start" in data:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="two_starts")
    start, end = _as_utc(data.get("start", _FIRST)), _as_utc(data.get("end", _LAST))
    if "period" in data:
        with suppress(OverflowError):  # it may be longer than there have been dates
            start = min(end, dt_util.utcnow()) - data["period"]
    if start >= end:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_period")
    return start, end


def _as_utc(moment: datetime) -> datetime:
    """Return a moment in UTC, the first or last day that has one where it has none."""
    try:
        return dt_util.as_utc(moment)
    except OverflowError:
        return moment.replace(tzinfo=UTC)


def _printers(account: Account, call: ServiceCall) -> Iterable[PrinterCoordinator]:
    """Return the printers that were asked for, all of them where none was. Raises ServiceValidationError."""
    if not call.data.get("printer"):
        return list(account.printers.values())  # another may come while their prints are read
    printers = []
    for device_id in dict.fromkeys(call.data["printer"]):
        if (printer := async_get_printer(call.hass, device_id)) is None:
            device = dr.async_get(call.hass).async_get(device_id)
            name = device and (device.name_by_user or device.name)
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="no_printer",
                translation_placeholders={"device": name or device_id},
            )
        printers.append(printer)
    return printers


def _as_response(print_: Print, printer: PrinterCoordinator) -> dict[str, Any]:
    """Return a print in types that JSON has."""
    is_picture_alive = dt_util.utcnow() - print_.ended_at < LINK_LIVES
    return {
        "printer": printer.data.name,
        "device_id": printer.device_id,
        "print_id": print_.print_id,
        "file_name": print_.file_name,
        "outcome": print_.outcome.value,
        "start": print_.started_at.isoformat(),
        "end": print_.ended_at.isoformat(),
        "duration": print_.duration,
        "current_layer": print_.current_layer,
        "total_layers": print_.total_layers,
        "error": print_.error,
        "quick_view_url": print_.quick_view_url,
        "snapshot_url": print_.snapshot_url if is_picture_alive else None,
    }
