"""The benchmark's hand inside Home Assistant, and the least of all webhooks."""

from datetime import UTC, datetime, timedelta, tzinfo
import time
from typing import Any, Final

from aiohttp.web import Request, Response, json_response
from homeassistant.components import webhook
from homeassistant.components.recorder import get_instance
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.storage import Store
from homeassistant.helpers.typing import ConfigType
from homeassistant.util import dt as dt_util

DOMAIN: Final = "bench_probe"
CONFIG_SCHEMA = cv.empty_config_schema(DOMAIN)

# Far enough ahead that no timer of a simulated moment ever comes due.
_AHEAD: Final = timedelta(days=1)


async def _set_up(hass: HomeAssistant, domain: str) -> float:
    """Set up the config entries of a domain once more; return the seconds of CPU time that it took."""
    seconds = 0.0
    for entry in hass.config_entries.async_entries(domain):
        await hass.config_entries.async_unload(entry.entry_id)
        await get_instance(hass).async_block_till_done()
        began = time.process_time()
        await hass.config_entries.async_setup(entry.entry_id)
        seconds += time.process_time() - began
    return seconds


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Offer the probe, and the webhook that only reads JSON and answers."""
    began = datetime.now(UTC) + _AHEAD
    store = Store[dict[str, Any]](hass, 1, DOMAIN, private=True, atomic_writes=True)

    async def probe(hass: HomeAssistant, webhook_id: str, request: Request) -> Response:
        """Have the recorder write down what it has, then do what is asked for."""
        await get_instance(hass).async_block_till_done()
        body = await request.json()
        if "clock" in body:
            _set_clock(began + timedelta(seconds=body["clock"]))
        if "save" in body:
            await store.async_save(body["save"])
        return json_response(await _set_up(hass, body["set_up"]) if "set_up" in body else None)

    async def read(hass: HomeAssistant, webhook_id: str, request: Request) -> None:
        """Read JSON; Home Assistant answers."""
        await request.json()

    webhook.async_register(hass, DOMAIN, "Probe", DOMAIN, probe, local_only=True)
    webhook.async_register(hass, DOMAIN, "Read JSON", "bench_json", read, local_only=True)
    return True


def _set_clock(moment: datetime) -> None:
    """Let Home Assistant believe that it is this moment: a print takes hours, the benchmark does not."""

    def now(time_zone: tzinfo | None = None) -> datetime:
        return moment.astimezone(time_zone or dt_util.get_default_time_zone())

    vars(dt_util).update(now=now, utcnow=lambda: moment)
