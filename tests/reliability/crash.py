"""Pull the plug: whatever Home Assistant has answered 200 must be there when it comes back, and is not announced again.

Each round lets printers post to a real Home Assistant, kills it at a random moment, starts it again and compares what it
holds with what the notifications mean, computed here. What was not answered may be there or not; it is posted again, as a
plugin does that has had no answer.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import cycle
import json
from pathlib import Path
import random
import tempfile
import time
from typing import Any, Final

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from hass_process import Hass, HassError, Webhook
from simulator import PRINTS, Printer, play

from custom_components.octoeverywhere.const import DOMAIN
from custom_components.octoeverywhere.payload import Notification

from .expected import Expected, states
from .outcome import Outcome

_WORKERS: Final = 2
# Then a fresh Home Assistant, before its access token expires.
_ROUNDS_OF_ONE: Final = 50
# OctoEverywhere itself waits no longer for the answer.
_ANSWER_SECONDS: Final = 10
_QUIET_SECONDS: Final = 1
# For what had been answered, but not read yet when the plug was pulled.
_READ_SECONDS: Final = 0.1


class _Plugin:
    """OctoEverywhere at one printer: posts one notification after the other, and again what was not answered."""

    def __init__(self, printer: Printer, chance: random.Random) -> None:
        """Have posted nothing."""
        self.printer_id = printer.printer_id
        self.expected = Expected()
        self.in_flight: dict[str, Any] | None = None
        """What was posted, but not answered 200."""
        self._chance = chance
        self._bodies = _bodies(printer, chance)

    async def work(self, webhook: Webhook, note: Callable[[int], None]) -> None:
        """Post over a connection of its own, now faster, now slower, until nobody is there any more."""
        pause = self._chance.choice((0, 0.005, 0.05))
        session = ClientSession(connector=TCPConnector(limit=1), timeout=ClientTimeout(total=_ANSWER_SECONDS))
        async with session:
            with suppress(ClientError):
                while True:
                    note(await self.post(session, webhook))
                    await asyncio.sleep(self._chance.uniform(0, 2 * pause))

    async def post(self, session: ClientSession, webhook: Webhook) -> int:
        """Post the next notification, or again the one that was not answered; return the status of the answer."""
        self.in_flight = self.in_flight or next(self._bodies)
        async with session.post(webhook.url, json=self.in_flight | {"SecretKey": webhook.secret_key}) as response:
            if response.status == 200:
                self.expected = self._expected_with(self.in_flight)
                self.in_flight = None
            return response.status

    def holds_in_flight(self, held: dict[str, dict[str, Any]]) -> bool:
        """Tell whether Home Assistant holds what it had not answered yet."""
        return self.in_flight is not None and not self._expected_with(self.in_flight).differences(held)

    def differences(self, held: dict[str, dict[str, Any]]) -> list[str]:
        """Compare with what Home Assistant holds; it need not know a printer to which it has answered nothing yet."""
        if self.holds_in_flight(held) or (not held and self.expected.newest is None):
            return []
        return self.expected.differences(held)

    def _expected_with(self, body: dict[str, Any]) -> Expected:
        return self.expected.after(Notification.from_payload(body), datetime.now(UTC))


def _bodies(printer: Printer, chance: random.Random) -> Iterator[dict[str, Any]]:
    """Yield the bodies of one print after the other."""
    for print_ in cycle(PRINTS.values()):
        yield from (dict(step.body) for step in play(printer, print_, chance))


class _Crashes:
    """A Home Assistant that is killed again and again, and the printers that post to it."""

    def __init__(self, hass: Hass, webhook: Webhook, seed: int) -> None:
        """Begin with a Home Assistant that runs and knows no printer."""
        self.failures: list[str] = []
        self.figures: Counter[str] = Counter()
        self._hass = hass
        self._webhook = webhook
        self._chance = random.Random(seed)
        self._plugins: list[_Plugin] = []
        self._answered = asyncio.Event()
        self._start_seconds = 0.0
        self._kinds: dict[str, Callable[[], Awaitable[None]]] = {
            "during a printer's first notification": self._kill_during_first,
            "right after an answer": self._kill_after_answer,
            "amid posts": self._kill_amid_posts,
            "while it starts": self._kill_while_it_starts,
            "while it starts, once the webhook is there": self._kill_once_the_webhook_is_there,
        }

    async def round(self, number: int) -> None:
        """Kill it, start it again, and look for what is lost, damaged or announced again."""
        kind, kill = list(self._kinds.items())[number % len(self._kinds)]
        await kill()
        self.figures[f"killed {kind}"] += 1
        wrong = [f"killed: {problem}" for problem in _damaged(self._hass.folder)]
        heard = await self.start()
        wrong += [f"announced again: {event}" for event in heard]
        wrong += [f"started: {problem}" for problem in _damaged(self._hass.folder)]
        wrong += await self._differences()
        wrong += await self._post_again()
        self.failures += [f"round {number}, killed {kind}: {problem}" for problem in wrong]

    async def start(self) -> list[str]:
        """Start, post nothing, and return what the integration announces."""
        heard: list[str] = []
        listener = asyncio.create_task(_listen(self._hass, heard))
        began = time.monotonic()
        await self._hass.start()
        self._start_seconds = time.monotonic() - began
        await asyncio.sleep(_QUIET_SECONDS)
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)
        return heard

    async def _kill_during_first(self) -> None:
        number = len(self._plugins)
        printer = Printer(printer_id=f"crash-{number}", name=f"Crash {number}")
        newcomer = _Plugin(printer, self._chance)
        posting = asyncio.create_task(self._post([newcomer, *self._some()]))
        self._plugins.append(newcomer)
        await asyncio.sleep(self._chance.uniform(0, 0.02))
        await self._kill(posting)

    async def _kill_after_answer(self) -> None:
        posting = asyncio.create_task(self._post(self._some()))
        for _ in range(self._chance.randint(1, 20)):
            self._answered.clear()
            await asyncio.wait_for(self._answered.wait(), _ANSWER_SECONDS)
        await self._kill(posting)

    async def _kill_amid_posts(self) -> None:
        posting = asyncio.create_task(self._post(self._some()))
        await asyncio.sleep(self._chance.uniform(0, 0.5))
        await self._kill(posting)

    async def _kill_while_it_starts(self) -> None:
        starting, posting = await self._restart()
        await asyncio.sleep(self._chance.uniform(0.1, 1.1) * self._start_seconds)
        await self._kill(posting, starting)

    async def _kill_once_the_webhook_is_there(self) -> None:
        starting, posting = await self._restart()
        await asyncio.wait_for(self._until_registered(), 10 * self._start_seconds)
        await asyncio.sleep(self._chance.uniform(0, 0.2 * self._start_seconds))
        await self._kill(posting, starting)

    async def _restart(self) -> tuple[asyncio.Task[None], asyncio.Task[None]]:
        """Stop properly and start again, with printers that post as soon as somebody takes it."""
        await self._hass.stop()
        return asyncio.create_task(self._hass.start()), asyncio.create_task(self._post_once_registered(self._some()))

    async def _kill(self, posting: asyncio.Task[None], starting: asyncio.Task[None] | None = None) -> None:
        """Pull the plug, and read what had been answered until then."""
        await self._hass.kill()
        if starting is not None:
            with suppress(HassError):
                await starting
        await asyncio.wait([posting], timeout=_READ_SECONDS)
        posting.cancel()
        with suppress(asyncio.CancelledError):
            await posting

    def _some(self) -> list[_Plugin]:
        return self._chance.sample(self._plugins, k=min(len(self._plugins), self._chance.randint(1, 6)))

    async def _post(self, plugins: list[_Plugin]) -> None:
        """Let several printers post at the same time."""
        await asyncio.gather(*(plugin.work(self._webhook, self._note) for plugin in plugins))

    async def _post_once_registered(self, plugins: list[_Plugin]) -> None:
        await self._until_registered()
        await self._post(plugins)

    async def _until_registered(self) -> None:
        """Wait until the webhook is the integration's, which takes nothing but a POST.

        Until then Home Assistant answers 200 to whatever comes and drops it.
        """
        while True:
            with suppress(ClientError):
                async with self._hass.session.get(self._webhook.url) as response:
                    if response.status == 405:
                        return
            await asyncio.sleep(0.01)

    def _note(self, status: int) -> None:
        """Take note of an answer."""
        if status == 200:
            self.figures["notifications answered"] += 1
            self._answered.set()
        elif status == 503:
            self.figures["notifications not taken"] += 1
        else:
            self.failures.append(f"a notification was answered {status}")

    async def _differences(self) -> list[str]:
        """Compare everything that Home Assistant holds."""
        found = await states(self._hass)
        for plugin in self._plugins:
            self.figures["in flight"] += plugin.in_flight is not None
            self.figures["in flight, and saved"] += plugin.holds_in_flight(found.get(plugin.printer_id, {}))
        return _differences(self._plugins, found)

    async def _post_again(self) -> list[str]:
        """Post again what was in flight, and compare what comes of it."""
        unanswered = [plugin for plugin in self._plugins if plugin.in_flight is not None]
        for plugin in unanswered:
            self._note(await plugin.post(self._hass.session, self._webhook))
        wrong = [f"{plugin.printer_id}: not taken the second time" for plugin in unanswered if plugin.in_flight]
        return wrong + _differences(unanswered, await states(self._hass))


def _differences(plugins: list[_Plugin], found: dict[str, dict[str, dict[str, Any]]]) -> list[str]:
    return [
        f"{plugin.printer_id}: {difference}"
        for plugin in plugins
        for difference in plugin.differences(found.get(plugin.printer_id, {}))
    ]


def _damaged(folder: Path) -> Iterator[str]:
    """Yield what a crash has damaged, of the integration's files and of Home Assistant's own."""
    for file in (folder / ".storage").iterdir():
        if ".corrupt" in file.name:
            yield f"{file.name} was set aside"
        elif not file.name.startswith("tmp"):  # the beginning of a file that was not to be
            try:
                json.loads(file.read_bytes())
            except ValueError as err:
                yield f"{file.name} cannot be read: {err}"


async def _listen(hass: Hass, heard: list[str]) -> None:
    """Collect what the integration fires, from the moment on in which Home Assistant lets us in while it starts."""
    while True:
        with suppress(ClientError, HassError):
            async with hass.websocket() as websocket:
                async for event in await websocket.subscribe("subscribe_events"):
                    if event["event_type"].startswith(f"{DOMAIN}_"):
                        heard.append(f"{event['event_type']} of {event['data']['printer_id']}")  # noqa: PERF401 - endless
        await asyncio.sleep(0.05)


async def crash(rounds: int, seed: int, free: asyncio.Semaphore) -> _Crashes:
    """Run the rounds on one Home Assistant."""
    with tempfile.TemporaryDirectory() as folder:
        async with free, Hass(Path(folder)) as hass:
            crashes = _Crashes(hass, await hass.add_integration(), seed)
            # Home Assistant itself writes the entry and the user a little later.
            await hass.stop()
            await crashes.start()
            for number in range(rounds):
                await crashes.round(number)
    return crashes


async def run(*, quick: bool, seed: int) -> Outcome:
    """Share the rounds between several Home Assistants, two at a time."""
    rounds = 20 if quick else 200
    share = min(rounds // _WORKERS, _ROUNDS_OF_ONE)
    free = asyncio.Semaphore(_WORKERS)
    shares = await asyncio.gather(*(crash(share, seed + number, free) for number in range(rounds // share)))
    figures = sum((crashes.figures for crashes in shares), Counter[str]())
    return Outcome(
        rounds=f"{rounds} crashes",
        failures=[failure for crashes in shares for failure in crashes.failures],
        figures={name: str(number) for name, number in figures.items()},
    )
