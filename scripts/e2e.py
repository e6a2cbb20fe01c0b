"""The set-up and the automations in the real frontend, as a person goes through them, with a simulated OctoEverywhere on the other side."""

import argparse
import asyncio
from pathlib import Path
import random
import shutil
import time
from typing import Final

from browser import Browser, browser
from hass_process import WITH_FRONTEND, Hass, HassError
from simulator import PRINTS, Printer, play, send

CACHE: Final = Path(__file__).parent.parent / ".cache"
PRINTER: Final = Printer(printer_id="e2e-ender", name="Ender 3")
CONFIGURATION: Final = WITH_FRONTEND.replace("automation:", "automation: !include automations.yaml")
BLUEPRINTS: Final = (
    "Tell me about my prints",
    "Cut the power when the bed has cooled",
    "Something is wrong",
    "Finished soon",
    "Say it out loud",
)


class Octo:
    """A simulated OctoEverywhere, which knows what the person has copied."""

    def __init__(self, hass: Hass) -> None:
        """Know nothing yet."""
        self._hass = hass
        self._steps = play(PRINTER, PRINTS["smooth"], random.Random(1))
        self.url = ""
        self.secret_key = ""

    async def copy_from(self, person: Browser) -> None:
        """Take over what the page shows."""
        self.url, self.secret_key = [await field.input_value() for field in await person.fields.all()]

    async def post(self, secret_key: str | None = None, *, expected: int = 200) -> None:
        """Post the next notification of a print. Raises HassError where it is answered otherwise than expected."""
        key = self.secret_key if secret_key is None else secret_key
        status = await send(self._hass.session, self.url, next(self._steps).body, key)
        if status != expected:
            raise HassError(f"A notification was answered {status}, not {expected}")


async def add(person: Browser, octo: Octo) -> None:
    """Add the integration: at first with the wrong key, then as it should be; say how many clicks that needs without the mistake."""
    await person.open("/config/integrations/dashboard")
    await person.see("Add integration")
    began = time.monotonic()
    await person.click("Add integration")
    await person.see("Select brand")
    await person.page.get_by_role("textbox").last.fill("OctoEverywhere")
    await person.picture("search")
    await person.click_on(person.page.locator("ha-integration-list-item").filter(has_text="OctoEverywhere"))
    await person.see("Choose a way")
    await person.picture("way")
    await person.click_text("Over the home network")
    await person.see("Secret key")
    await person.picture("address-and-key")
    await person.click("Next")
    await person.see("Tell OctoEverywhere")
    await person.picture("copy")
    await octo.copy_from(person)
    await person.click("Next")
    print(f"Add integration to the wait for a proof: {person.clicks} clicks, {time.monotonic() - began:.1f} s")
    await person.see("Waiting for a notification")
    await person.picture("wait")
    await octo.post(secret_key="mistyped", expected=401)
    await person.see("The key is another one")
    await person.picture("wrong-key")
    await person.click_text("Show the address and key")
    await person.see("Tell OctoEverywhere")
    await octo.post()
    await person.click("Next")
    await person.see("It works.")
    await person.picture("success")
    await person.click("Close")


async def doubt(person: Browser, hass: Hass) -> None:
    """Enter what leads elsewhere, be offered Home Assistant's own address, and give up."""
    await person.open("/config/integrations/integration/octoeverywhere")
    await open_reconfiguration(person)
    await person.click_text("Use the home network")
    await person.fields.first.fill("http://192.168.1.10/lovelace")
    await person.click("Next")
    await person.see("most likely leads elsewhere")
    await person.picture("doubtful-address")
    if await person.fields.first.input_value() != hass.url:
        raise HassError("Home Assistant's own address is not offered")
    await person.click("Close")


async def open_reconfiguration(person: Browser) -> None:
    """Choose Reconfigure in the menu of the entry."""
    await person.see("OctoEverywhere")
    await person.click_on(person.page.locator("ha-config-entry-row ha-dropdown ha-icon-button").first)
    await person.click_text("Reconfigure")
    await person.see("What would you like to do?")


async def look_at_device(person: Browser, octo: Octo) -> None:
    """Find the printer on its page."""
    for _ in range(6):
        await octo.post()
    await person.open("/config/devices/dashboard")
    await person.see(PRINTER.name)
    await person.click_text(PRINTER.name)
    await person.see("Time remaining")
    await person.picture("device")


async def reconfigure(person: Browser, octo: Octo) -> None:
    """Read address and key again, and prove again that it works."""
    await person.open("/config/integrations/integration/octoeverywhere")
    await person.picture("integration")
    await open_reconfiguration(person)
    await person.picture("reconfigure")
    await person.click_text("Show the address and key")
    await person.see("Tell OctoEverywhere")
    before = octo.url, octo.secret_key
    await octo.copy_from(person)
    if (octo.url, octo.secret_key) != before:
        raise HassError("The address or the key is another one than before")
    await octo.post()
    await person.click("Next")
    await person.see("It works.")
    await person.click("Close")


async def repair(person: Browser, octo: Octo) -> None:
    """Change the key at OctoEverywhere, see the repair, and take the new key over."""
    await octo.post(secret_key="a new key", expected=401)
    await person.open("/config/repairs")
    await person.see("OctoEverywhere's notifications are refused")
    await person.picture("repairs")
    await person.click_text("OctoEverywhere's notifications are refused")
    await person.see("must be the same on both sides")
    await person.picture("repair")
    await person.click("Submit")
    await person.see("Tell OctoEverywhere")
    await person.fields.last.fill("a new key")
    await person.click("Next")
    await person.see("Waiting for a notification")
    octo.secret_key = "a new key"
    await octo.post()
    await person.see("It works.")
    await person.click("Close")
    await person.see("There are currently no repairs")
    await person.picture("no-repairs")


async def move(person: Browser, octo: Octo, hass: Hass) -> None:
    """Give Home Assistant another address, see the repair, and follow it into the set-up."""
    async with hass.websocket() as websocket:
        await websocket.call("config/core/update", internal_url=f"http://localhost:{hass.port}")
    await person.see("OctoEverywhere has an old address of Home Assistant")
    await person.click_text("OctoEverywhere has an old address of Home Assistant")
    await person.see("OctoEverywhere was given")
    await person.picture("old-address")
    await person.click("Submit")
    await person.click_text("Show the address and key")
    await person.see("Tell OctoEverywhere")
    await person.picture("new-address")
    await octo.copy_from(person)
    if "localhost" not in octo.url:
        raise HassError("This is still the old address")
    await close_and_come_back(person)
    await octo.post()
    await person.click("Next")
    await person.see("It works.")
    await person.click("Close")
    await person.see("There are currently no repairs")


async def close_and_come_back(person: Browser) -> None:
    """Close the set-up by mistake, and let the repair lead back to the same page."""
    await person.click("Close")
    await person.click_text("Nothing has arrived from OctoEverywhere yet")
    await person.see("test it")
    await person.picture("nothing-has-arrived")
    await person.click("Submit")
    await person.see("Tell OctoEverywhere")


async def automate(person: Browser, octo: Octo) -> None:
    """Make each job of the blueprints an automation by nothing but clicks, and see one at work."""
    for name in BLUEPRINTS:
        await person.open("/config/integrations/dashboard")
        await person.see("Add integration")
        person.clicks = 0
        await person.click_text("Settings")
        await person.click_text("Automations & scenes")
        await person.click_text("Blueprints")
        await person.click_text(name)
        await person.see("Choose none for all of them")
        await person.picture(f"blueprint-{name.lower().replace(' ', '-')}")
        await person.click("Save")
        await person.see("Traces")
        print(f"{name}: {person.clicks} clicks from the integrations page to a working automation")
    await octo.post()
    await person.click_text("Notifications")
    await person.see(f"Printing: {PRINTER.name}")
    await person.picture("notification")
    await person.open("/config/automation/dashboard")
    await person.picture("automations")
    await person.click_text(BLUEPRINTS[0])
    await person.click_text("Traces")
    await person.see("Step details")
    await person.picture("trace")


async def search(person: Browser) -> None:
    """Find a trigger and a condition by their names, and save them as they are: for every printer."""
    await person.open("/config/automation/edit/new")
    for button, name in (("Add trigger", "Print complete"), ("Add condition", "Printer is printing")):
        await person.click(button)
        await person.page.get_by_role("textbox").last.fill(name.lower())
        await person.click_text(name)
    await person.picture("found-by-name")
    await person.click("Save")
    await person.see("Add description")
    await person.click("Save")
    await person.see("Traces")
    await person.picture("for-every-printer")


def prepare(folder: Path, pictures: Path) -> None:
    """Begin with nothing but the blueprints, as if they were imported: that would need GitHub."""
    for old in (folder, pictures):
        shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(CACHE.parent / "blueprints", folder / "blueprints")
    (folder / "automations.yaml").write_text("[]")


async def e2e(pictures: Path) -> None:
    """Go through all of it."""
    folder = CACHE / "e2e-home"
    await asyncio.to_thread(prepare, folder, pictures)
    async with Hass(folder, configuration=CONFIGURATION) as hass, browser(hass, pictures) as person:
        octo = Octo(hass)
        try:
            await add(person, octo)
            await doubt(person, hass)
            await look_at_device(person, octo)
            await reconfigure(person, octo)
            await repair(person, octo)
            await move(person, octo, hass)
            await automate(person, octo)
            await search(person)
        except BaseException:
            await person.picture("where-it-ended")
            raise


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="scripts/e2e", description=__doc__)
    parser.add_argument("--pictures", type=Path, default=CACHE / "e2e-pictures", help="the folder for the pictures")
    arguments = parser.parse_args()
    asyncio.run(e2e(arguments.pictures))
    print(f"Everything went as it should. Pictures: {arguments.pictures}")


if __name__ == "__main__":
    main()
