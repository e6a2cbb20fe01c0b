"""The pictures of docs/images, from a real Home Assistant with simulated printers, so that they can be made again."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
import itertools
from pathlib import Path
import random
import shutil
import sqlite3
from typing import Any, Final

from browser import Browser, browser
from hass_process import WITH_FRONTEND, Hass, Webhook
from homeassistant.core import HomeAssistant
from homeassistant.util.yaml import parse_yaml
from PIL import Image
from playwright.async_api import Locator
from scenes import DAYS, SCENES, WITH_PAST, Scene, past_prints
from simulator import COMPLETE, FAILED, TEST, run, send
from webcam import draw_snapshot

from custom_components.octoeverywhere.history import Print, Totals
from custom_components.octoeverywhere.store import Store
from tests.fake_plugin_api import FakePluginApi, body

ROOT: Final = Path(__file__).parent.parent
IMAGES: Final = ROOT / "docs" / "images"
FOLDER: Final = ROOT / ".cache" / "screenshots-home"
CONFIGURATION: Final = f"{WITH_FRONTEND.replace('automation:', 'automation: []')}calendar:\nmobile_app:\nwebcam:\n"
# So many times faster than the printers print, they are simulated; afterwards, what was recorded is stretched.
FASTER: Final = 1000
LIVE_SCENE: Final = next(scene for scene in SCENES if scene.name == "Voron 2.4")
ADDRESS: Final = "http://192.168.1.10:8123"
PHONE: Final = {"width": 390, "height": 844}
TABLET: Final = {"width": 1280, "height": 800}
# Home Assistant draws its graphs and fetches its pictures after the page is there.
SECONDS_TO_DRAW: Final = 5


def prepare() -> None:
    """Lay out what Home Assistant starts with: the blueprints, and what the webcams see."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    components = Path("custom_components")
    shutil.copytree(Path(__file__).parent / "demo_home" / components, FOLDER / components)
    blueprints = Path("blueprints", "automation", "octoeverywhere")
    shutil.copytree(ROOT / blueprints, FOLDER / blueprints)
    (FOLDER / "www").mkdir()
    for scene in SCENES:
        draw_snapshot(FOLDER / "www" / f"{scene.slug}.jpg", scene.colour, scene.percent)


async def print_all(webhook: Webhook) -> None:
    """Let every printer print; those that still do so in the end are all heard of a moment ago."""
    spans = {scene: scene.steps()[-1].at / FASTER for scene in SCENES}

    async def print_one(scene: Scene) -> None:
        if scene.until[0] not in (COMPLETE, FAILED):
            await asyncio.sleep(max(spans.values()) - spans[scene])
        await run(scene.steps(), webhook.url, secret=webhook.secret_key, within=spans[scene], on_answer=lambda *_: None)

    await asyncio.gather(*map(print_one, SCENES))


def grow_older(store: Store, since: datetime, until: datetime) -> None:
    """Let what happened in a time have taken as long as it does in life, and let there have been prints before it."""

    def older(moment: datetime) -> datetime:
        return until - (until - moment) * FASTER if since <= moment < until else moment

    with closing(sqlite3.connect(FOLDER / "home-assistant_v2.db")) as database, database:
        database.create_function("older", 1, lambda at: at and older(datetime.fromtimestamp(at, UTC)).timestamp())
        database.execute(
            "UPDATE states SET last_updated_ts = older(last_updated_ts), last_changed_ts = older(last_changed_ts)"
        )
        database.execute("UPDATE events SET time_fired_ts = older(time_fired_ts)")
        # In life an estimate holds for a while; by this clock, each notification had another one.
        database.execute(
            "DELETE FROM states WHERE metadata_id IN"
            " (SELECT metadata_id FROM states_meta WHERE entity_id LIKE 'sensor.%_estimated_finish')"
        )
    printers = with_moments(store.read(), older)
    for printer_id, printer in printers.items():
        prints = with_moments(store.read_prints(printer_id), older)
        if printer_id in WITH_PAST:
            prints = (*past_prints(random.Random(printer_id), until), *prints)
        store.forget(printer_id)
        store.file_prints(printer_id, prints)
        printers[printer_id] = replace(printer, totals=totals(prints))
    store.write(printers)


def with_moments(value: Any, change: Callable[[datetime], datetime]) -> Any:
    """Return a value with every moment in it changed."""
    if isinstance(value, datetime):
        return change(value)
    if isinstance(value, dict):
        return {key: with_moments(item, change) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(with_moments(item, change) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value)]
        return replace(value, **{name: with_moments(getattr(value, name), change) for name in names})
    return value


def totals(prints: Iterable[Print]) -> Totals:
    """Return what prints add up to."""
    return sum((print_.totals for print_ in prints), Totals())


async def import_statistics(hass: Hass, scene: Scene, prints: Iterable[Print]) -> None:
    """Let Home Assistant have kept the statistics of a printer's past prints."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [today - timedelta(days=number) for number in range(DAYS, 0, -1)]
    hours = [totals(known for known in prints if known.ended_at < day).seconds / 3600 for day in days]
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
    await person.see("Choose a way")
    await picture(person, "set-up-1-connection", page)
    await person.click_text("Over the home network")
    await person.see("Secret key")
    await person.click("Next")
    await person.see("Tell OctoEverywhere")
    await picture(person, "set-up-2-copy-and-test", page)
    url, secret_key = [await field.input_value() for field in await person.fields.all()]
    webhook = Webhook(url=url.replace(ADDRESS, hass.url), secret_key=secret_key)
    await send(hass.session, webhook.url, {"PrinterId": "test", "EventType": TEST}, secret_key)
    await person.click("Next")
    await person.see("It works.")
    await person.click("Close")
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
    # The list of the week before, which has room for how the prints ended.
    await person.click_on(person.page.locator("ha-button-toggle-group ha-button").last)
    await person.click_on(person.page.locator("ha-full-calendar .prev").first)
    await picture(person, "calendar", after=SECONDS_TO_DRAW)
    await person.open("/config/blueprint/dashboard")
    await person.click_text("Tell me about my prints")
    await person.see("Phones and tablets")
    await picture(person, "blueprint")
    await person.open("/config/automation/edit/new")
    await person.click("Add trigger")
    await person.click_text("Devices")
    await person.click_text(SCENES[0].name)
    await person.page.get_by_text("Print complete").last.scroll_into_view_if_needed()
    await picture(person, "triggers")


async def show_live(person: Browser, relay: FakePluginApi) -> None:
    """Take the pictures of adding a live connection, and of what it brings."""
    last = LIVE_SCENE.steps()[-1].body
    printer = relay.add("klipper")
    printer.start(LIVE_SCENE.print.file_name, LIVE_SCENE.print.seconds, LIVE_SCENE.print.layers, warmup=0)
    printer.print_id = last["PrintId"]
    printer.advance(last["DurationSec"])
    sees = (FOLDER / "www" / f"{LIVE_SCENE.slug}.jpg").read_bytes()
    printer.respond(body(sees, "image/jpeg"), "webcam/snapshot")
    page = person.page.locator("dialog[open]").last
    await person.open("/config/integrations/integration/octoeverywhere")
    await person.click_text("Add live connection")
    await person.fields.first.fill(printer.url)
    await picture(person, "live-add", page)
    await person.click("Next")
    await person.see("What it says of itself")
    await person.click("Submit")
    await person.click("Finish")
    await person.open("/config/devices/dashboard")
    await person.click_text(LIVE_SCENE.name)
    await person.see("Nozzle temperature")
    await picture(person, "live-device", after=SECONDS_TO_DRAW)


async def main() -> None:
    """Make all of them."""
    await asyncio.to_thread(prepare)
    IMAGES.mkdir(parents=True, exist_ok=True)
    async with FakePluginApi() as relay:
        await show_all(relay)


async def show_all(relay: FakePluginApi) -> None:
    """Set up, print, and take the pictures."""
    configuration = f"{CONFIGURATION}relay:\n  port: {relay.port}\n"
    async with Hass(FOLDER, configuration=configuration, environment=relay.environment) as hass:
        await move_to_address(hass)
        async with browser(hass, IMAGES) as person:
            webhook = await set_up(person, hass)
        since = datetime.now(UTC).replace(microsecond=0)
        await print_all(webhook)
        until = datetime.now(UTC)
        await hass.stop()
        store = Store(HomeAssistant(str(FOLDER)))
        await asyncio.to_thread(grow_older, store, since, until)
        await hass.start()
        await import_statistics(hass, SCENES[0], store.read_prints(SCENES[0].slug))
        await show_dashboards(hass)
        async with browser(hass, IMAGES) as person:
            await show_pages(person)
            await show_live(person, relay)


if __name__ == "__main__":
    asyncio.run(main())
