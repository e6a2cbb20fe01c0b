"""The integration's main job on a real Home Assistant: two printers print, and this shows what Home Assistant makes of it."""

import argparse
import asyncio
from collections.abc import Sequence
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
from demo_view import View
from hass_process import WITH_FRONTEND, Hass, HassError, Webhook, WebSocket
from simulator import DEMO, PRINTS, Printer, Step, play, run
from webcam import Webcam

FOLDER: Final = Path(__file__).parent.parent / ".cache" / "demo-home"
TEMPLATE: Final = Path(__file__).parent / "demo_home"
ACTS: Final = (
    Act(
        printer=Printer(printer_id="demo-mk4", name="Prusa MK4"),
        print=PRINTS["smooth"],
        webcam=Webcam(FOLDER, "demo-mk4", "#f26b21"),
    ),
    Act(
        printer=Printer(printer_id="demo-x1", name="Bambu X1"),
        print=PRINTS["troubled"],
        webcam=Webcam(FOLDER, "demo-x1", "#3fa34d"),
    ),
)
SECONDS_ONCE: Final = 15
SECONDS: Final = 300


def prepare() -> str:
    """Lay out what Home Assistant starts with, as one has it that somebody lives in. Return its configuration."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    shutil.copytree(TEMPLATE, FOLDER)
    shutil.copytree(BLUEPRINTS, FOLDER / BLUEPRINTS.name)
    (FOLDER / "www").mkdir()
    configuration = f"{WITH_FRONTEND}webcam:\n"
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


async def print_all(webhook: Webhook, within: float) -> tuple[dict[Act, list[Step]], list[str]]:
    """Let every printer print; return what was posted, and what was refused."""
    refused = []

    def note(step: Step, status: int) -> None:
        if status != 200:
            refused.append(f"{step.body['PrinterName']}: EventType {step.body['EventType']} was answered {status}")

    played = {act: steps_of(act) for act in ACTS}
    longest = max(steps[-1].at for steps in played.values())
    await asyncio.gather(
        *(
            run(steps, webhook.url, secret=webhook.secret_key, within=within * steps[-1].at / longest, on_answer=note)
            for steps in played.values()
        )
    )
    return played, refused


async def report(
    hass: Hass, websocket: WebSocket, view: View, played: dict[Act, list[Step]], refused: Sequence[str]
) -> bool:
    """Say what was checked; return whether all of it is as it should be."""
    wrong = list(refused)
    view.say()
    async for finding in check(hass, websocket, view, played):
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


async def show(hass: Hass, websocket: WebSocket, view: View, *, once: bool) -> bool:
    """Print, and show what comes of it. Returns whether all is as it should be."""
    webhook = await hass.add_integration()
    introduce(view, hass, webhook)
    following = asyncio.create_task(view.follow(websocket))
    with view.printers():
        while True:
            played, refused = await print_all(webhook, SECONDS_ONCE if once else SECONDS)
            # Its answer comes after all events of what was posted.
            await view.learn(websocket)
            if once:
                break
            view.say("Both prints are over; the next ones begin. Ctrl-C ends the demo.")
    following.cancel()
    return await report(hass, websocket, view, played, refused)


async def demo(*, once: bool) -> bool:
    """Start Home Assistant and show it at work. Returns whether all is as it should be."""
    view = View()
    configuration = await asyncio.to_thread(prepare)
    drawing = asyncio.create_task(asyncio.to_thread(draw_pictures))
    view.say("Starting Home Assistant")
    try:
        async with (
            Hass(FOLDER, port=_default_port(), configuration=configuration) as hass,
            hass.websocket() as websocket,
        ):
            await drawing
            return await show(hass, websocket, view, once=once)
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
