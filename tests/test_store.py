"""Tests of what is on the disk: files of other versions, damage, and disks that neither take nor give anything."""

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import MISSING, asdict, fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from errno import EACCES, EIO, EMFILE, EROFS
import json
import logging
from pathlib import Path
import random
from types import NoneType
from typing import Any, Final, get_args, get_origin
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Event, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from hypothesis import HealthCheck, given, settings, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from syrupy.assertion import SnapshotAssertion

from custom_components.octoeverywhere.history import Print
from custom_components.octoeverywhere.job import Announcement, Printer
from custom_components.octoeverywhere.store import Store

from .conftest import (
    FULL,
    FULL_DISK,
    Disk,
    Post,
    device_of,
    files,
    get_prints,
    issues,
    lasting,
    load,
    logged,
    pass_time,
    records,
    reload,
    slugs,
    the_entry,
    unload,
    value,
)

PRINTS: Final = "prints.06787fc58aa44e83"
"""Where the prints of printer-1 lie."""
MOMENT: Final = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)


def path_of(hass: HomeAssistant, name: str) -> Path:
    """Return where a file is."""
    return Path(hass.config.path(".storage")) / f"octoeverywhere.{name}"


def aside(hass: HomeAssistant) -> list[bytes]:
    """Return what was set aside."""
    return [content for name, content in files(hass).items() if ".corrupt." in name]


async def prints(hass: HomeAssistant) -> list[str]:
    """Return how the prints of all printers ended, the newest first."""
    return [print_["outcome"] for print_ in await get_prints(hass, limit=500)]


async def leave(hass: HomeAssistant, name: str, content: bytes | None) -> None:
    """Put this content into a file while the entry is not loaded; None: delete it."""
    await unload(hass)
    if content is None:
        path_of(hass, name).unlink()
    else:
        path_of(hass, name).write_bytes(content)
    await load(hass)


async def test_files(
    hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory, snapshot: SnapshotAssertion
) -> None:
    """What is released once has written files like these, for their owner's eyes only."""
    freezer.move_to(MOMENT)
    await post(FULL, EventType=2)
    await post(FULL, PrintId="print-2", DurationSec=0, New={"of": "tomorrow"})
    assert {name: json.loads(content) for name, content in files(hass).items()} == snapshot
    assert {path_of(hass, name).stat().st_mode & 0o777 for name in files(hass)} == {0o600}


# Other versions

PLAIN: Final[dict[Any, st.SearchStrategy[Any]]] = {
    bool: st.booleans(),
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: st.text(st.characters(codec="utf-8"), max_size=5),
    datetime: st.datetimes(datetime(1970, 1, 2), datetime(8999, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis wants it so
}


def any_of(kind: Any) -> st.SearchStrategy[Any]:
    """Return everything that a type can hold, as far as it is written."""
    if NoneType in get_args(kind):
        return st.none() | any_of(get_args(kind)[0])
    if get_origin(kind) is tuple:
        return st.lists(any_of(get_args(kind)[0]), max_size=2).map(tuple)
    if kind is Announcement:
        return st.builds(
            kind, at=PLAIN[datetime], data=st.fixed_dictionaries({"type": PLAIN[str], "progress": PLAIN[int]})
        )
    if is_dataclass(kind) and isinstance(kind, type):
        return st.builds(kind, **{entry.name: any_of(entry.type) for entry in fields(kind)})
    return st.sampled_from(kind) if issubclass(kind, StrEnum) else PLAIN[kind]


def of_another_version(known: Any, written: Any, chance: random.Random) -> Any:
    """Add fields to what is written, and leave some out; return what can still be known of it."""
    if isinstance(known, tuple):
        return tuple(of_another_version(*both, chance) for both in zip(known, written, strict=True))
    if not is_dataclass(known):
        return known
    changes = {}
    for entry in fields(known):
        factory = entry.default_factory
        default = entry.default if factory is MISSING else factory()
        if default is not MISSING and chance.random() < 0.2:
            del written[entry.name]
            changes[entry.name] = default
        else:
            changes[entry.name] = of_another_version(getattr(known, entry.name), written[entry.name], chance)
    written["tomorrow"] = chance.choice((None, 5, "much", [1], {"deep": {"deeper": []}}))
    return replace(known, **changes)  # type: ignore[type-var]


@given(printer=any_of(Printer), chance=st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_back_and_forth(hass: HomeAssistant, printer: Printer, chance: random.Random) -> None:
    """What both versions know comes back as it was, at every depth, and nothing else is made of it."""
    store = Store(hass)
    store.write({"printer-1": printer, "drucker-ü/../": printer})
    assert store.read() == {"printer-1": printer, "drucker-ü/../": printer}
    file = json.loads(path_of(hass, "printers").read_bytes())
    known = of_another_version(printer, file["printers"]["printer-1"], chance)
    path_of(hass, "printers").write_text(json.dumps(file | {"version": 2, "tomorrow": {}}))
    assert store.read() == {"printer-1": known, "drucker-ü/../": printer}
    assert aside(hass) == []


@pytest.mark.usefixtures("freezer")
async def test_newer_version(hass: HomeAssistant, post: Post, caplog: pytest.LogCaptureFixture) -> None:
    """Of a newer version's files everything is shown that this one knows, without a word."""
    await post(FULL, EventType=2)
    await post(FULL, PrintId="print-2", EventType=9, DurationSec=0)
    before = lasting(hass)
    whole = {name: json.loads(content) for name, content in files(hass).items()}
    whole["printers"]["printers"]["printer-1"]["job"] |= {"status": "flying", "flavour": "sweet"}
    whole[PRINTS]["prints"][0] |= {"outcome": "exploded", "flavour": "sweet"}
    for name, content in whole.items():
        await leave(hass, name, json.dumps(content | {"version": 2}).encode())
    changed = {name for name, state in lasting(hass).items() if state != before[name]}
    assert changed == {"sensor.ender3_status", "binary_sensor.ender3_printing"}
    assert await prints(hass) == ["under_way", "silent"]
    assert (logged(caplog, logging.ERROR), aside(hass)) == ([], [])


# Damage

WRONG: Final[tuple[Any, ...]] = (None, True, -5, 2.5, "much", "2026-03-14T09:26:53", [1], [["much"]], {"much": 1}, {})
"""A value of every kind that JSON has."""
NEEDED: Final = {"at", "data", "ended_at", "fingerprint", "print_id", "started_at"}
"""Without these, nothing can be said of what they belong to."""


def places(node: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every value."""
    for key, inner in (
        node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list | tuple) else ()
    ):
        yield (*way, key)
        yield from places(inner, (*way, key))


def leaves(node: Any) -> dict[tuple[Any, ...], Any]:
    """Return every value that is not made of others, and the way to it."""
    found = {way: at(node, way) for way in places(node)}
    return {way: value for way, value in found.items() if not value or not isinstance(value, dict | list | tuple)}


def at(node: Any, way: tuple[Any, ...]) -> Any:
    """Return what is at the end of a way."""
    for key in way:
        node = node[key]
    return node


async def test_value_of_another_kind(hass: HomeAssistant, post: Post) -> None:
    """A value that is not of the kind that belongs there costs that value, or what cannot be without it."""
    await post(FULL, EventType=9)
    await post(FULL, PrintId="print-2", EventType=9, DurationSec=0)
    store, whole = Store(hass), json.loads(files(hass)["printers"])
    known = leaves(asdict(store.read()["printer-1"]))
    for way in places(whole["printers"]["printer-1"]):
        for wrong in WRONG:
            file = json.loads(json.dumps(whole))
            at(file["printers"]["printer-1"], way[:-1])[way[-1]] = wrong
            path_of(hass, "printers").write_text(json.dumps(file))
            found = leaves(asdict(store.read()["printer-1"]))
            lost = way[: way.index(0)] if 0 in way else way[:-1] if way[-1] in NEEDED else way
            rest = {place: value for place, value in known.items() if place[: len(lost)] != lost}
            assert found.items() >= rest.items(), (way, wrong)


DAMAGED: Final = [
    b"",
    b"\0" * 512,
    b'{"printers": {',
    b'"\xff"',
    b"[]",
    b"null",
    b"{}",
    b'{"printers": [], "prints": 5}',
]


@pytest.mark.parametrize("content", [*DAMAGED, None], ids=lambda content: str(content)[:15])
async def test_damaged_records(
    hass: HomeAssistant, post: Post, caplog: pytest.LogCaptureFixture, content: bytes | None
) -> None:
    """A file that is none is set aside and said once; its printers are there without values, and go on, also without a file."""
    await post(FULL, EventType=2)
    await post(FULL, PrinterId="printer-2", PrinterName="Voron")
    device = device_of(hass)
    await leave(hass, "printers", content)
    assert aside(hass) == ([] if content is None else [content])
    said = logged(caplog, logging.ERROR)
    assert ["octoeverywhere.printers.corrupt." in error for error in said] == [True] * len(aside(hass))
    assert device_of(hass) == device
    assert value(hass, "sensor.ender3_status") == value(hass, "sensor.voron_status") == "unknown"
    assert await prints(hass) == ["complete"]

    assert (await post(FULL, PrintId="print-2", DurationSec=0)).status == 200
    await reload(hass)
    assert value(hass, "sensor.ender3_status") == "printing"
    assert len(logged(caplog, logging.ERROR)) == len(aside(hass)) == (content is not None)


@pytest.mark.usefixtures("freezer")
@pytest.mark.parametrize("content", DAMAGED, ids=lambda content: str(content[:15]))
async def test_damaged_prints(
    hass: HomeAssistant, post: Post, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    """The same is true of a printer's prints; what it shows, and all of other printers, stays."""
    await post(FULL, EventType=2)
    await post(FULL, EventType=3, PrinterId="printer-2", PrinterName="Voron")
    before = lasting(hass)
    await leave(hass, PRINTS, content)
    assert lasting(hass) == before
    for _ in range(2):
        assert await prints(hass) == ["failed"]
    assert aside(hass) == [content]
    (error,) = logged(caplog, logging.ERROR)
    assert f"octoeverywhere.{PRINTS}.corrupt." in error
    await post(FULL, PrintId="print-2", EventType=2, DurationSec=0)
    assert sorted(await prints(hass)) == ["complete", "failed"]


def made_up(node: Any, number: int, text: str, moment: str) -> Any:
    """Return what is written with another number, text and moment in place of each, all of the kind that belongs there."""
    if isinstance(node, dict):
        return {key: made_up(value, number, text, moment) for key, value in node.items()}
    if isinstance(node, list):
        return [made_up(value, number, text, moment) for value in node]
    if isinstance(node, str):
        return moment if node[:2] == "20" else text
    return number if type(node) in (int, float) else node


@pytest.mark.usefixtures("freezer")
@pytest.mark.parametrize(
    ("number", "text", "moment"),
    [
        (-5, "much", "1970-01-01T00:00:20+00:00"),
        (2**62, "", "8999-12-31T00:00:00+00:00"),
        (-(2**62), "x" * 5000, "0001-01-01T00:00:00+14:00"),
    ],
)
@pytest.mark.parametrize("event_type", [2, 6, 9])
async def test_nonsense(hass: HomeAssistant, post: Post, number: int, text: str, moment: str, event_type: int) -> None:
    """Values that nobody has written, though they could be, keep no entity from being there, and no print from being shown."""
    await post(FULL, EventType=3, PrintId="print-0")
    await post(FULL, EventType=event_type, DurationSec=0)
    file = json.loads(files(hass)["printers"])
    file["printers"]["printer-1"] = made_up(file["printers"]["printer-1"], number, text, moment)
    await leave(hass, "printers", json.dumps(file).encode())
    assert len(lasting(hass)) == 22
    assert "unavailable" not in {state for state, _ in lasting(hass).values()}
    assert (await post(FULL, PrintId="print-2", DurationSec=0)).status == 200
    assert value(hass, "sensor.ender3_status") == "printing"
    await prints(hass)


@pytest.mark.usefixtures("freezer")
@pytest.mark.parametrize(
    ("name", "key", "wrong"), [("printers", "printer-1", [5]), (PRINTS, 1, {"print_id": "print-1"})]
)
async def test_one_of_many(
    hass: HomeAssistant, post: Post, caplog: pytest.LogCaptureFixture, name: str, key: str | int, wrong: Any
) -> None:
    """A record or a print that cannot be read costs itself, is said once, and the file is kept as it was."""
    for number, event_type in enumerate((2, 3, 2)):
        await post(FULL, PrintId=f"print-{number}", EventType=event_type, DurationSec=0)
    await post(FULL, PrinterId="printer-2", PrinterName="Voron")
    before = {entity_id: state for entity_id, state in lasting(hass).items() if name == PRINTS or "voron" in entity_id}
    file = json.loads(files(hass)[name])
    file[name.partition(".")[0]][key] = wrong
    content = json.dumps(file).encode()
    await leave(hass, name, content)
    left = {"complete": 2, "under_way": 1} | ({} if name == PRINTS else {"failed": 1})
    for _ in range(2):
        assert Counter(await prints(hass)) == left
        await reload(hass)
    after = lasting(hass)
    assert {entity_id: after[entity_id] for entity_id in before} == before
    assert aside(hass) == [content]
    assert len(logged(caplog, logging.ERROR)) == 1


@pytest.mark.parametrize("content", [b"{", b'{"printers": {"printer-1": 5, "printer-2": {}}}'], ids=["all", "some"])
async def test_damage_that_cannot_be_set_aside(
    hass: HomeAssistant, post: Post, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    """Nobody is told that a file was kept that was not, and the printers go on all the same."""
    await post(FULL)
    error = OSError(EROFS, "Read-only file system")
    with patch.object(Path, "replace", side_effect=error), patch("shutil.copy2", side_effect=error):
        await leave(hass, "printers", content)
    assert aside(hass) == []
    (said,) = logged(caplog, logging.ERROR)
    assert "could not be set aside (Read-only file system)" in said
    assert value(hass, "sensor.ender3_status") == "unknown"
    assert (await post(FULL)).status == 200
    await reload(hass)
    assert value(hass, "sensor.ender3_status") == "printing"
    assert len(logged(caplog, logging.ERROR)) == 1


# Disks


def unreadable(number: int) -> AbstractContextManager[object]:
    """Keep the integration's files from being read for a while."""
    read = Path.read_bytes

    def fail(path: Path) -> bytes:
        if path.name.startswith("octoeverywhere."):
            raise OSError(number, "Not now")
        return read(path)

    return patch.object(Path, "read_bytes", fail)


@pytest.mark.parametrize("number", [EMFILE, EIO, EACCES])
async def test_nothing_can_be_read_for_now(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, freezer: FrozenDateTimeFactory, number: int
) -> None:
    """Where only the computer lacks something, nothing is set aside, nothing is taken, and it is tried again."""
    await post(FULL, EventType=2)
    before = files(hass)
    await unload(hass)
    with unreadable(number):
        assert not await hass.config_entries.async_setup(the_entry(hass).entry_id)
        assert loaded.state is ConfigEntryState.SETUP_RETRY
        assert loaded.error_reason_translation_key == "not_read"
        assert (await post(FULL, PrintId="print-2", EventType=1)).status == 503
    assert files(hass) == before

    await pass_time(hass, freezer, timedelta(minutes=1))
    await hass.async_block_till_done(wait_background_tasks=True)
    assert len(hass.config_entries.async_loaded_entries("octoeverywhere")) == 1
    assert value(hass, "sensor.ender3_prints_completed") == "1"
    with unreadable(number):
        with pytest.raises(HomeAssistantError) as refused:
            await prints(hass)
        assert refused.value.translation_key == "not_read"
        assert (await post(FULL, EventType=2, PrintId="print-2", DurationSec=0)).status == 200
        assert issues(hass) == {"not_saved"}
    await pass_time(hass, freezer, timedelta(minutes=1))
    assert issues(hass) == set()
    assert await prints(hass) == ["complete"] * 2


@pytest.mark.parametrize("is_next_soon", [False, True])
@pytest.mark.parametrize("broken", ["", "printers", "prints."])
@pytest.mark.parametrize("error", [FULL_DISK, OSError(EROFS, "Read-only file system")], ids=["full", "read-only"])
async def test_nothing_can_be_written_for_now(
    hass: HomeAssistant,
    post: Post,
    disk: Disk,
    announced: list[Event],
    freezer: FrozenDateTimeFactory,
    error: OSError,
    broken: str,
    is_next_soon: bool,
) -> None:
    """It is shown, announced and answered all the same, the owner is told, and it is saved as soon as the disk takes it."""
    await post(FULL, EventType=1)
    before = files(hass)
    disk.error, disk.broken = error, broken
    assert (await post(FULL, EventType=2)).status == 200
    assert value(hass, "sensor.ender3_status") == "complete"
    assert slugs(announced) == ["print_started", "print_complete"]
    assert issues(hass) == {"not_saved"}
    assert {name: content for name, content in files(hass).items() if name.startswith(broken)} == {
        name: content for name, content in before.items() if name.startswith(broken)
    }
    await pass_time(hass, freezer, timedelta(minutes=1))
    assert issues(hass) == {"not_saved"}
    assert await prints(hass) == ["complete"]

    disk.error = None
    if is_next_soon:
        assert (await post(FULL, EventType=2)).status == 200
    else:
        await pass_time(hass, freezer, timedelta(minutes=1))
    assert issues(hass) == set()
    assert records(hass)["printer-1"]["job"]["status"] == "complete"
    assert len(json.loads(files(hass)[PRINTS])["prints"]) == 1
    await reload(hass)
    assert value(hass, "sensor.ender3_status") == "complete"
    assert await prints(hass) == ["complete"]
    assert slugs(announced) == ["print_started", "print_complete"]


async def test_not_saved_until_the_end(
    hass: HomeAssistant, post: Post, disk: Disk, freezer: FrozenDateTimeFactory
) -> None:
    """What the disk did not take is offered to it once more when the entry is unloaded, and no more after that."""
    disk.error = FULL_DISK
    await post(FULL)
    disk.error = None
    await unload(hass)
    assert records(hass)["printer-1"]["job"]["status"] == "printing"
    assert issues(hass) == set()
    disk.writes.clear()
    await pass_time(hass, freezer, timedelta(hours=1))
    assert disk.writes == []


@pytest.mark.parametrize(("length", "fewest", "most"), [(0, 500, 500), (2000, 201, 399)])
async def test_bounds(hass: HomeAssistant, length: int, fewest: int, most: int) -> None:
    """Of a printer that prints for years, the newest prints are kept, and no more than a megabyte."""
    store, link = Store(hass), f"https://example.com/{'x' * length}"
    many = [
        Print(
            print_id=f"print-{number}",
            started_at=MOMENT + timedelta(hours=number),
            ended_at=MOMENT + timedelta(hours=number, minutes=50),
            quick_view_url=link,
            snapshot_url=link,
        )
        for number in range(520)
    ]
    for part in (many[:300], many[300:]):
        store.file_prints("printer-1", part)
    kept = store.read_prints("printer-1")
    assert list(kept) == many[-len(kept) :]
    assert fewest <= len(kept) <= most
    assert len(files(hass)[PRINTS]) <= 1.1 * 2**20
