"""A live connection in the real frontend, as a person adds and uses it, with a fake of the Plugin API on the other side."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from browser import Browser
from hass_process import Hass, HassError
from simulator import PRINTS

from tests.fake_plugin_api import FakePluginApi, RelayedPrinter, body

# So many times as often as in life the printer is looked at.
FASTER: Final = 10
MAKE: Final = "elegoo_cc2"
PHONE: Final = {"width": 390, "height": 844}
_LIVE_LINK: Final = "https://octoeverywhere.com/live/AbCdEfGh"
_REFUSED: Final = body('{"Status": 786, "Error": "Not printing"}')
_UNKNOWN: Final = body('{"Status": 752, "Error": "Failed to pause"}')
_TRIES: Final = 200


class LivePrinter:
    """The printer that a person connects."""

    def __init__(self, relay: FakePluginApi, notification: Mapping[str, Any]) -> None:
        """Print what a notification tells, from the same moment on."""
        self._relay = relay
        self._notification = notification
        self.fake = self.share()

    def share(self) -> RelayedPrinter:
        """Make a Shared Connection of its own for it."""
        self.fake = printer = self._relay.add(MAKE)
        print_ = PRINTS["smooth"]
        printer.start(print_.file_name, print_.seconds, print_.layers, warmup=0)
        printer.print_id = self._notification["PrintId"]
        printer.advance(self._notification["DurationSec"])
        return printer

    async def wait_for(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait until something has happened at the printer. Raises HassError."""
        for _ in range(_TRIES):
            if is_so():
                return
            await asyncio.sleep(0.1)
        raise HassError(f"The printer does not {what}")


async def go_live(person: Browser, hass: Hass, relay: FakePluginApi, notification: Mapping[str, Any]) -> None:
    """Go through all of it."""
    printer = LivePrinter(relay, notification)
    await add_live_connection(person, printer)
    await look(person, str(notification["PrinterName"]))
    await press(person, printer)
    await switch_light(person, printer)
    await look_through_camera(person)
    await switch_off(person, printer)
    await mend(person, printer)
    await cancel(person, printer, str(notification["PrinterName"]))
    if relay.violations:
        raise HassError(f"The printer was not asked as it should be: {relay.violations}")


async def add_live_connection(person: Browser, printer: LivePrinter) -> None:
    """Paste what is no Shared Connection, then what is one, and look at what was found."""
    await person.open("/config/integrations/integration/octoeverywhere")
    person.clicks = 0
    await person.click_text("Add live connection")
    await person.see("Address of the Shared Connection")
    await picture_both(person, "live-add")
    await enter_address(person, _LIVE_LINK)
    await person.see("This is a Live Link")
    await picture_both(person, "live-wrong-address")
    person.clicks -= 1
    await enter_address(person, f"Here it is: {printer.fake.url}/")
    await person.see("What it says of itself")
    await picture_both(person, "live-found")
    await person.click("Submit")
    await person.see("Success")
    await person.click("Finish")
    print(f"Add live connection: {person.clicks} clicks")
    await person.see("Devices that don't belong to a sub-entry")
    await picture_both(person, "live-integration")


async def enter_address(person: Browser, address: str) -> None:
    """Fill in the page that asks for the address."""
    await person.fields.first.fill(address)
    await person.click("Next")


async def look(person: Browser, name: str) -> None:
    """Find on the printer's page what the live connection has brought."""
    await person.open("/config/devices/dashboard")
    await person.click_text(name)
    for text in ("Nozzle temperature", "220 °C", "Chamber light", "Pause print", "Connected"):
        await person.see(text)
    await picture_both(person, "live-device", is_long=True)


async def press(person: Browser, printer: LivePrinter) -> None:
    """Pause, be refused, not know, and resume."""
    await press_button(person, "Pause print")
    await printer.wait_for(lambda: printer.fake.phase == "paused", "pause")
    await person.see("Paused")
    await person.picture("live-paused")
    await press_button(person, "Resume print")
    await printer.wait_for(lambda: printer.fake.phase == "printing", "resume")
    await person.see("Printing")
    for answer, words, name in (
        (_REFUSED, "The printer is not printing.", "live-refused"),
        (_UNKNOWN, "It is not known whether the printer did it", "live-unknown"),
    ):
        printer.fake.respond(answer, "pause", times=1)
        await asyncio.sleep(5)  # nobody presses it again sooner
        await press_button(person, "Pause print")
        await person.see(words)
        await picture_both(person, name)


async def press_button(person: Browser, name: str) -> None:
    """Press a button of the printer's page, once that makes sense."""
    row = person.page.locator("hui-button-entity-row").filter(has_text=name)
    await person.click_on(row.get_by_role("button", name="Press"))


async def switch_light(person: Browser, printer: LivePrinter) -> None:
    """Switch the light off."""
    await person.click_on(
        person.page.locator("hui-toggle-entity-row").filter(has_text="Chamber light").locator("ha-switch")
    )
    await printer.wait_for(lambda: printer.fake.lights == {"chamber": False}, "switch its light off")
    await person.picture("live-light-off")


async def look_through_camera(person: Browser) -> None:
    """Look at the printer."""
    await person.click_on(person.page.locator("hui-generic-entity-row").filter(has_text="Camera"))
    await person.page.locator("ha-camera-stream img").first.wait_for()
    await picture_both(person, "live-camera", after=2)
    await person.page.keyboard.press("Escape")


async def switch_off(person: Browser, printer: LivePrinter) -> None:
    """Switch the printer off, and on again."""
    printer.fake.switch_off()
    await person.see("Disconnected")
    await picture_both(person, "live-switched-off", is_long=True)
    printer.fake.switch_on()
    await person.page.locator("hui-generic-entity-row").filter(has_text="Disconnected").wait_for(state="detached")


async def mend(person: Browser, printer: LivePrinter) -> None:
    """Revoke the connection, see the repair, and follow it to where a new address is entered."""
    printer.fake.respond(604)
    await person.open("/config/repairs")
    title = "has ended"
    await person.see(title)
    await picture_both(person, "live-repairs")
    await person.click_on(person.page.get_by_text(title).last)
    await person.see("was deleted at OctoEverywhere")
    await picture_both(person, "live-repair")
    await person.click("Submit")
    await person.see("Address of the Shared Connection")
    await picture_both(person, "live-new-address")
    printer.share()
    await enter_address(person, printer.fake.url)
    await person.see("What it says of itself")
    await person.click("Submit")
    await person.see("Reconfiguration was successful")
    await picture_both(person, "live-mended")
    await person.click("Close")
    await person.see("There are currently no repairs")


async def cancel(person: Browser, printer: LivePrinter, name: str) -> None:
    """Cancel the print."""
    await person.open("/config/devices/dashboard")
    await person.click_text(name)
    await press_button(person, "Cancel print")
    await printer.wait_for(lambda: printer.fake.phase in ("cancelled", "idle"), "cancel")
    await person.see("Canceled")
    await picture_both(person, "live-cancelled", is_long=True)


async def picture_both(person: Browser, name: str, *, is_long: bool = False, after: float = 0) -> None:
    """Take a picture as wide as a computer, and one as wide as a phone; of all of a long page."""
    page = person.page
    desktop = page.viewport_size
    await page.wait_for_timeout(after * 1000)
    for size, suffix in ((desktop, ""), (PHONE, "-phone")):
        await page.set_viewport_size({**size, "height": 1900} if is_long else size)
        await person.picture(f"{name}{suffix}")
    await page.set_viewport_size(desktop)
