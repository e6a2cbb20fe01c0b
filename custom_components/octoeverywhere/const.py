"""Names that more than one module needs."""

from enum import StrEnum
import logging
from typing import Final

DOMAIN: Final = "octoeverywhere"
LOGGER: Final = logging.getLogger(__package__)

NAME: Final = "OctoEverywhere"
"""Of the service; written so in every language."""
WEBHOOK_PAGE: Final = "https://octoeverywhere.com/notifications?handler=webhook"
"""Where a person tells OctoEverywhere of a webhook."""
SUPPORTER_PAGE: Final = "https://octoeverywhere.com/supporter"
"""What OctoEverywhere offers to those who want more than a few notifications a day."""

CONF_OWN_URL: Final = "own_url"
"""What Home Assistant itself took for its address when the person confirmed CONF_BASE_URL, which may be another."""
CONF_BASE_URL: Final = "base_url"
CONF_CONNECTION: Final = "connection"
CONF_SECRET_KEY: Final = "secret_key"


def event_name(type_: str) -> str:
    """Return what the Home Assistant event of a kind of notification is called."""
    return f"{DOMAIN}_{type_}"


class Connection(StrEnum):
    """How OctoEverywhere reaches Home Assistant."""

    LAN = "lan"
    CLOUD = "cloud"
    INTERNET = "internet"


LIVE: Final = "live"
"""The type of config subentry that a live connection is."""
CONF_PRINTER_ID: Final = "printer_id"

LIVE_KEYS: Final = frozenset(
    {
        "nozzle_temperature",
        "nozzle_target",
        "bed_temperature",
        "bed_target",
        "status_detail",
        "connected",
        "pause",
        "resume",
        "cancel",
        "live",
    }
)
"""The keys of the entities that every printer with a live connection has."""
CHAMBER: Final = "chamber_temperature"
HEATERS_OFF: Final = "heaters_off"
LIGHT: Final = "light_"
"""What the keys of lights begin with."""


def is_live_key(key: str) -> bool:
    """Return True if an entity with this key needs a live connection."""
    return key in LIVE_KEYS or key in (CHAMBER, HEATERS_OFF) or key.startswith(LIGHT)
