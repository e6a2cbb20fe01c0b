"""Words that Home Assistant does not translate for us: where text is put together here."""

import re
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.translation import async_get_cached_translations

from .const import DOMAIN

# The translated name of a light says it already.
_LIGHT: Final = re.compile(r"[_\s]*lights?$", re.IGNORECASE)
# Home Assistant takes its own texts for Markdown, together with what fills their gaps. So letters that mean something there become
# some that look like them, and what would be a link by itself gets a sign that nobody sees.
_MARKDOWN: Final = str.maketrans("*_`[]<>~\\&", "∗ˍ´()‹›∼＼＆")  # noqa: RUF001 - that is what they are for
_LINK: Final = re.compile(r"(://|@|www\.)", re.IGNORECASE)


def as_text(words: str) -> str:
    """Return what others wrote, to fill a gap in a text of Home Assistant."""
    return _LINK.sub("\\1\u2060", words.translate(_MARKDOWN))


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
