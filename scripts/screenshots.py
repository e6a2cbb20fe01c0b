"""The pictures of docs/images, from a real Home Assistant with simulated printers, so that they can be made again."""

import asyncio
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
import itertools
from pathlib import Path
import random
import shutil
import sqlite3
from typing import Any, Final

from browser import Browser, browser
from hass_process import INTEGRATION, WITH_FRONTEND, Hass, Webhook
from homeassistant.core import HomeAssistant
from homeassistant.util.yaml import parse_yaml
from PIL import Image
from playwright.async_api import Locator
from scenes import DAYS, SCENES, WITH_PAST, Scene, past_prints, totals
from simulator import BED_COOLED, COMPLETE, FAILED, run, send
from webcam import draw_snapshot

from custom_components.octoeverywhere.history import History
from custom_components.octoeverywhere.store import HistoryStore, PrinterStore

ROOT: Final = Path(__file__).parent.parent
IMAGES: Final = ROOT / "docs" / "images"
FOLDER: Final = ROOT / ".cache" / "screenshots-home"
CONFIGURATION: Final = f"{WITH_FRONTEND.replace('automation:', 'automation: []')}calendar:\nmobile_app:\n"
# So many times faster than the printers print, they are simulated; afterwards, what was recorded is stretched.
FASTER: Final = 1000
ADDRESS: Final = "http://192.168.1.10:8123"
PHONE: Final = {"width": 390, "height": 844}
TABLET: Final = {"width": 1280, "height": 800}
# Home Assistant draws its graphs and fetches its pictures after the page is there.
SECONDS_TO_DRAW: Final = 5
# Where the guard of the integration would not let the picture of a simulated printer through.
STAND_IN: Final = """
from pathlib import Path


async def async_fetch(link: str) -> Snapshot:
    path = Path("{folder}") / link.rsplit("/", 1)[-1]
    return Snapshot(content=await asyncio.to_thread(path.read_bytes), content_type="image/jpeg")
"""


def prepare() -> None:
    """Lay out what Home Assistant starts with: the integration with its stand-in, the blueprints, and the pictures."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    integration = FOLDER / "custom_components" / INTEGRATION.name
    shutil.copytree(INTEGRATION, integration, ignore=shutil.ignore_patterns("__pycache__"))
    with (integration / "snapshot.py").open("a") as module:
        module.write(STAND_IN.format(folder=FOLDER))
    blueprints = Path("blueprints", "automation", "octoeverywhere")
    shutil.copytree(ROOT / blueprints, FOLDER / blueprints)
    for scene in SCENES:
        draw_snapshot(FOLDER / f"{scene.slug}.jpg", scene.colour, scene.percent)


async def print_all(webhook: Webhook) -> None:
    """Let every printer print; those that still do so in the end are all heard of a moment ago."""
    spans = {scene: scene.steps()[-1].at / FASTER for scene in SCENES}

    async def print_one(scene: Scene) -> None:
        if scene.until[0] not in (COMPLETE, FAILED):
            await asyncio.sleep(max(spans.values()) - spans[scene])
        await run(scene.steps(), webhook.url, secret=webhook.secret_key, within=spans[scene], on_answer=lambda *_: None)

    await asyncio.gather(*map(print_one, SCENES))


async def grow_older(since: datetime, until: datetime) -> None:
    """Let what happened in a time have taken as long as it does in life, and let there have been prints before it."""

    def older(moment: datetime) -> datetime:
        return until - (until - moment) * FASTER if since <= moment < until else moment

    with closing(sqlite3.connect(FOLDER / "home-assistant_v2.db")) as database, database:
        database.create_function("older", 1, lambda at: at and older(datetime.fromtimestamp(at, UTC)).timestamp())
        database.execute(
            "UPDATE states SET last_updated_ts = older(last_updated_ts), last_changed_ts = older(last_changed_ts)"
        )
        database.execute("UPDATE events SET time_fired_ts = older(time_fired_ts)")
    hass = HomeAssistant(str(FOLDER))
    printers, histories = PrinterStore(hass), HistoryStore(hass)
    for printer_id, record in (await printers.async_load([])).items():
        moments: dict[str, Any] = {
            name: older(moment)
            for name in ("started_at", "finish_at", "estimated_at", "snapshot_at", "heard_at")
            if (moment := getattr(record.state, name))
        }
        await printers.async_save(printer_id, replace(record, state=replace(record.state, **moments)))
        history = await histories.async_load(printer_id) or History()
        for print_ in history.prints:
            history = history.add(replace(print_, started_at=older(print_.started_at), ended_at=older(print_.ended_at)))
        if printer_id in WITH_PAST:
            for print_ in past_prints(random.Random(printer_id), until):
                history = history.add(print_)
        await histories.async_save(printer_id, replace(history, totals=totals(history.prints)))


async def import_statistics(hass: Hass, scene: Scene) -> None:
    """Let Home Assistant have kept the statistics of a printer's past prints."""
    history = await HistoryStore(HomeAssistant(str(FOLDER))).async_load(scene.slug) or History()
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [today - timedelta(days=number) for number in range(DAYS, 0, -1)]
    hours = [totals(known for known in history.prints if known.ended_at < day).seconds / 3600 for day in days]
    metadata = {
        "statistic_id": f"sensor.{scene.slug}_total_print_time",
        "source": "recorder",
        "name": None,
        "unit_of_measurement": "h",
        "unit_class": "duration",
        "mean_type": 0,
        "has_sum": True,
    }
    stats = [{"start": day.isoformat(), "state": known, "sum": known} for day, known in zip(days, hours, strict=True)]
    async with hass.websocket() as websocket:
        await websocket.call("recorder/import_statistics", metadata=metadata, stats=stats)


async def add_dashboard(hass: Hass, path: str, scenes: Iterable[Scene]) -> None:
    """Add a dashboard with the view of docs/dashboard.yaml, for these printers."""
    text = (ROOT / "docs" / "dashboard.yaml").read_text("utf-8")
    views: list[Any] = [parse_yaml(text.replace("my_printer", scene.slug)) for scene in scenes]
    view = {**views[0], "sections": list(itertools.chain(*zip(*(view["sections"] for view in views), strict=True)))}
    async with hass.websocket() as websocket:
        await websocket.call("lovelace/dashboards/create", url_path=path, title="3D printers", mode="storage")
        await websocket.call("lovelace/config/save", url_path=path, config={"views": [view]})


async def picture(person: Browser, name: str, part: Locator | None = None, *, after: float = 1) -> None:
    """Take a picture of the page or a part of it, with few colours so that it is small."""
    await person.page.wait_for_timeout(after * 1000)
    taken = await (part or person.page).screenshot()
    with Image.open(BytesIO(taken)) as image:
        image.convert("RGB").quantize(256, kmeans=1).save(IMAGES / f"{name}.png", optimize=True)


async def move_to_address(hass: Hass) -> None:
    """Let Home Assistant believe, also after a restart, that it is where most people's is."""
    configuration = FOLDER / "configuration.yaml"
    configuration.write_text(configuration.read_text().replace(hass.url, ADDRESS))
    async with hass.websocket() as websocket:
        await websocket.call("config/core/update", internal_url=ADDRESS)


async def set_up(person: Browser, hass: Hass) -> Webhook:
    """Set the integration up, with a picture of each page; return what OctoEverywhere is told."""
    page = person.page.locator("dialog[open]").last
    await person.open("/config/integrations/dashboard")
    await person.click("Add integration")
    await person.page.get_by_role("textbox").last.fill("OctoEverywhere")
    await person.click_on(person.page.locator("ha-integration-list-item").first)
    await person.see("How does OctoEverywhere reach Home Assistant?")
    await picture(person, "set-up-1-connection", page)
    await person.click_text("Over the home network")
    await person.see("Secret key")
    await person.click("Next")
    await person.see("This page goes on by itself")
    await picture(person, "set-up-2-copy-and-test", page)
    url, secret_key, *_ = [text.strip() for text in await person.page.locator("code:visible").all_inner_texts()]
    webhook = Webhook(url=url.replace(ADDRESS, hass.url), secret_key=secret_key)
    first = {"PrinterId": SCENES[0].slug, "PrinterName": SCENES[0].name, "EventType": BED_COOLED}
    await send(hass.session, webhook.url, first, secret_key)
    await person.see("Skip and finish")
    await person.click("Skip and finish")
    return webhook


async def show_dashboards(hass: Hass) -> None:
    """Take the pictures of docs/dashboard.yaml."""
    await add_dashboard(hass, "one-printer", SCENES[:1])
    await add_dashboard(hass, "six-printers", SCENES)
    for name, path, size, is_dark in (
        ("dashboard", "one-printer", TABLET, False),
        ("dashboard-phone", "one-printer", PHONE, True),
        ("dashboard-tablet", "six-printers", TABLET, False),
    ):
        async with browser(hass, IMAGES, **size, is_dark=is_dark) as person:
            await hide_sidebar(person)
            await person.open(f"/{path}")
            await picture(person, name, after=SECONDS_TO_DRAW)
            if name == "dashboard":
                card = person.page.locator("hui-statistics-graph-card")
                await card.scroll_into_view_if_needed()
                await picture(person, "statistics", card, after=SECONDS_TO_DRAW)


async def hide_sidebar(person: Browser) -> None:
    """Leave the width to the page."""
    await person.page.add_init_script("localStorage.setItem('dockedSidebar', '\"always_hidden\"')")


async def show_pages(person: Browser) -> None:
    """Take the pictures of Home Assistant's own pages."""
    await hide_sidebar(person)
    await person.open("/config/devices/dashboard")
    await person.click_text(SCENES[0].name)
    await person.see("Time remaining")
    await picture(person, "device", after=SECONDS_TO_DRAW)
    await person.open("/calendar")
    for scene in SCENES[2:]:
        await person.click_text(f"{scene.name} Prints")
    await picture(person, "calendar", after=SECONDS_TO_DRAW)
    await person.open("/config/blueprint/dashboard")
    await person.click_text("Tell me about my prints")
    await person.see("Phones and tablets")
    await picture(person, "blueprint")
    await person.open("/config/automation/edit/new")
    await person.click("Add trigger")
    await person.click_text("By type")
    await person.click_text("Device")
    await person.click_text("Triggers when something happens to a device. Great way to start.")
    await person.click_on(person.page.locator("ha-device-picker"))
    await person.click_text(SCENES[0].name)
    await person.click_on(person.page.locator("ha-device-trigger-picker"))
    await person.page.get_by_text("Print paused").hover()
    await person.page.mouse.wheel(0, -2000)
    await picture(person, "triggers")


async def main() -> None:
    """Make all of them."""
    await asyncio.to_thread(prepare)
    IMAGES.mkdir(parents=True, exist_ok=True)
    async with Hass(FOLDER, configuration=CONFIGURATION) as hass:
        await move_to_address(hass)
        async with browser(hass, IMAGES) as person:
            webhook = await set_up(person, hass)
        since = datetime.now(UTC).replace(microsecond=0)
        await print_all(webhook)
        until = datetime.now(UTC)
        await hass.stop()
        await grow_older(since, until)
        await hass.start()
        await import_statistics(hass, SCENES[0])
        await show_dashboards(hass)
        async with browser(hass, IMAGES) as person:
            await show_pages(person)


if __name__ == "__main__":
    asyncio.run(main())
