"""Tests of the dashboard to paste: it shows what the printer's entities say, with nothing but what Home Assistant has."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
import re
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers.template import Template
from homeassistant.util import dt as dt_util
from homeassistant.util.yaml import parse_yaml

from .conftest import FULL, Clock, Post, value

TEXT = (Path(__file__).parent.parent / "docs" / "dashboard.yaml").read_text("utf-8")
VIEW: dict[str, Any] = parse_yaml(TEXT)  # type: ignore[assignment]
PRINTER = {"PrinterName": "My printer"}
ENTITY = r"\b[a-z_]+\.my_printer_[a-z_]+"
EVERY_CARD = {"type", "grid_options", "visibility"}
CARDS = {
    "markdown": {"content", "text_only", "show_empty"},
    "picture-entity": {"entity", "show_name", "show_state", "aspect_ratio"},
    "tile": {"entity", "name", "color", "features", "features_position", "hide_state", "tap_action", "icon_tap_action"},
    "history-graph": {"entities", "hours_to_show", "min_y_axis", "max_y_axis"},
    "statistics-graph": {"entities", "stat_types", "chart_type", "period", "days_to_show"},
}
"""What the cards of Home Assistant know, as far as it is used."""


def cards(type_: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield the cards, those of one type or all of them."""
    for section in VIEW["sections"]:
        yield from (card for card in section["cards"] if type_ in (None, card["type"]))


def visible(hass: HomeAssistant) -> Iterator[dict[str, Any]]:
    """Yield the cards that are shown now; what is not there counts as unavailable."""
    for card in cards():
        hides = [condition for condition in card.get("visibility", ()) if condition["condition"] == "state"]
        assert len(hides) == len(card.get("visibility", ()))
        if all((value(hass, one["entity"]) or "unavailable") not in one["state_not"] for one in hides):
            yield card


def shown(hass: HomeAssistant) -> str:
    """Return what the texts of the dashboard say, as their source is."""
    texts = [Template(card["content"], hass).async_render(parse_result=False) for card in cards("markdown")]
    return re.sub(r"\s+", " ", " ".join(texts))


def test_cards() -> None:
    """The view is made of sections of cards, and each card is told only what it knows."""
    assert VIEW.keys() == {"title", "icon", "type", "max_columns", "sections"}
    assert VIEW["type"] == "sections"
    assert all(section.keys() == {"type", "cards"} and section["type"] == "grid" for section in VIEW["sections"])
    unknown = [(card["type"], key) for card in cards() for key in card.keys() - CARDS[card["type"]] - EVERY_CARD]
    assert unknown == []


async def test_entities(hass: HomeAssistant, post: Post) -> None:
    """Who replaces one name gets a dashboard of entities that are there; what needs a live connection is not shown without one."""
    await post(FULL, **PRINTER)
    mentioned = set(re.findall(ENTITY, str(list(visible(hass)))))
    assert len(mentioned) >= 12
    assert mentioned - set(hass.states.async_entity_ids()) == set()


TEXTS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"EventType": 6}, "Printing 21% <ha-icon icon"),
    ({"EventType": 4}, "Paused 21% <ha-icon icon"),
    ({"EventType": 6, "TimeRemainingSec": -1}, "Printing 21% <center>"),
    ({"EventType": 1, "Progress": None, "TimeRemainingSec": -1}, "Printing 0% <center>"),
    ({"EventType": 2}, "Complete <center>"),
    ({"EventType": 3}, "Failed <center>"),
    ({"EventType": 3, "PlatformErrorCode": "cancelled"}, "Canceled <center>"),
    ({"EventType": 11}, "Filament change required"),
    ({"EventType": 9, "Error": "<b>too hot</b>"}, "<br>&lt;b&gt;too hot&lt;/b&gt;"),
    ({"EventType": 9, "Error": "![a](b) **c**"}, r"<br>\!\[a\]\(b\) \*\*c\*\*"),
)


async def test_texts(hass: HomeAssistant, post: Post) -> None:
    """The texts say how the printer is, and how far it is while that is of interest."""
    for index, (body, expected) in enumerate(TEXTS):
        await post(FULL, **PRINTER, PrintId=f"print-{index}", **body)
        assert "My printer" in shown(hass)
        assert expected in shown(hass)
        assert '<a href="https://octoeverywhere.com/quickview/1">' in shown(hass)


async def test_no_link(hass: HomeAssistant, post: Post) -> None:
    """Without a page at OctoEverywhere nothing leads there."""
    await post(FULL, **PRINTER, QuickViewUrl=None)
    assert "Printing 21%" in shown(hass)
    assert "<a " not in shown(hass)


async def test_time_passes(hass: HomeAssistant, post: Post, clock: Clock) -> None:
    """The finish is told by the clock on the wall until it is past; of a print that has fallen silent since when, and why if known."""
    await hass.config.async_set_time_zone("Europe/Berlin")
    clock.set(dt_util.parse_datetime("2026-11-23T16:00:00Z", raise_on_error=True))
    await post(FULL, **PRINTER, TimeRemainingSec=1800)
    assert "</ha-icon> 17:30" in shown(hass)
    await clock.elapse(timedelta(minutes=40))
    assert "17:30" not in shown(hass)
    await clock.elapse(timedelta(minutes=79))
    assert "No news" not in shown(hass)
    await clock.elapse(timedelta(minutes=7))
    assert '**<font size="4">My printer</font>**<br> No news since 17:00 <center>' in shown(hass)
    await clock.elapse(timedelta(days=1))
    assert "No news since 2026-11-23 17:00 <center>" in shown(hass)
    await post(PRINTER, EventType=13)
    assert "No news since 19:06: Daily notification limit reached <center>" in shown(hass)


async def test_picture(hass: HomeAssistant, post: Post) -> None:
    """Where there is no picture, no place is left for it."""
    card, _ = cards("picture-entity")
    (condition,) = card["visibility"]
    assert (condition["condition"], condition["entity"]) == ("state", card["entity"])
    await post(PRINTER, EventType=1, PrintId="print-1")
    assert value(hass, card["entity"]) in condition["state_not"]
    await post(FULL, **PRINTER)
    assert value(hass, card["entity"]) not in condition["state_not"]


async def test_nobody_is_called_so(hass: HomeAssistant) -> None:
    """Before a printer of this name was heard of, the texts render all the same."""
    assert "Quick View" not in shown(hass)
    assert "No news" not in shown(hass)
