"""Damaged files: Home Assistant starts whatever is in them, sets them aside, says so once, and goes on receiving.

The integration keeps each printer in a file of its own, so that one start tries many damaged files; a few stay whole, and their
printers must come back as they were.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
import hashlib
from itertools import batched, chain, dropwhile, islice, repeat
import json
from operator import itemgetter
from pathlib import Path
import random
import shutil
import tempfile
from typing import Any, Final

from hass_process import Hass, Webhook
from simulator import ERROR, PRINTS, PROGRESS, Printer, play, send

from custom_components.octoeverywhere.const import DOMAIN
from custom_components.octoeverywhere.payload import Notification

from .expected import Expected, states
from .outcome import Outcome

type _Held = dict[str, dict[str, Any]]
"""What Home Assistant shows of a printer: entity's key -> state."""

_WORKERS: Final = 2
_PRINTERS: Final = 64
_AT_ONCE: Final = 60
_BY_CHANCE: Final = 1200

# What a number, a text, a moment, a list or an object may be in a file that somebody else has written.
_WRONG_VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    -1,
    2.5,
    10**30,
    "",
    "much",
    "2026-03-14T09:26:53",
    [],
    [1],
    {},
    {"a": 1},
)


@dataclass(frozen=True, kw_only=True)
class _Damage:
    """A way to damage a file."""

    name: str
    apply: Callable[[bytes], bytes]
    is_fatal: bool | None
    """Whether nothing of the file can be believed; None: that depends, and either is well."""


_WHOLE: Final = _Damage(name="whole", apply=lambda whole: whole, is_fatal=False)


def _damages(whole: bytes, chance: random.Random) -> list[_Damage]:
    """Return all damages to files like this one, in random order."""
    damages = [*_cut_off(len(whole)), *_by_others(whole), *islice(_by_chance(chance), _BY_CHANCE)]
    chance.shuffle(damages)
    return damages


def _cut_off(longest: int) -> Iterator[_Damage]:
    """Yield every beginning of a file."""
    for length in range(longest):
        yield _Damage(name=f"first {length} bytes", apply=itemgetter(slice(length)), is_fatal=True)


def _by_chance(chance: random.Random) -> Iterator[_Damage]:
    """Yield what bad memory, a bad disk or a bad file system do."""

    def flip(whole: bytes) -> bytes:
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        return bytes(damaged)

    def overwrite(whole: bytes) -> bytes:
        begin, end = sorted(chance.choices(range(len(whole) + 1), k=2))
        return whole[:begin] + chance.choice((b"", bytes(end - begin), chance.randbytes(end - begin))) + whole[end:]

    def double(whole: bytes) -> bytes:
        begin, end = sorted(chance.choices(range(len(whole) + 1), k=2))
        return whole[:end] + whole[begin:]

    def make_up(whole: bytes) -> bytes:
        return chance.randbytes(chance.randrange(len(whole)))

    while True:
        yield _Damage(name="flipped bits", apply=flip, is_fatal=None)
        yield _Damage(name="a part overwritten or gone", apply=overwrite, is_fatal=None)
        yield _Damage(name="a part twice", apply=double, is_fatal=None)
        yield _Damage(name="random bytes", apply=make_up, is_fatal=None)


def _by_others(whole: bytes) -> Iterator[_Damage]:
    """Yield JSON that is not what was written: another version, and each value in turn of each wrong kind or gone."""
    yield _Damage(name="version 2", apply=_edit(lambda file: file | {"version": 2}), is_fatal=True)
    yield _Damage(
        name="version 2.99", apply=_edit(lambda file: file | {"version": 2, "minor_version": 99}), is_fatal=True
    )
    # By Home Assistant's rule an older version can read what differs in the minor version alone.
    yield _Damage(name="version 1.99", apply=_edit(lambda file: file | {"minor_version": 99}), is_fatal=False)
    for path in _places(json.loads(whole)):
        name = "/".join(path)
        yield _Damage(name=f"no {name}", apply=_edit(partial(_without, path=path)), is_fatal=None)
        for value in _WRONG_VALUES:
            yield _Damage(
                name=f"{name} is {json.dumps(value)}",
                apply=_edit(partial(_with, path=path, value=value)),
                is_fatal=None,
            )


def _edit(change: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    """Return what changes the JSON in a file."""
    return lambda whole: json.dumps(change(json.loads(whole))).encode()


def _places(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the way to every place in nested objects."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield (*path, key)
            yield from _places(value, (*path, key))


def _with(node: Any, path: tuple[str, ...], value: Any) -> Any:
    if not path:
        return value
    key, *rest = path
    return node | {key: _with(node.get(key), tuple(rest), value)}


def _without(node: Any, path: tuple[str, ...]) -> Any:
    key, *rest = path
    if not rest:
        return {other: value for other, value in node.items() if other != key}
    return node | {key: _without(node[key], tuple(rest))}


def _printers() -> dict[str, Printer]:
    """Return the printers by the names of their files."""
    printers = [Printer(printer_id=f"damage-{number}", name=f"Damage {number}") for number in range(_PRINTERS)]
    return {
        f"{DOMAIN}.printer.{hashlib.sha256(printer.printer_id.encode()).hexdigest()[:16]}": printer
        for printer in printers
    }


@dataclass(frozen=True, kw_only=True)
class _Case:
    """A file as Home Assistant finds it."""

    file: Path
    printer: Printer
    damage: str
    content: bytes
    is_fatal: bool | None

    @property
    def aside(self) -> list[Path]:
        """Return what was kept of it."""
        return list(self.file.parent.glob(f"{self.file.name}.corrupt*"))

    def wrong_on_disk(self, said: list[str]) -> Iterator[str]:
        """Tell what is wrong with what was kept, and with what Home Assistant said of it."""
        if self.is_fatal is not None and len(self.aside) != self.is_fatal:
            yield f"{len(self.aside)} files were set aside"
        if any(aside.read_bytes() != self.content for aside in self.aside):
            yield "something else was set aside"
        lines = [line for line in said if f"{self.file.name}.corrupt" in line]
        if len(lines) != len(self.aside):
            yield f"the log tells of it {len(lines)} times"

    def wrong_in_entities(self, held: _Held, before: _Held) -> Iterator[str]:
        """Tell what is wrong with the printer before it is heard of again."""
        now = {key: held.get(key, {"state": "missing"})["state"] for key in before}
        yield from (f"{key} is {state}" for key, state in now.items() if state in ("missing", "unavailable"))
        if self.is_fatal is False:
            yield from (f"{key} is {now[key]}" for key, state in before.items() if now[key] != state["state"])
        elif self.aside and now["status"] != "unknown":
            yield f"status is {now['status']}"


class _Patient:
    """A Home Assistant whose files are damaged, and before each time whole again."""

    def __init__(self, hass: Hass, webhook: Webhook, chance: random.Random) -> None:
        """Begin with a Home Assistant that runs and knows no printer."""
        self.failures: list[str] = []
        self.figures: Counter[str] = Counter()
        self.whole: dict[str, bytes] = {}
        """What is in each file."""
        self._hass = hass
        self._webhook = webhook
        self._chance = chance
        self._storage = hass.folder / ".storage"
        self._backup = hass.folder / "backup"
        self._printers = _printers()
        self._before: dict[str, _Held] = {}

    async def prepare(self) -> None:
        """Make the printers known, and keep what is on the disk then."""
        for printer in self._printers.values():
            await self._post(printer, "smooth", PROGRESS)
            await self._post(printer, "troubled", ERROR)
        self._before = await states(self._hass)
        await self._hass.stop()
        await asyncio.to_thread(shutil.copytree, self._storage, self._backup)
        self.whole = {file: (self._backup / file).read_bytes() for file in self._printers}

    async def start_with(self, damages: tuple[_Damage, ...]) -> None:
        """Damage as many files, start, look at each, and let each printer be heard of again."""
        cases = await asyncio.to_thread(self._damage, damages)
        said = await self._start()
        if await self._is_loaded():
            await self._look_at(cases, said)
            await self._hear_again(cases)
        else:
            names = ", ".join(damage.name for damage in damages)
            traceback = dropwhile(lambda line: "Error setting up entry" not in line, said)
            reason = next((line for line in traceback if "Error: " in line), "nobody knows why")
            self.failures.append(f"the integration did not load: {reason} (one of: {names})")
        await self._hass.kill()

    async def _look_at(self, cases: list[_Case], said: list[str]) -> None:
        """Look at what has become of each file and of the printer in it."""
        found, names = await states(self._hass), await self._names()
        for case in cases:
            self.figures["set aside" if case.aside else "read"] += case.damage != _WHOLE.name
            printer_id = case.printer.printer_id
            wrong = [*case.wrong_on_disk(said)]
            wrong += case.wrong_in_entities(found.get(printer_id, {}), self._before[printer_id])
            # What could be read may hold another name.
            if (case.aside or case.is_fatal is False) and names.get(printer_id) != case.printer.name:
                wrong.append(f"its name is {names.get(printer_id)}")
            self._note(case, wrong)

    def _damage(self, damages: tuple[_Damage, ...]) -> list[_Case]:
        """Make all files whole, then damage some."""
        shutil.rmtree(self._storage)
        shutil.copytree(self._backup, self._storage)
        # Whatever is in it: the devices tell which printers there are.
        index = self._storage / f"{DOMAIN}.printers"
        damage = self._chance.choice(_damages(index.read_bytes(), self._chance))
        index.write_bytes(damage.apply(index.read_bytes()))
        files = self._chance.sample(list(self._printers), k=len(self._printers))
        return [self._case(file, damage) for file, damage in zip(files, chain(damages, repeat(_WHOLE)), strict=False)]

    def _case(self, file: str, damage: _Damage) -> _Case:
        content = damage.apply(self.whole[file])
        (self._storage / file).write_bytes(content)
        return _Case(
            file=self._storage / file,
            printer=self._printers[file],
            damage=damage.name,
            content=content,
            is_fatal=False if content == self.whole[file] else damage.is_fatal,
        )

    async def _start(self) -> list[str]:
        """Start, and return the lines that Home Assistant said."""
        length = self._hass.log.stat().st_size
        await self._hass.start()
        return self._hass.log.read_bytes()[length:].decode().splitlines()

    async def _is_loaded(self) -> bool:
        """Tell whether the integration is at work."""
        (entry,) = await self._hass.get(f"/api/config/config_entries/entry?domain={DOMAIN}")
        return bool(entry["state"] == "loaded")

    async def _hear_again(self, cases: list[_Case]) -> None:
        """Post a notification of each printer and look at what comes of it."""
        expected = await asyncio.gather(*(self._post(case.printer, "smooth", PROGRESS) for case in cases))
        found, names = await states(self._hass), await self._names()
        for case, wanted in zip(cases, expected, strict=True):
            printer_id = case.printer.printer_id
            wrong = wanted.differences(found.get(printer_id, {}))
            if names.get(printer_id) != case.printer.name:
                wrong.append(f"its name is {names.get(printer_id)}")
            self._note(case, [f"heard of again: {problem}" for problem in wrong])

    async def _post(self, printer: Printer, print_: str, event_type: int) -> Expected:
        """Post a notification of a new print; return what Home Assistant must hold then."""
        steps = play(printer, PRINTS[print_], self._chance)
        body = next(dict(step.body) for step in steps if step.body["EventType"] == event_type)
        status = await send(self._hass.session, self._webhook.url, body, self._webhook.secret_key)
        if status != 200:
            self.failures.append(f"{printer.printer_id}: answered {status}")
        return Expected().after(Notification.from_payload(body), datetime.now(UTC))

    async def _names(self) -> dict[str, str]:
        """Return printer's id -> device's name."""
        async with self._hass.websocket() as websocket:
            devices = await websocket.call("config/device_registry/list")
        return {
            identifier: device["name"]
            for device in devices
            for domain, identifier in device["identifiers"]
            if domain == DOMAIN
        }

    def _note(self, case: _Case, wrong: list[str]) -> None:
        """Take note of what was wrong, in a line."""
        if wrong:
            self.failures.append(f"{case.file.name}, {case.damage}: {'; '.join(wrong[:3])}")


async def _damage(number: int, *, quick: bool, seed: int) -> _Patient:
    """Try one worker's share of the damages."""
    with tempfile.TemporaryDirectory() as folder:
        async with Hass(Path(folder)) as hass:
            patient = _Patient(hass, await hass.add_integration(), random.Random(seed + number))
            await patient.prepare()
            damages = _damages(max(patient.whole.values(), key=len), random.Random(seed))[number::_WORKERS]
            for batch in batched(damages[: _AT_ONCE if quick else None], _AT_ONCE, strict=False):
                await patient.start_with(batch)
                patient.figures["starts"] += 1
                patient.figures["damaged files"] += len(batch)
    return patient


async def run(*, quick: bool, seed: int) -> Outcome:
    """Share the damages between two Home Assistants."""
    shares = await asyncio.gather(*(_damage(number, quick=quick, seed=seed) for number in range(_WORKERS)))
    figures = sum((patient.figures for patient in shares), Counter[str]())
    return Outcome(
        rounds=f"{figures.pop('damaged files')} damaged files",
        failures=[failure for patient in shares for failure in patient.failures],
        figures={name: str(number) for name, number in figures.items()},
    )
