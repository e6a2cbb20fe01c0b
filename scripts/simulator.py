"""A simulated OctoEverywhere: whole prints, posted to a webhook as the printer's plugin would, only faster.

Run it through `scripts/simulate URL --secret KEY` to try automations without printing.
"""

import argparse
import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
import random
import string
import sys
from typing import Any, Final

from aiohttp import ClientError, ClientSession, ClientTimeout

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
        return f"https://octoeverywhere.com/view/{self.printer_id}"


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
        yield step(print_.fails_at, {"EventType": FAILED, "Progress": 0, "TimeRemainingSec": -1})
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
    steps: list[Step], url: str, *, secret: str, within: float, on_answer: Callable[[Step, int], None]
) -> None:
    """Post the steps, stretched over so many seconds; tell of each answer."""
    speed = (steps[-1].at - steps[0].at) / within
    clock = asyncio.get_running_loop().time
    began = clock()
    async with ClientSession(timeout=ClientTimeout(total=10)) as session:
        for step in steps:
            await asyncio.sleep(max(0.0, began + (step.at - steps[0].at) / speed - clock()))
            on_answer(step, await send(session, url, step.body, secret))


def main() -> int:
    """Read the command line, post one print, and say how each notification was answered."""
    parser = argparse.ArgumentParser(prog="scripts/simulate", description=__doc__)
    parser.add_argument("url", help="the address that Home Assistant shows for the webhook")
    parser.add_argument("--secret", default="", help="the secret key, where there is one")
    parser.add_argument("--print", choices=[*PRINTS, "test"], default="smooth", help="what to post (default: smooth)")
    parser.add_argument("--within", type=float, default=60, metavar="SECONDS", help="how long it takes (default: 60)")
    parser.add_argument("--printer", default="Simulated printer", metavar="NAME", help="the printer's name")
    arguments = parser.parse_args()
    printer = Printer(printer_id=f"simulated-{arguments.printer}", name=arguments.printer)
    if arguments.print == "test":
        steps = [Step(at=0, body={"PrinterId": printer.printer_id, "EventType": TEST, "PrinterName": printer.name})]
    else:
        steps = list(play(printer, PRINTS[arguments.print], random.Random()))
    refused = []

    def tell(step: Step, status: int) -> None:
        sys.stdout.write(f"EventType {step.body['EventType']:2}  {step.body.get('Progress', 0):3} %  -> {status}\n")
        sys.stdout.flush()
        if status != 200:
            refused.append(status)

    try:
        asyncio.run(
            run(steps, arguments.url, secret=arguments.secret, within=max(arguments.within, 0.001), on_answer=tell)
        )
    except (ClientError, TimeoutError) as err:
        sys.exit(f"Home Assistant cannot be reached at this address: {err}")
    except KeyboardInterrupt:
        return 130
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
