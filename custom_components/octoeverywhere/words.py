"""Words that Home Assistant does not translate for us: where text is put together here."""

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.translation import async_get_cached_translations

from .const import DOMAIN


@callback
def async_word(hass: HomeAssistant, path: str) -> str:
    """Return a word of the integration, such as `entity.sensor.progress.name`, in Home Assistant's language."""
    category, *_, last = path.split(".")
    words = async_get_cached_translations(hass, hass.config.language, category, DOMAIN)
    # While Home Assistant's language is being changed, there is none.
    return words.get(f"component.{DOMAIN}.{path}", last)


def name_light(name: str) -> str:
    """Return what a printer calls a light, as a person would write it."""
    return name.replace("_", " ").capitalize()
