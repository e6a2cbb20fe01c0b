"""The integration's main job on a real Home Assistant: two printers print, and this shows what Home Assistant makes of it.

One of them has a live connection: its temperatures are shown, and no notification tells its end.
"""

import argparse
import asyncio
from contextlib import suppress
from dataclasses import replace
import json
from pathlib import Path
import random
import shutil
import signal
import socket
import sys
from typing import Final

from demo_checks import BLUEPRINTS, Act, check
from demo_live import LivePrinter, told
from demo_view import View
from hass_process import WITH_FRONTEND, Hass, HassError, Webhook, WebSocket
from simulator import DEMO, PRINTS, Printer, Step, play, run
from webcam import Webcam

from tests.fake_plugin_api import FakePluginApi

FOLDER: Final = Path(__file__).parent.parent / ".cache" / "demo-home"
TEMPLATE: Final = Path(__file__).parent / "demo_home"
ACTS: Final = (
    Act(
        printer=Printer(printer_id="demo-mk4", name="Prusa MK4"),
        print=replace(PRINTS["smooth"], seconds=5 * 3600 + 1260),
        webcam=Webcam(FOLDER, "demo-mk4", "#f26b21"),
    ),
    Act(
        printer=Printer(printer_id="demo-x1", name="Bambu X1"),
        # The shorter one, so that polling has the time to find out how it ended.
        print=replace(PRINTS["troubled"], seconds=2 * 3600 + 2700),
        webcam=Webcam(FOLDER, "demo-x1", "#3fa34d"),
        make="bambu",
    ),
)
SECONDS_ONCE: Final = 15
SECONDS: Final = 300
# So many times as often as in life a printer is looked at that prints in seconds what takes hours in life.
FASTER_ONCE: Final = 40
FASTER: Final = 4
# So long it takes at most, from the end of what is posted, until polling has told what no notification told.
SECONDS_UNTOLD: Final = 30


def prepare(relay: FakePluginApi, faster: float) -> str:
    """Lay out what Home Assistant starts with, as one has it that somebody lives in. Return its configuration."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    shutil.copytree(TEMPLATE, FOLDER)
    shutil.copytree(BLUEPRINTS, FOLDER / BLUEPRINTS.name)
    (FOLDER / "www").mkdir()
    configuration = f"{WITH_FRONTEND}webcam:\nrelay:\n  port: {relay.port}\n  faster: {faster}\n"
    for name in ("automation", "scene", "script"):
        configuration = configuration.replace(f"{name}:\n", f"{name}: !include {name}s.yaml\n")
    return configuration


def draw_pictures() -> None:
    """Draw what the webcams will see."""
    for act in ACTS:
        act.webcam.draw()


def steps_of(act: Act) -> list[Step]:
    """Return what OctoEverywhere posts, with pictures."""
    return [
        replace(step, body={**step.body, "SnapshotUrl": act.webcam.link(step.body["Progress"])})
        for step in play(act.printer, act.print, random.Random())
    ]


class Stage:
    """Where every printer prints."""

    def __init__(self, hass: Hass, webhook: Webhook, relay: FakePluginApi, within: float) -> None:
        """Let all prints last so many seconds."""
        self._hass = hass
        self._webhook = webhook
        self._within = within
        self.relay = relay
        """Where the printers are asked."""
        self.live: dict[Act, LivePrinter] = {}
        """The printers that can be asked."""
        self.posted: dict[Act, list[Step]] = {}
        """What was posted of the newest print of each."""
        self.refused: list[str] = []

    async def print_all(self) -> None:
        """Let every printer print."""
        played = {act: steps_of(act) for act in ACTS}
        self.posted = {act: told(steps) if act.make else steps for act, steps in played.items()}
        pace = self._within / max(steps[-1].at for steps in played.values())
        for act, steps in self.posted.items():
            await self._begin(act, steps[:1], pace)
        await asyncio.gather(*(self._post(act, steps[1:], pace) for act, steps in self.posted.items()))

    async def _begin(self, act: Act, steps: list[Step], pace: float) -> None:
        """Let a printer begin, which makes it known so that it can be connected."""
        if act.make and act not in self.live:
            self.live[act] = live = LivePrinter(self.relay.add(act.make), act.print, 1 / pace)
            await self._post(act, steps, pace)
            await self._hass.add_live_connection(act.printer.printer_id, live.printer.url)
        else:
            await self._post(act, steps, pace)

    async def _post(self, act: Act, steps: list[Step], pace: float) -> None:
        """Post a part of a print."""
        live = self.live.get(act)
        await run(
            steps,
            self._webhook.url,
            secret=self._webhook.secret_key,
            within=pace * (steps[-1].at - steps[0].at),
            before=live.do if live is not None else lambda _: None,
            on_answer=self._note,
        )

    def _note(self, step: Step, status: int) -> None:
        if status != 200:
            kind, name = step.body["EventType"], step.body["PrinterName"]
            self.refused.append(f"{name}: EventType {kind} was answered {status}")


async def report(hass: Hass, websocket: WebSocket, view: View, stage: Stage) -> bool:
    """Say what was checked; return whether all of it is as it should be."""
    wrong = [*stage.refused, *stage.relay.violations]
    view.say()
    async for finding in check(hass, websocket, view, stage.posted, stage.live):
        view.say(f"{'WRONG' if finding.wrong else 'ok':6}{finding.what}")
        wrong += finding.wrong
    for line in wrong:
        view.say(f"  {line}")
    view.say("Something is wrong, see above." if wrong else "Everything is as the prints should have left it.")
    return not wrong


def introduce(view: View, hass: Hass, webhook: Webhook) -> None:
    """Say how to look at it, and leave a note for scripts/simulate."""
    DEMO.write_text(json.dumps({"url": webhook.url, "secret": webhook.secret_key}))
    view.say(f"Home Assistant: {hass.url}")
    view.say(f"Name:           {hass.user}\nPassword:       {hass.password}")
    view.say("To print more:  scripts/simulate --print cancelled\n")


async def show(hass: Hass, websocket: WebSocket, view: View, relay: FakePluginApi, *, once: bool) -> bool:
    """Print, and show what comes of it. Returns whether all is as it should be."""
    webhook = await hass.add_integration()
    introduce(view, hass, webhook)
    stage = Stage(hass, webhook, relay, SECONDS_ONCE if once else SECONDS)
    following = asyncio.create_task(view.follow(websocket))
    with view.printers():
        while True:
            await stage.print_all()
            with suppress(TimeoutError):
                await asyncio.wait_for(view.see_live(act.printer.name for act in stage.live), SECONDS_UNTOLD)
            # Its answer comes after all events of what was posted.
            await view.learn(websocket)
            if once:
                break
            view.say("Both prints are over; the next ones begin. Ctrl-C ends the demo.")
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    return await report(hass, websocket, view, stage)


async def demo(*, once: bool) -> bool:
    """Start Home Assistant and show it at work. Returns whether all is as it should be."""
    view = View()
    try:
        async with FakePluginApi() as relay:
            faster = FASTER_ONCE if once else FASTER
            relay.pace = relay.pace and relay.pace / faster
            configuration = await asyncio.to_thread(prepare, relay, faster)
            drawing = asyncio.create_task(asyncio.to_thread(draw_pictures))
            view.say("Starting Home Assistant")
            async with (
                Hass(FOLDER, port=_default_port(), configuration=configuration, environment=relay.environment) as hass,
                hass.websocket() as websocket,
            ):
                await drawing
                return await show(hass, websocket, view, relay, once=once)
    finally:
        DEMO.unlink(missing_ok=True)


def _default_port() -> int | None:
    """Return Home Assistant's own port where it is free, for an address that people know."""
    port = 8123
    with socket.socket() as probe, suppress(OSError):
        # As Home Assistant does: right after another demo the port is free as well.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        return port
    return None


async def _until_ended(*, once: bool) -> bool:
    """Run the demo; a termination ends it as Ctrl-C does, and with it what it started."""
    task = asyncio.ensure_future(demo(once=once))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument(
        "--once", action="store_true", help="end when both prints are over; 0 if all is as it should be"
    )
    arguments = parser.parse_args()
    try:
        return 0 if asyncio.run(_until_ended(once=arguments.once)) else 1
    except HassError as err:
        sys.exit(str(err))
    except KeyboardInterrupt, asyncio.CancelledError:
        return 130


if __name__ == "__main__":
    sys.exit(main())
