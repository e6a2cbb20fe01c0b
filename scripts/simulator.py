"""A simulated OctoEverywhere: whole prints, posted to a webhook as the printer's plugin would, only faster.

Run it through `scripts/simulate URL --secret KEY` to try automations without printing.
"""

import argparse
import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
import json
from pathlib import Path
import random
import re
import string
import sys
from typing import Any, Final
from urllib.parse import quote

from aiohttp import ClientError, ClientSession, ClientTimeout, InvalidURL

STARTED: Final = 1
COMPLETE: Final = 2
FAILED: Final = 3
PAUSED: Final = 4
RESUMED: Final = 5
PROGRESS: Final = 6
GADGET_WARNING: Final = 7
GADGET_PAUSED: Final = 8
ERROR: Final = 9
FIRST_LAYER: Final = 10
FILAMENT_CHANGE: Final = 11
USER_INTERACTION: Final = 12
THIRD_LAYER: Final = 14
BED_COOLED: Final = 15
TEST: Final = 16
NAMES: Final = {
    STARTED: "print started",
    COMPLETE: "print complete",
    FAILED: "print failed",
    PAUSED: "print paused",
    RESUMED: "print resumed",
    PROGRESS: "progress",
    GADGET_WARNING: "Gadget sees a possible failure",
    GADGET_PAUSED: "Gadget has paused the print",
    ERROR: "error",
    FIRST_LAYER: "first layer complete",
    FILAMENT_CHANGE: "filament change required",
    USER_INTERACTION: "user interaction required",
    THIRD_LAYER: "third layer complete",
    BED_COOLED: "bed cooled down",
    TEST: "test notification",
}
ANSWERS: Final = {
    200: "accepted",
    400: "refused: Home Assistant does not understand it",
    401: "refused: the secret key is wrong or missing",
    403: "refused: Home Assistant takes it from the home network only",
    404: "refused: this is no address of a webhook",
    405: "refused: this is no address of a webhook",
    413: "refused: it is too long",
    503: "refused: Home Assistant is not ready",
}
"""What an answer means, by its status."""

DEMO: Final = Path(__file__).parent.parent / ".cache" / "demo-webhook.json"
"""Where a demo that is running says what its webhook is."""

NOBODY: Final = """\
Nothing was posted: the OctoEverywhere integration does not listen at this address.
Home Assistant says 200 to every address that looks like a webhook's, also to a mistyped one.
Please compare the address with the one that Home Assistant shows under
Settings > Devices & services > OctoEverywhere > Reconfigure.
To post to something else than this integration, add --to-anything."""

_HOUR: Final = 3600
# OctoEverywhere's plugin waits 20 seconds before it tries again; a simulation has less time.
_RETRIES: Final = 6
_RETRY_SECONDS: Final = 1


@dataclass(frozen=True, kw_only=True)
class Printer:
    """A printer of the account."""

    printer_id: str
    name: str

    @property
    def quick_view_url(self) -> str:
        """Return the page to watch the printer on."""
        return f"https://octoeverywhere.com/view/{quote(self.printer_id)}"


@dataclass(frozen=True, kw_only=True)
class Print:
    """What is printed, and what happens on the way."""

    file_name: str
    seconds: int
    layers: int
    incidents: Mapping[int, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    """Progress in percent -> what is posted there, one after the other, beside what every print posts."""
    fails_at: int | None = None
    """Percent."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """A notification, and when it is sent: in seconds of the print."""

    at: float
    body: Mapping[str, Any]


PRINTS: Final = {
    "smooth": Print(file_name="Benchy_0.2mm_PLA.gcode", seconds=2 * _HOUR + 740, layers=240),
    "troubled": Print(
        file_name="Dragon_two_colours_PETG.3mf",
        seconds=5 * _HOUR + 1260,
        layers=612,
        incidents={
            14: ({"EventType": PAUSED}, {"EventType": RESUMED}),
            33: ({"EventType": GADGET_WARNING}, {"EventType": GADGET_PAUSED}, {"EventType": RESUMED}),
            52: ({"EventType": FILAMENT_CHANGE}, {"EventType": PAUSED}, {"EventType": RESUMED}),
            76: (
                {
                    "EventType": ERROR,
                    "Error": "Nozzle temperature is below the target: check the heater",
                    "PlatformErrorCode": "0300_0A00",
                },
                {"EventType": PAUSED},
                {"EventType": RESUMED},
            ),
        },
    ),
    "cancelled": Print(file_name="Phone_stand_v3.gcode", seconds=_HOUR + 1980, layers=180, fails_at=37),
}


def play(printer: Printer, print_: Print, chance: random.Random) -> Iterator[Step]:
    """Yield what OctoEverywhere posts of a print, from its start until the bed has cooled down."""
    print_id = "".join(chance.choices(string.ascii_uppercase + string.digits, k=60))
    last = print_.fails_at or 100
    wait = print_.seconds / 100 / 4

    def step(percent: float, event: Mapping[str, Any], late: float = 0) -> Step:
        """Describe the print as it is then."""
        at = print_.seconds * percent / 100 + late
        is_known = percent > 0
        return Step(
            at=at,
            body={
                "PrinterId": printer.printer_id,
                "PrintId": print_id,
                "PrinterName": printer.name,
                "QuickViewUrl": printer.quick_view_url,
                "FileName": print_.file_name,
                "DurationSec": round(at),
                "Progress": int(percent),
                "TimeRemainingSec": round(print_.seconds * (100 - percent) / 100) if is_known else -1,
                "CurrentLayer": round(print_.layers * percent / 100) if is_known else 0,
                "TotalLayers": print_.layers if is_known else 0,
                **event,
            },
        )

    yield step(0, {"EventType": STARTED})
    steps = [
        step(100 / print_.layers, {"EventType": FIRST_LAYER, "ZOffsetMM": 0.2}),
        step(300 / print_.layers, {"EventType": THIRD_LAYER, "ZOffsetMM": 0.6}),
        *(step(percent, {"EventType": PROGRESS}) for percent in range(10, 100, 10)),
        *(
            step(100 * hour * _HOUR / print_.seconds, {"EventType": PROGRESS})
            for hour in range(1, print_.seconds // _HOUR + 1)
        ),
        *(
            step(percent, event, late=index * wait)
            for percent, events in print_.incidents.items()
            for index, event in enumerate(events)
        ),
    ]
    yield from sorted(
        (planned for planned in steps if planned.at < print_.seconds * last / 100), key=lambda planned: planned.at
    )
    if print_.fails_at is None:
        yield step(100, {"EventType": COMPLETE})
    else:
        # In OctoPrint's words, somebody has cancelled it.
        over = {"EventType": FAILED, "Error": "cancelled", "Progress": 0, "TimeRemainingSec": -1}
        yield step(print_.fails_at, over)
    yield step(last, {"EventType": BED_COOLED}, late=600)


async def send(session: ClientSession, url: str, body: Mapping[str, Any], secret: str) -> int:
    """Post a notification and return the status of the answer; what a 5xx answers is sent again, as the plugin does."""
    for attempt in range(_RETRIES):
        try:
            async with session.post(url, json={**body, "SecretKey": secret} if secret else body) as response:
                if response.status < 500 or attempt == _RETRIES - 1:
                    return response.status
        except ClientError, TimeoutError:
            if attempt == _RETRIES - 1:
                raise
        await asyncio.sleep(_RETRY_SECONDS)
    raise AssertionError


async def run(
    steps: list[Step],
    url: str,
    *,
    secret: str,
    within: float,
    on_answer: Callable[[Step, int], None],
    before: Callable[[Step], None] = lambda _: None,
) -> None:
    """Post the steps, stretched over so many seconds; tell of each before it is posted, and of its answer."""
    slowness = within / max(steps[-1].at - steps[0].at, 1)
    clock = asyncio.get_running_loop().time
    began = clock()
    async with ClientSession(timeout=ClientTimeout(total=10)) as session:
        for step in steps:
            await asyncio.sleep(max(0.0, began + (step.at - steps[0].at) * slowness - clock()))
            before(step)
            on_answer(step, await send(session, url, step.body, secret))


async def is_ours(url: str) -> bool:
    """Tell whether this integration listens there. Raises ClientError or TimeoutError.

    Home Assistant answers 200 where it knows no such webhook, so that nobody finds out which ones it has. This integration
    refuses what is no JSON.
    """
    async with (
        ClientSession(timeout=ClientTimeout(total=10)) as session,
        session.post(url, data=b"Who is there?") as response,
    ):
        return response.status != 200


def sentence(step: Step, status: int) -> str:
    """Return what was posted and how it was answered, in words."""
    progress = f"{step.body['Progress']:3} %  " if "Progress" in step.body else ""
    name = NAMES[step.body["EventType"]]
    return f"{progress}{name}: {ANSWERS.get(status, f'answered {status}, which this integration does not')}"


async def post_all(steps: list[Step], url: str, *, secret: str, within: float, to_anything: bool) -> int:
    """Post the steps, and say how each was answered. Return what the program ends with."""
    refused = []

    def tell(step: Step, status: int) -> None:
        print(sentence(step, status), flush=True)
        if status != 200:
            refused.append(status)

    if not to_anything and not await is_ours(url):
        print(NOBODY)
        return 1
    await run(steps, url, secret=secret, within=within, on_answer=tell)
    if refused:
        print(f"{len(refused)} of {len(steps)} were not accepted.")
    return 1 if refused else 0


def plan(name: str, printer_name: str) -> list[Step]:
    """Return what is posted of a print, or the test notification."""
    slug = re.sub(r"\W+", "-", printer_name).strip("-").lower()
    printer = Printer(printer_id=f"simulated-{slug}", name=printer_name)
    if name == "test":
        return [Step(at=0, body={"PrinterId": printer.printer_id, "EventType": TEST, "PrinterName": printer.name})]
    return list(play(printer, PRINTS[name], random.Random()))


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="scripts/simulate", description=__doc__)
    parser.add_argument(
        "url", nargs="?", help="the address that Home Assistant shows; without it: of the demo that is running"
    )
    parser.add_argument("--secret", default="", metavar="KEY", help="the secret key, where there is one")
    parser.add_argument("--print", choices=[*PRINTS, "test"], default="smooth", help="what to post (default: smooth)")
    parser.add_argument("--within", type=float, default=60, metavar="SECONDS", help="how long it takes (default: 60)")
    parser.add_argument("--printer", default="Simulated", metavar="NAME", help="the printer's name")
    parser.add_argument("--to-anything", action="store_true", help="post also to what is not this integration")
    arguments = parser.parse_args()
    if arguments.url is None:
        if not DEMO.exists():
            parser.error("no demo is running, so the address is needed")
        vars(arguments).update(json.loads(DEMO.read_text()))
    return arguments


def main() -> int:
    """Post one print, and say how each notification was answered."""
    given = read_arguments()
    steps = plan(given.print, given.printer)
    try:
        return asyncio.run(
            post_all(steps, given.url, secret=given.secret, within=given.within, to_anything=given.to_anything)
        )
    except InvalidURL:
        sys.exit(f"This is no address: {given.url}")
    except (ClientError, TimeoutError) as err:
        sys.exit(f"Nothing can be reached at this address: {err}")
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
