"""Names that more than one module needs."""

from enum import StrEnum
import logging
from typing import Final

DOMAIN: Final = "octoeverywhere"
LOGGER: Final = logging.getLogger(__package__)

MANUFACTURER: Final = "OctoEverywhere"

CONF_BASE_URL: Final = "base_url"
CONF_CLOUDHOOK: Final = "cloudhook"
CONF_CONNECTION: Final = "connection"
CONF_SECRET_KEY: Final = "secret_key"


class Connection(StrEnum):
    """How OctoEverywhere reaches Home Assistant."""

    LAN = "lan"
    CLOUD = "cloud"
    INTERNET = "internet"
