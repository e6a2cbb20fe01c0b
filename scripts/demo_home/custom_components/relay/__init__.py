"""Leads the demo's Home Assistant to a fake of OctoEverywhere's relay on this machine: `tests/fake_plugin_api.py`.

`relay:` in the configuration names its `port`. Names alone mean something else then: certificates are checked as ever, so the fake's
authority has to be among those that Home Assistant trusts, by the environment variable REQUESTS_CA_BUNDLE.
"""

import socket
from typing import Any, Final

from aiohttp.abc import ResolveResult
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import HassAsyncDNSResolver
from homeassistant.helpers.typing import ConfigType

DOMAIN: Final = "relay"
RELAYED: Final = ".octoeverywhere.com"


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
    return True
