"""Words that Home Assistant does not translate for us: where text is put together here."""

import re
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.translation import async_get_cached_translations

from .const import DOMAIN

# The translated name of a light says it already.
_LIGHT: Final = re.compile(r"[_\s]*lights?$", re.IGNORECASE)


@callback
def async_word(hass: HomeAssistant, path: str) -> str:
    """Return a word of the integration, such as `entity.sensor.progress.name`, in Home Assistant's language."""
    category, *_, last = path.split(".")
    words = async_get_cached_translations(hass, hass.config.language, category, DOMAIN)
    # While Home Assistant's language is being changed, there is none.
    return words.get(f"component.{DOMAIN}.{path}", last)


def name_light(name: str) -> str:
    """Return what a printer calls a light, as a person would write it."""
    plain = _LIGHT.sub("", name).replace("_", " ") or name
    return plain[:1].upper() + plain[1:]
