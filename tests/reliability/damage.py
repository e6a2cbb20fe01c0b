"""Damaged files: Home Assistant starts whatever is in them, sets them aside, says so once, and goes on receiving.

The integration keeps what it knows of the printers in one file, and the prints of each in a file of its own. One start tries many
damaged prints, and either damage in the records of many printers or a damaged file of records. A few printers stay whole, and must
come back as they were.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
import hashlib
from itertools import batched, chain, dropwhile, islice, repeat, zip_longest
import json
from operator import itemgetter
from pathlib import Path
import random
import shutil
import tempfile
from typing import Any, Final

from hass_process import Hass, Webhook
from simulator import COMPLETE, ERROR, PRINTS, PROGRESS, Printer, play, send

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
_RECORDS: Final = f"{DOMAIN}.printers"

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


def _damages_of_record(record: Any, chance: random.Random) -> list[_Damage]:
    """Return all damages to what is known of one printer that leave the file around it whole, in random order."""
    damages = [*_by_others(json.dumps(record).encode())]
    damages += [
        _Damage(name=f"a record that is {json.dumps(value)}", apply=_become(value), is_fatal=True)
        for value in _WRONG_VALUES
        if not isinstance(value, dict)
    ]
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
    """Yield JSON that is not what was written: by another version, and each value in turn of each wrong kind or gone."""
    for key, value in {"version": 2, "tomorrow": {"deep": [1]}}.items():
        added = partial(_with, path=(key,), value=value)
        yield _Damage(name=f"{key} of a newer version", apply=_edit(added), is_fatal=False)
    for path in _places(json.loads(whole)):
        name = "/".join(map(str, path))
        yield _Damage(name=f"no {name}", apply=_edit(partial(_without, path=path)), is_fatal=None)
        for value in _WRONG_VALUES:
            yield _Damage(
                name=f"{name} is {json.dumps(value)}",
                apply=_edit(partial(_with, path=path, value=value)),
                is_fatal=None,
            )


def _become(value: Any) -> Callable[[bytes], bytes]:
    """Return what leaves nothing of the JSON in a file but this."""
    return _edit(lambda _: value)


def _edit(change: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    """Return what changes the JSON in a file."""
    return lambda whole: json.dumps(change(json.loads(whole))).encode()


def _places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every place in nested objects and lists."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield (*path, key)
        yield from _places(value, (*path, key))


def _with(node: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return nested objects and lists with another value in one place."""
    if not path:
        return value
    changed = copy(node)
    changed[path[0]] = _with(node[path[0]] if len(path) > 1 else None, path[1:], value)
    return changed


def _without(node: Any, path: tuple[Any, ...]) -> Any:
    """Return nested objects and lists without one place."""
    changed = copy(node)
    if len(path) > 1:
        changed[path[0]] = _without(node[path[0]], path[1:])
    else:
        del changed[path[0]]
    return changed


def _file_of(printer: Printer) -> str:
    """Return the name of the file with a printer's prints."""
    return f"{DOMAIN}.prints.{hashlib.sha256(printer.printer_id.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, kw_only=True)
class _Case:
    """A printer as Home Assistant finds it on the disk."""

    printer: Printer
    record: _Damage
    prints: _Damage

    @property
    def name(self) -> str:
        """What was done to it."""
        return f"{self.printer.name} (record: {self.record.name}; prints: {self.prints.name})"


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What Home Assistant shows after a start."""

    entities: dict[str, _Held]
    names: dict[str, str]
    prints: dict[str, dict[str, str]]
    """Printer's id -> print's id -> how it ended."""


class _Patient:
    """A Home Assistant whose files are damaged, and before each time whole again."""

    def __init__(self, hass: Hass, webhook: Webhook, chance: random.Random) -> None:
        """Begin with a Home Assistant that runs and knows no printer."""
        self.failures: list[str] = []
        self.figures: Counter[str] = Counter()
        self._hass = hass
        self._webhook = webhook
        self._chance = chance
        self._storage = hass.folder / ".storage"
        self._backup = hass.folder / "backup"
        numbers = range(_PRINTERS)
        self._printers = [Printer(printer_id=f"damage-{number}", name=f"Damage {number}") for number in numbers]
        self._before = _Found(entities={}, names={}, prints={})

    async def prepare(self) -> tuple[bytes, bytes, Any]:
        """Make the printers known; return a file of prints, the file of records, and one of these."""
        for printer in self._printers:
            for print_, event_type in (("smooth", COMPLETE), ("smooth", COMPLETE), ("troubled", ERROR)):
                await self._post(printer, print_, event_type)
        self._before = await self._find()
        await self._hass.stop()
        await asyncio.to_thread(shutil.copytree, self._storage, self._backup)
        records = (self._backup / _RECORDS).read_bytes()
        (record, *_) = json.loads(records)["printers"].values()
        return (self._backup / _file_of(self._printers[0])).read_bytes(), records, record

    async def start_with(self, prints: tuple[_Damage, ...], records: tuple[_Damage, ...], file: _Damage) -> None:
        """Damage as many files of prints and records, and the file of records; start, look, and let each be heard of again."""
        cases, damaged = await asyncio.to_thread(self._damage, prints, records, file)
        said = await self._start()
        if await self._is_loaded():
            found = await self._find()
            self._look_at_disk(damaged, said)
            for case in cases:
                self._note(case.name, [*self._wrong(case, found, file)])
            await self._hear_again(cases)
        else:
            traceback = dropwhile(lambda line: "Error setting up entry" not in line, said)
            reason = next((line for line in traceback if "Error: " in line), "nobody knows why")
            names = ", ".join(damage.name for damage in (*records, file))
            self.failures.append(f"the integration did not load: {reason} (one of: {names})")
        await self._hass.kill()

    def _damage(
        self, prints: tuple[_Damage, ...], records: tuple[_Damage, ...], file: _Damage
    ) -> tuple[list[_Case], dict[str, bytes]]:
        """Make all files whole, then damage some; return what was done, and what is in the files now."""
        shutil.rmtree(self._storage)
        shutil.copytree(self._backup, self._storage)
        known = json.loads((self._storage / _RECORDS).read_bytes())
        printers = self._chance.sample(self._printers, k=len(self._printers))
        cases = [
            _Case(printer=printer, record=record, prints=print_)
            for printer, record, print_ in zip(
                printers, chain(records, repeat(_WHOLE)), chain(prints, repeat(_WHOLE)), strict=False
            )
        ]
        damaged = {}
        for case in cases:
            record = json.dumps(known["printers"][case.printer.printer_id]).encode()
            known["printers"][case.printer.printer_id] = json.loads(case.record.apply(record))
            path = self._storage / _file_of(case.printer)
            damaged[path.name] = case.prints.apply(path.read_bytes())
        whole = json.dumps(known).encode() if records else (self._storage / _RECORDS).read_bytes()
        damaged[_RECORDS] = file.apply(whole)
        for name, content in damaged.items():
            (self._storage / name).write_bytes(content)
        return cases, damaged

    def _look_at_disk(self, damaged: dict[str, bytes], said: list[str]) -> None:
        """Look whether what was set aside is what was there, and said once."""
        for name, content in damaged.items():
            aside = list(self._storage.glob(f"{name}.corrupt*"))
            self.figures["set aside"] += bool(aside)
            lines = [line for line in said if f"{name} is damaged" in line]
            if len(lines) != len(aside) or any(path.read_bytes() != content for path in aside):
                self.failures.append(f"{name}: {len(aside)} set aside, said {len(lines)} times")

    def _wrong(self, case: _Case, found: _Found, file: _Damage) -> Iterator[str]:
        """Yield what is wrong with a printer before it is heard of again."""
        printer_id = case.printer.printer_id
        before, held = self._before.entities[printer_id], found.entities.get(printer_id, {})
        now = {key: held.get(key, {"state": "missing"})["state"] for key in before}
        yield from (f"{key} is {state}" for key, state in now.items() if state in ("missing", "unavailable"))
        if file.is_fatal or (file is _WHOLE and case.record.is_fatal):
            if now["status"] != "unknown":
                yield f"status is {now['status']}"
        elif file is _WHOLE and case.record.is_fatal is False:
            # The event entity has shown a moment that is not kept.
            yield from (
                f"{key} is {now[key]}"
                for key, state in before.items()
                if now[key] != state["state"] and key != "notification"
            )
            if case.prints.is_fatal is not None:
                kept = {} if case.prints.is_fatal else self._before.prints[printer_id]
                filed = {id_: how for id_, how in found.prints.get(printer_id, {}).items() if how == "complete"}
                if filed != {id_: how for id_, how in kept.items() if how == "complete"}:
                    yield f"it has {len(filed)} filed prints"
            if found.names.get(printer_id) != case.printer.name:
                yield f"its name is {found.names.get(printer_id)}"

    async def _start(self) -> list[str]:
        """Start, read all prints, and return the lines that Home Assistant said."""
        length = self._hass.log.stat().st_size
        await self._hass.start()
        if await self._is_loaded():
            await self._find()
        return self._hass.log.read_bytes()[length:].decode().splitlines()

    async def _is_loaded(self) -> bool:
        """Return True if the integration is at work."""
        (entry,) = await self._hass.get(f"/api/config/config_entries/entry?domain={DOMAIN}")
        return bool(entry["state"] == "loaded")

    async def _hear_again(self, cases: list[_Case]) -> None:
        """Post a notification of each printer and look at what comes of it."""
        expected = await asyncio.gather(*(self._post(case.printer, "smooth", PROGRESS) for case in cases))
        found = await self._find()
        for case, wanted in zip(cases, expected, strict=True):
            printer_id = case.printer.printer_id
            wrong = wanted.differences(found.entities.get(printer_id, {}), are_totals_known=False)
            if found.names.get(printer_id) != case.printer.name:
                wrong.append(f"its name is {found.names.get(printer_id)}")
            self._note(case.name, [f"heard of again: {problem}" for problem in wrong])

    async def _post(self, printer: Printer, print_: str, event_type: int) -> Expected:
        """Post a notification of a new print; return what Home Assistant must hold then."""
        steps = play(printer, PRINTS[print_], self._chance)
        body = next(dict(step.body) for step in steps if step.body["EventType"] == event_type)
        status = await send(self._hass.session, self._webhook.url, body, self._webhook.secret_key)
        if status != 200:
            self.failures.append(f"{printer.printer_id}: answered {status}")
        return Expected().after(Notification.from_payload(body), datetime.now(UTC))

    async def _find(self) -> _Found:
        """Return what Home Assistant shows."""
        async with self._hass.websocket() as websocket:
            devices = await websocket.call("config/device_registry/list")
            answer = await websocket.call(
                "call_service",
                domain=DOMAIN,
                service="get_prints",
                service_data={"limit": 500},
                return_response=True,
            )
        ids = {device["id"]: dict(device["identifiers"])[DOMAIN] for device in devices if _is_ours(device)}
        prints: dict[str, dict[str, str]] = {}
        for print_ in answer["response"]["prints"]:
            prints.setdefault(ids[print_["device_id"]], {})[print_["print_id"]] = print_["outcome"]
        names = {ids[device["id"]]: device["name"] for device in devices if device["id"] in ids}
        return _Found(entities=await states(self._hass), names=names, prints=prints)

    def _note(self, name: str, wrong: list[str]) -> None:
        """Take note of what was wrong, in a line."""
        if wrong:
            self.failures.append(f"{name}: {'; '.join(wrong[:3])}")


def _is_ours(device: dict[str, Any]) -> bool:
    return DOMAIN in dict(device["identifiers"])


async def _try_share(number: int, *, quick: bool, seed: int) -> _Patient:
    """Try one worker's share of the damages."""
    with tempfile.TemporaryDirectory() as folder:
        async with Hass(Path(folder)) as hass:
            patient = _Patient(hass, await hass.add_integration(), random.Random(seed + number))
            whole, file, record = await patient.prepare()
            chance = random.Random(seed)
            prints = _damages(whole, chance)[number::_WORKERS]
            records = _damages_of_record(record, chance)[number::_WORKERS]
            files = iter(_damages(file, chance)[number::_WORKERS])
            batches = zip_longest(batched(prints, _AT_ONCE, strict=False), batched(records, _AT_ONCE, strict=False))
            for some, others in islice(batches, 1 if quick else None):
                await patient.start_with(some or (), others or (), _WHOLE)
                await patient.start_with((), (), next(files))
                patient.figures["starts"] += 2
                patient.figures["damaged files"] += len(some or ()) + bool(others) + 1
                patient.figures["damaged records"] += len(others or ())
    return patient


async def run(*, quick: bool, seed: int) -> Outcome:
    """Share the damages between two Home Assistants."""
    shares = await asyncio.gather(*(_try_share(number, quick=quick, seed=seed) for number in range(_WORKERS)))
    figures = sum((patient.figures for patient in shares), Counter[str]())
    return Outcome(
        rounds=f"{figures.pop('damaged files')} damaged files",
        failures=[failure for patient in shares for failure in patient.failures],
        figures={name: str(number) for name, number in figures.items()},
    )
