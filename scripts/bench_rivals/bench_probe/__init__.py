"""The benchmark's hand inside Home Assistant, and the least of all webhooks."""

from datetime import UTC, datetime, timedelta, tzinfo
import time
from typing import Any, Final

from aiohttp.web import Request, Response, json_response
from homeassistant.components import webhook
from homeassistant.components.recorder import get_instance
from homeassistant.config_entries import SIGNAL_CONFIG_ENTRY_CHANGED, ConfigEntry, ConfigEntryChange, ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.storage import Store
from homeassistant.helpers.typing import ConfigType
from homeassistant.util import dt as dt_util

DOMAIN: Final = "bench_probe"
CONFIG_SCHEMA = cv.empty_config_schema(DOMAIN)

# Far enough ahead that no timer of a simulated moment ever comes due.
_AHEAD: Final = timedelta(days=1)


class _SetUps:
    """The CPU time that setting up config entries took."""

    def __init__(self) -> None:
        """Remember none yet."""
        self._began = 0.0
        self.seconds = 0.0

    @callback
    def async_note(self, _: ConfigEntryChange, entry: ConfigEntry) -> None:
        """Take note of an entry that begins or ends its set-up."""
        if entry.state is ConfigEntryState.SETUP_IN_PROGRESS:
            self._began = time.process_time()
        elif entry.state is ConfigEntryState.LOADED:
            self.seconds = time.process_time() - self._began


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Offer the probe, and the webhook that only reads JSON and answers."""
    set_ups = _SetUps()
    async_dispatcher_connect(hass, SIGNAL_CONFIG_ENTRY_CHANGED, set_ups.async_note)
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
        return json_response({"set_up": set_ups.seconds})

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
