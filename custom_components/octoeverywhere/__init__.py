"""OctoEverywhere: 3D printers and their prints, from its notifications and, where the owner wants it, by asking."""

from homeassistant.components.webhook import async_unregister
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_WEBHOOK_ID, Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.typing import ConfigType

from . import issues
from .account import Account, OctoEverywhereConfigEntry
from .address import async_delete_cloudhook, async_watch
from .const import CONF_CONNECTION, DOMAIN, Connection
from .coordinator import printer_ids
from .services import async_setup_services
from .store import Store
from .webhook import async_open

PLATFORMS = (Platform.BINARY_SENSOR, Platform.CALENDAR, Platform.EVENT, Platform.IMAGE, Platform.SENSOR)
# Only these act on a printer; who has no live connection does without their cost as well.
LIVE_PLATFORMS = (Platform.BUTTON, Platform.CAMERA, Platform.LIGHT)
CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Offer the actions, whether or not there is an entry."""
    async_setup_services(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: OctoEverywhereConfigEntry) -> bool:
    """Bring back the printers and listen for their notifications."""
    # First, because Home Assistant answers 200 for a webhook that nobody has registered. Ours answers 503 until we are done.
    async_open(hass, entry)
    entry.runtime_data = account = Account(hass, entry)
    try:
        await account.async_load()
    except OSError as err:
        raise ConfigEntryNotReady(translation_domain=DOMAIN, translation_key="not_read") from err
    await async_watch(hass, entry)
    await hass.config_entries.async_forward_entry_setups(entry, _platforms(account))
    entry.async_on_unload(entry.add_update_listener(_async_on_update))
    return True


def _platforms(account: Account) -> tuple[Platform, ...]:
    """Return the platforms that the entities of an account need."""
    return (*PLATFORMS, *(LIVE_PLATFORMS if account.connections else ()))


async def _async_on_update(hass: HomeAssistant, entry: OctoEverywhereConfigEntry) -> None:
    """Begin anew where a live connection was added, changed or removed."""
    if entry.runtime_data.connections != entry.subentries:
        hass.config_entries.async_schedule_reload(entry.entry_id)


async def async_unload_entry(hass: HomeAssistant, entry: OctoEverywhereConfigEntry) -> bool:
    """Stop listening once everything that has arrived is saved."""
    for printer in entry.runtime_data.printers.values():
        await printer.async_shutdown()
    await entry.runtime_data.async_work()
    return await hass.config_entries.async_unload_platforms(entry, _platforms(entry.runtime_data))


async def async_remove_entry(hass: HomeAssistant, entry: OctoEverywhereConfigEntry) -> None:
    """Delete what was stored, here and at Home Assistant Cloud."""
    await hass.async_add_executor_job(Store(hass).remove)
    issues.async_forget(hass)
    async_unregister(hass, entry.data[CONF_WEBHOOK_ID])
    if entry.data[CONF_CONNECTION] == Connection.CLOUD:
        await async_delete_cloudhook(hass, entry.data[CONF_WEBHOOK_ID])


async def async_remove_config_entry_device(
    hass: HomeAssistant, entry: OctoEverywhereConfigEntry, device: dr.AnyDeviceEntry
) -> bool:
    """Forget a printer; it comes back with its next notification."""
    if entry.state is not ConfigEntryState.LOADED:
        return False
    await entry.runtime_data.async_forget(printer_ids(device))
    return True
