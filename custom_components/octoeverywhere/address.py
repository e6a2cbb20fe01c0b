"""The address that OctoEverywhere is given, and whether it still is Home Assistant's."""

from typing import Any, Final

from homeassistant.const import CONF_WEBHOOK_ID, EVENT_CORE_CONFIG_UPDATE
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.network import NoURLAvailableError, get_url
from homeassistant.util.network import is_host_valid
from yarl import URL

from .account import OctoEverywhereConfigEntry
from .const import CONF_BASE_URL, CONF_CONNECTION, CONF_OWN_URL, LOGGER, Connection
from .payload import parse_url

_NO_CLOUD: Final = "no_cloud"
_CLOUD_NOT_CONNECTED: Final = "cloud_not_connected"


class NoAddressError(Exception):
    """Home Assistant Cloud gives no address; as text, the key of the words that say why."""


def parse_base_url(text: str) -> str | None:
    """Return the address that a person means, None where none can be meant: http unless said otherwise, and without a path."""
    text = text.strip()
    url = parse_url(text if "://" in text else f"http://{text}")
    if url is None or url.raw_user is not None or url.host in ("http", "https"):
        return None
    # Names that only a Docker network knows may have an underscore in them.
    return str(url.origin()) if is_host_valid((url.raw_host or "").replace("_", "-")) else None


def is_doubtful(base_url: str, own_url: str) -> bool:
    """Return True if an address in the home network may not lead from a printer to Home Assistant, whose own one is known."""
    url, own = URL(base_url), URL(own_url)
    is_of_this_computer = url.host == "localhost" or str(url.host).startswith("127.")
    return url != own and (is_of_this_computer or (url.scheme, url.port) != (own.scheme, own.port))


@callback
def async_own_url(hass: HomeAssistant, connection: Connection) -> str | None:
    """Return what Home Assistant takes for its address, in the home network or on the internet."""
    is_internal = connection is Connection.LAN
    try:
        return get_url(hass, allow_internal=is_internal, allow_external=not is_internal, allow_cloud=False)
    except NoURLAvailableError:
        return None


@callback
def async_has_cloud(hass: HomeAssistant) -> bool:
    """Return True if there is a Home Assistant Cloud subscription to use."""
    if "cloud" not in hass.config.components:
        return False
    # Only where it is loaded anyway: it is large.
    from homeassistant.components.cloud import async_active_subscription  # noqa: PLC0415

    return async_active_subscription(hass)


async def async_get_or_create_cloudhook(hass: HomeAssistant, webhook_id: str) -> str:
    """Return the webhook's address at Home Assistant Cloud, which is made where there is none. Raises NoAddressError."""
    if not async_has_cloud(hass):
        raise NoAddressError(_NO_CLOUD)
    from homeassistant.components import cloud  # noqa: PLC0415

    try:
        return await cloud.async_get_or_create_cloudhook(hass, webhook_id)
    except Exception as err:  # noqa: BLE001 - not connected, no answer in time, or whatever its library calls it
        LOGGER.debug("Home Assistant Cloud gave no webhook: %r", err)
        raise NoAddressError(_CLOUD_NOT_CONNECTED) from None


async def async_delete_cloudhook(hass: HomeAssistant, webhook_id: str) -> None:
    """Delete the webhook's address at Home Assistant Cloud, as far as there is one."""
    if not async_has_cloud(hass):
        return
    from homeassistant.components import cloud  # noqa: PLC0415

    try:
        await cloud.async_delete_cloudhook(hass, webhook_id)
    except Exception as err:  # noqa: BLE001 - as above; and what is gone already is an error there
        LOGGER.debug("Home Assistant Cloud deleted no webhook: %r", err)


async def async_watch(hass: HomeAssistant, entry: OctoEverywhereConfigEntry) -> None:
    """Raise an issue for as long as the address that OctoEverywhere was given is no longer Home Assistant's."""
    way = Connection(entry.data[CONF_CONNECTION])
    if way is Connection.CLOUD:
        await _async_watch_cloud(hass, entry)
    elif entry.data[CONF_BASE_URL] == entry.data[CONF_OWN_URL]:  # what a person typed instead is that person's affair
        _async_watch_own(hass, entry, way)


@callback
def _async_watch_own(hass: HomeAssistant, entry: OctoEverywhereConfigEntry, way: Connection) -> None:
    """Watch Home Assistant's own address."""

    @callback
    def check(_: Event | None = None) -> None:
        own = async_own_url(hass, way)
        if own is not None or way is not Connection.LAN:  # without a network Home Assistant does not know it
            entry.runtime_data.issues.async_set_address_changed(entry.data[CONF_OWN_URL], own)

    entry.async_on_unload(hass.bus.async_listen(EVENT_CORE_CONFIG_UPDATE, check))
    check()


async def _async_watch_cloud(hass: HomeAssistant, entry: OctoEverywhereConfigEntry) -> None:
    """Watch the subscription, and follow the cloudhook: a new one has a new address."""
    webhook_id, confirmed = entry.data[CONF_WEBHOOK_ID], entry.data[CONF_OWN_URL]
    set_changed = entry.runtime_data.issues.async_set_address_changed

    async def check(_: object = None) -> None:
        try:
            current = await async_get_or_create_cloudhook(hass, webhook_id)
        except NoAddressError as err:
            # Without a connection nothing is known, and it comes back by itself.
            set_changed(confirmed, None if str(err) == _NO_CLOUD else confirmed)
            return
        set_changed(confirmed, current)
        if hass.config_entries.async_get_entry(entry.entry_id) is None:
            await async_delete_cloudhook(hass, webhook_id)  # removed while we waited for the answer

    if "cloud" in hass.config.components:
        from homeassistant.components import cloud  # noqa: PLC0415

        @callback
        def on_change(cloudhook: dict[str, Any] | None) -> None:
            if cloudhook is None:
                set_changed(confirmed, None)

        entry.async_on_unload(cloud.async_listen_connection_change(hass, check))
        entry.async_on_unload(cloud.async_listen_cloudhook_change(hass, webhook_id, on_change))
    await check()
