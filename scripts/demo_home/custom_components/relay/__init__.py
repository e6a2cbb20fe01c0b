"""Leads the demo's Home Assistant to a fake of OctoEverywhere's relay on this machine: `tests/fake_plugin_api.py`.

`relay:` in the configuration names its `port`. Names alone mean something else then: certificates are checked as ever, so the fake's
authority has to be among those that Home Assistant trusts, by the environment variable REQUESTS_CA_BUNDLE.

The prints of a demo take seconds. So with `faster: 40`, a printer is looked at so many times as often as in life, and what no
notification told is told so many times sooner.
"""

from datetime import timedelta
import socket
from typing import Any, Final

from aiohttp.abc import ResolveResult
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import HassAsyncDNSResolver
from homeassistant.helpers.typing import ConfigType

DOMAIN: Final = "relay"
RELAYED: Final = ".octoeverywhere.com"

_PACES: Final = ("_PACE", "_PACE_IDLE", "_PACE_UNTOLD", "_SHORTEST", "_OFF", "_REFUSED", "_FAILED", "UNTOLD_AFTER")
# Seconds. Home Assistant's timers may be a second early, and what is asked too often would keep it busy.
_EARLY: Final = 0.5
_LEAST: Final = 1.5


def hurry(faster: float) -> None:
    """Let less time pass between two looks at a printer."""
    from custom_components.octoeverywhere import live_coordinator  # noqa: PLC0415 - a demo need not have it

    for name in _PACES:
        setattr(live_coordinator, name, hastened(getattr(live_coordinator, name), faster))
    vars(live_coordinator)["_EARLY"] = _EARLY


def hastened(pace: Any, faster: float) -> Any:
    """Return a pace, or several, divided by so much."""
    match pace:
        case dict():
            return {key: hastened(value, faster) for key, value in pace.items()}
        case tuple():
            return tuple(hastened(value, faster) for value in pace)
        case timedelta():
            return max(timedelta(seconds=_LEAST), pace / faster)
    return max(_LEAST, pace / faster)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Answer for OctoEverywhere's names, whoever asks, and leave all others to the network."""
    port: int = config[DOMAIN]["port"]
    look_up = HassAsyncDNSResolver.resolve

    async def resolve(
        resolver: Any,
        host: str,
        asked_port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,
    ) -> list[ResolveResult]:
        if not host.endswith(RELAYED):
            return await look_up(resolver, host, asked_port, family)
        address = ResolveResult(
            hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=socket.AI_NUMERICHOST
        )
        return [address]

    HassAsyncDNSResolver.resolve = resolve  # type: ignore[assignment]
    if faster := config[DOMAIN].get("faster"):
        await hass.async_add_executor_job(hurry, faster)
    return True
