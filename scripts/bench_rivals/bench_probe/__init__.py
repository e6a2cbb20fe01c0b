"""The benchmark's hand inside Home Assistant, and the least of all webhooks."""

import asyncio
from datetime import UTC, datetime, timedelta, tzinfo
import os
from pathlib import Path
import sys
import time
from types import MappingProxyType
from typing import Any, Final

from aiohttp.web import Request, Response, json_response
from homeassistant.components import webhook
from homeassistant.components.automation import DOMAIN as AUTOMATION
from homeassistant.components.recorder import get_instance
from homeassistant.config_entries import SOURCE_USER, ConfigEntry
from homeassistant.const import ATTR_ENTITY_ID, ENTITY_MATCH_ALL, SERVICE_TURN_ON
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.json import save_json
from homeassistant.helpers.storage import STORAGE_DIR
from homeassistant.helpers.typing import ConfigType
from homeassistant.util import dt as dt_util

DOMAIN: Final = "bench_probe"
CONFIG_SCHEMA = cv.empty_config_schema(DOMAIN)

# Far enough ahead that no timer of a simulated moment ever comes due.
_AHEAD: Final = timedelta(days=1)
_ACTS_WITHIN: Final = 10
"""Seconds."""


class _Probe:
    """Does what the benchmark asks for, by name."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Begin with the clock as it is."""
        self._hass = hass
        self._began = datetime.now(UTC) + _AHEAD
        self._file = Path(hass.config.path(STORAGE_DIR)) / DOMAIN
        self._actions = asyncio.Queue[float]()

    async def async_answer(self, hass: HomeAssistant, webhook_id: str, request: Request) -> Response:
        """Have the recorder write down what it has, then do what is asked for, one after the other."""
        await get_instance(hass).async_block_till_done()
        found = None
        for name, argument in (await request.json()).items():
            found = await getattr(self, name)(argument)
        return json_response(found)

    async def clock(self, seconds: float) -> None:
        """Let Home Assistant believe that it is so much later: a print takes hours, the benchmark does not."""
        moment = self._began + timedelta(seconds=seconds)

        def now(time_zone: tzinfo | None = None) -> datetime:
            return moment.astimezone(time_zone or dt_util.get_default_time_zone())

        vars(dt_util).update(now=now, utcnow=lambda: moment)

    async def tick(self, domain: str) -> None:
        """Let those printers look at the clock that do so from time to time."""
        for entry in self._hass.config_entries.async_loaded_entries(domain):
            for printer in entry.runtime_data.printers.values():
                if printer.update_interval is not None:
                    await printer.async_refresh()

    async def look(self, domain: str) -> None:
        """Let those who ask their printers ask them now."""
        for entry in self._hass.config_entries.async_loaded_entries(domain):
            for printer in getattr(entry.runtime_data, "printers", {"": entry.runtime_data}).values():
                # No time passes for the loop, by which the integration keeps its pace.
                vars(printer)["_look_at"] = 0
                await printer.async_refresh()

    async def save(self, content: dict[str, Any]) -> None:
        """Save something as the integration saves a record."""

        def save() -> None:
            save_json(str(self._file), content, private=True, atomic_writes=True)

        await self._hass.async_add_executor_job(save)

    async def add_entry(self, entry: dict[str, Any]) -> None:
        """Add a config entry, as its set-up would."""
        await self._hass.config_entries.async_add(
            ConfigEntry(
                discovery_keys=MappingProxyType({}),
                minor_version=1,
                source=SOURCE_USER,
                title="",
                version=1,
                **{"subentries_data": None, "unique_id": None, **entry},
            )
        )

    async def set_up(self, domain: str) -> float:
        """Set up the config entries of a domain once more; return the seconds of CPU time that it took."""
        seconds = 0.0
        for entry in self._hass.config_entries.async_entries(domain):
            await self._hass.config_entries.async_unload(entry.entry_id)
            await get_instance(self._hass).async_block_till_done()
            began = time.process_time()
            await self._hass.config_entries.async_setup(entry.entry_id)
            seconds += time.process_time() - began
        return seconds

    async def automate(self, fsync: float) -> None:
        """Turn on the automation; from now on the disk takes so many seconds longer for each file of which it must be sure."""
        whole = os.fsync

        def slow(descriptor: int) -> None:
            time.sleep(fsync)
            whole(descriptor)

        if fsync:
            vars(os).update(fsync=slow)
            vars(sys.modules["atomicwrites"]).update(_proper_fsync=slow)  # it keeps a name of its own for it
        await self._hass.services.async_call(
            AUTOMATION, SERVICE_TURN_ON, {ATTR_ENTITY_ID: ENTITY_MATCH_ALL}, blocking=True
        )

    @callback
    def async_act(self, call: ServiceCall) -> None:
        """Remember when the automation did what it is for."""
        self._actions.put_nowait(time.monotonic())

    async def acted(self, _: object) -> float:
        """Return when the automation did what it is for, by the clock that all processes share."""
        return await asyncio.wait_for(self._actions.get(), _ACTS_WITHIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Offer the probe, the action of the automation, and the webhook that only reads JSON and answers."""
    probe = _Probe(hass)

    async def read(hass: HomeAssistant, webhook_id: str, request: Request) -> None:
        """Read JSON; Home Assistant answers."""
        await request.json()

    webhook.async_register(hass, DOMAIN, "Probe", DOMAIN, probe.async_answer, local_only=True)
    webhook.async_register(hass, DOMAIN, "Read JSON", "bench_json", read, local_only=True)
    hass.services.async_register(DOMAIN, "act", probe.async_act)
    return True
