"""Pull the plug: whatever Home Assistant has answered 200 must be there when it comes back.

Each round posts notifications to a real Home Assistant, kills it the moment the last one is answered, starts it again and
compares what it holds with what the notifications mean, computed here.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
import random
import tempfile
from typing import Any, Final

from aiohttp import ClientSession
from hass_process import Hass, Webhook
from simulator import PRINTS, Printer, play, send

from custom_components.octoeverywhere.payload import Notification
from custom_components.octoeverywhere.state import reduce

from .expected import Expected, states
from .outcome import Outcome

_WORKERS: Final = 2


def _bodies(printer: Printer, chance: random.Random) -> Iterator[dict[str, Any]]:
    """Yield the bodies of one print after the other."""
    for print_ in cycle(PRINTS.values()):
        yield from (dict(step.body) for step in play(printer, print_, chance))


async def _post(webhook: Webhook, body: dict[str, Any], expected: dict[str, Expected]) -> None:
    """Post a notification, wait for the 200, and take note of what follows from it."""
    async with ClientSession() as session:
        status = await send(session, webhook.url, body, webhook.secret_key)
    assert status == 200, f"answered {status}"
    notification = Notification.from_payload(body)
    printer = expected.setdefault(notification.printer_id, Expected())
    printer.state = reduce(printer.state, notification, datetime.now(UTC))
    printer.newest = notification.type


async def crash(rounds: int, seed: int) -> list[str]:
    """Run the rounds; return what was lost or wrong."""
    chance = random.Random(seed)
    expected: dict[str, Expected] = {}
    failures: list[str] = []
    streams: list[Iterator[dict[str, Any]]] = []
    with tempfile.TemporaryDirectory() as folder:
        async with Hass(Path(folder)) as hass:
            webhook = await hass.add_integration()
            # Home Assistant itself writes the entry and the user a little later.
            await hass.stop()
            await hass.start()
            for number in range(rounds):
                if number % 4 == 0:  # a printer that Home Assistant has not heard of
                    printer = Printer(printer_id=f"crash-{number}", name=f"Crash {number}")
                    streams.append(_bodies(printer, chance))
                    chosen = streams[-1:]
                else:
                    chosen = chance.choices(streams, k=chance.randint(1, 4))
                for stream in chosen:
                    await _post(webhook, next(stream), expected)
                await hass.kill()
                killed_at = datetime.now(UTC)
                await hass.start()
                found = await states(hass)
                for printer_id, printer_expected in expected.items():
                    held = found.get(printer_id, {})
                    wrong = printer_expected.differences(held)
                    if not wrong and datetime.fromisoformat(held["notification"]["state"]) > killed_at:
                        wrong.append("its newest notification was announced again")
                    failures += [f"round {number}: {printer_id}: {problem}" for problem in wrong]
    return failures


async def run(*, quick: bool, seed: int) -> Outcome:
    """Share the rounds between two Home Assistants."""
    rounds = 20 if quick else 200
    shares = await asyncio.gather(*(crash(rounds // _WORKERS, seed + worker) for worker in range(_WORKERS)))
    return Outcome(rounds=f"{rounds} crashes", failures=[failure for failures in shares for failure in failures])
