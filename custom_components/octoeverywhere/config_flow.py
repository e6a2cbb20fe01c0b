"""Set-up in the UI."""

import secrets
from typing import Any, Final, override

from homeassistant.components import webhook
from homeassistant.config_entries import ConfigFlow, ConfigFlowResult
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.helpers.network import NoURLAvailableError, get_url

from .const import (
    CONF_BASE_URL,
    CONF_CLOUDHOOK,
    CONF_CONNECTION,
    CONF_SECRET_KEY,
    DOMAIN,
    Connection,
)

_WEBHOOK_PAGE: Final = "https://octoeverywhere.com/notifications?handler=webhook"


class OctoEverywhereConfigFlow(ConfigFlow, domain=DOMAIN):
    """Make an address and a key, and show both to be copied."""

    VERSION = 1

    def __init__(self) -> None:
        """Make the address and the key once, so that the page shows what the entry will have."""
        self._webhook_id = webhook.async_generate_id()
        self._secret_key = secrets.token_urlsafe(24)

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show address and key; go on when the person has copied them."""
        try:
            base_url = get_url(self.hass, allow_external=False, allow_cloud=False)
        except NoURLAvailableError:
            return self.async_abort(reason="no_url")
        if user_input is None:
            path = webhook.async_generate_path(self._webhook_id)
            return self.async_show_form(
                step_id="user",
                description_placeholders={
                    "url": f"{base_url}{path}",
                    "secret_key": self._secret_key,
                    "webhook_page": _WEBHOOK_PAGE,
                },
            )
        return self.async_create_entry(
            title="OctoEverywhere",
            data={
                CONF_WEBHOOK_ID: self._webhook_id,
                CONF_SECRET_KEY: self._secret_key,
                CONF_CONNECTION: Connection.LAN,
                CONF_CLOUDHOOK: False,
                CONF_BASE_URL: base_url,
            },
        )
