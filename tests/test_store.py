"""Tests of what is on the disk, with real files."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import UTC, datetime
from itertools import batched
import json
import logging
from pathlib import Path
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers.json import json_dumps
from homeassistant.util.file import WriteError
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from syrupy.assertion import SnapshotAssertion

from custom_components.octoeverywhere.state import Attention, PrinterState, Status
from custom_components.octoeverywhere.store import Announcement, PrinterRecord, PrinterStore

from .conftest import FULL, Disk, Post, device_of, shown, value

NEIGHBOURS = ("printer-1", "printer-20", "printer-63")
"""Ids of printers whose records land in the same file."""

MOMENT = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)

RECORD = PrinterRecord(
    state=PrinterState(
        name="Ender3",
        quick_view_url="https://octoeverywhere.com/quickview/1",
        superseded=("print-1", "print-2"),
        print_id="print-3",
        ended=True,
        status=Status.ERROR,
        attention=Attention.FILAMENT_CHANGE,
        error_message="Out of filament 🧵",
        error_code="33",
        file_name="Größe.gcode",
        duration=50,
        progress=21,
        time_remaining=0,
        z_offset=-0.05,
        current_layer=50,
        total_layers=100,
        started_at=MOMENT,
        finish_at=MOMENT,
        estimated_at=MOMENT,
        least_remaining=50,
        snapshot_url="https://octoeverywhere.com/snapshot/1.jpg",
        snapshot_at=MOMENT,
        fingerprint="0123456789abcdef",
        heard_at=MOMENT,
    ),
    announcement=Announcement(at=MOMENT, type="error", data={"progress": 21, "extra": {"New": [1, None]}}),
)
"""A printer of which everything is known."""

KINDS = (None, True, 5, 2.5, "much", [1], [["much"]], {"much": 1})
"""A value of every kind that JSON has."""


@pytest.fixture
def hass_storage() -> dict[str, Any]:
    """Let Home Assistant write real files."""
    return {}


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Keep them apart from those of other tests."""
    return hass_tmp_config_dir


def files(hass: HomeAssistant) -> list[Path]:
    """Return the integration's files."""
    return sorted(Path(hass.config.path(".storage")).glob("octoeverywhere*"))


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the errors that the integration logged."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.ERROR and record.name.startswith("custom_components.")
    ]


def file_with(**state: object) -> bytes:
    """Return a file whose only printer has a state like this."""
    return file_of({"printers": {"printer-1": {"state": state}}})


def file_of(data: object, **changes: object) -> bytes:
    """Return a file with this in it, its head changed."""
    head: dict[str, object] = {"version": 1, "minor_version": 1, "key": "octoeverywhere.06", "data": data}
    return json.dumps(head | changes).encode()


async def test_round_trip(hass: HomeAssistant) -> None:
    """Everything that is known of a printer comes back from the disk as it was."""
    empty = PrinterState()
    assert [
        field.name for field in fields(PrinterState) if getattr(RECORD.state, field.name) == getattr(empty, field.name)
    ] == []
    records = {"printer-1": RECORD, "printer-2": PrinterRecord(), "drucker-ü/../": PrinterRecord(state=RECORD.state)}
    for printer_id, kept in records.items():
        assert await PrinterStore(hass).async_save(printer_id, kept)
    loaded = await PrinterStore(hass).async_load()
    assert loaded == records
    # Not part of the comparison of two states.
    assert loaded["printer-1"].state.heard_at == MOMENT


async def test_file(
    hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory, snapshot: SnapshotAssertion
) -> None:
    """Released versions have written files like this one, for their owner's eyes only."""
    freezer.move_to(MOMENT)
    await post(FULL, New={"of": "tomorrow"})
    (file,) = files(hass)
    assert file.name == "octoeverywhere.06"
    assert file.stat().st_mode & 0o077 == 0
    assert json.loads(file.read_bytes()) == snapshot


def leave(content: bytes) -> Callable[[Path], None]:
    """Return what puts this content in a file's place."""

    def damage(file: Path) -> None:
        file.write_bytes(content)

    return damage


def make_folder(file: Path) -> None:
    """Put something in a file's place that cannot be read as one."""
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize(
    ("damage", "by_home_assistant"),
    [
        pytest.param(leave(b""), True, id="empty"),
        pytest.param(leave(b"\0" * 512), True, id="zeros"),
        pytest.param(leave(file_with()[:-5]), True, id="cut off"),
        pytest.param(leave(b'"\xff"'), True, id="not UTF-8"),
        pytest.param(leave(b"[]"), False, id="a list"),
        pytest.param(leave(b"null"), False, id="null"),
        pytest.param(leave(b'{"data": {"printers": {}}}'), False, id="no version"),
        pytest.param(leave(file_of({"printers": {}}, version=2)), False, id="newer version"),
        pytest.param(
            leave(file_of({"printers": {}}, version=2, minor_version=99)), False, id="newer minor version, too"
        ),
        pytest.param(
            leave(file_of({"printers": {}}, version=0)),
            False,
            id="version that never was",
        ),
        pytest.param(leave(file_of({"printers": {}}, version="one")), False, id="version in words"),
        pytest.param(leave(b'{"version": 1}'), False, id="no data"),
        pytest.param(leave(file_of([1])), False, id="data is a list"),
        pytest.param(leave(file_of({})), False, id="data is empty"),
        pytest.param(leave(file_of([])), False, id="data is an empty list"),
        pytest.param(leave(file_of({"other": {}})), False, id="no printers"),
        pytest.param(leave(file_of({"printers": [1]})), False, id="printers are a list"),
        pytest.param(leave(file_of({"printers": {"printer-1": 5}})), False, id="printer is a number"),
        pytest.param(leave(file_of({"printers": {"printer-1": []}})), False, id="printer is a list"),
        pytest.param(leave(file_of({"printers": {"printer-1": {}}})), False, id="no state"),
        pytest.param(leave(file_of({"printers": {"printer-1": {"state": 5}}})), False, id="state is a number"),
        pytest.param(leave(file_with(status="flying")), False, id="unknown status"),
        pytest.param(leave(file_with(attention="bored")), False, id="unknown attention"),
        pytest.param(leave(file_with(flavour="sweet")), False, id="unknown field"),
        pytest.param(leave(file_with(started_at="yesterday")), False, id="not a time"),
        pytest.param(leave(file_with(finish_at=5)), False, id="time is a number"),
        pytest.param(leave(file_with(heard_at="2026-03-14T09:26:53")), False, id="time without a zone"),
        pytest.param(leave(file_with(quick_view_url="much")), False, id="link leads nowhere"),
        pytest.param(leave(file_with(quick_view_url="hutp://octoeverywhere.com")), False, id="flipped bit"),
        pytest.param(
            leave(file_of({"printers": {"printer-1": {"state": {}, "announcement": {"at": MOMENT.isoformat()}}}})),
            False,
            id="half an announcement",
        ),
        pytest.param(
            leave(file_of({"printers": {"printer-1": {"state": {}, "announcement": "print_started"}}})),
            False,
            id="announcement is a text",
        ),
        pytest.param(
            make_folder,
            False,
            id="unreadable",
        ),
    ],
)
@pytest.mark.usefixtures("freezer")
async def test_damaged_file(
    hass: HomeAssistant,
    post: Post,
    loaded: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
    damage: Callable[[Path], None],
    by_home_assistant: bool,
) -> None:
    """A damaged file is kept aside and said once; its printers are there without values, all others as they were."""
    await post(FULL)
    (file,) = files(hass)
    await post(FULL, EventType=4, PrinterId="printer-2", PrinterName="Voron")
    device, before = device_of(hass), shown(hass)
    assert await hass.config_entries.async_unload(loaded.entry_id)
    damage(file)
    content = file.read_bytes() if file.is_file() else None
    caplog.clear()

    assert await hass.config_entries.async_setup(loaded.entry_id)
    await hass.async_block_till_done()
    (aside,) = [path for path in files(hass) if path.name.startswith(f"{file.name}.")]
    assert (aside.read_bytes() if aside.is_file() else None) == content
    assert not file.exists()
    assert len(errors(caplog)) == (0 if by_home_assistant else 1)
    assert all(str(aside) in error for error in errors(caplog))
    assert device_of(hass) == device
    assert value(hass, "sensor.ender3_status") == "unknown"
    # Home Assistant itself remembers this one.
    assert value(hass, "event.ender3_notification") == before["event.ender3_notification"][0]
    # An image is shown under another token each time.
    voron = {entity_id for entity_id in before if "voron" in entity_id and not entity_id.startswith("image.")}
    assert {entity_id: shown(hass)[entity_id] for entity_id in voron} == {
        entity_id: before[entity_id] for entity_id in voron
    }

    caplog.clear()
    assert (await post(FULL)).status == 200
    assert value(hass, "sensor.ender3_status") == "printing"
    assert await hass.config_entries.async_reload(loaded.entry_id)
    await hass.async_block_till_done()
    assert value(hass, "sensor.ender3_status") == "printing"
    assert errors(caplog) == []


def content_of(record: PrinterRecord, place: str, name: str, value: object) -> bytes:
    """Return a file with this record, but for one value."""
    data: dict[str, Any] = json.loads(json_dumps(record.as_dict()))
    data[place][name] = value
    return file_of({"printers": {"printer-1": data}})


async def aside_of(hass: HomeAssistant, *contents: bytes) -> list[bytes]:
    """Have the store read files with these contents, in which it must find no printer; return what it set aside."""
    write_files(hass, contents)
    assert await PrinterStore(hass).async_load() == {}
    return take_aside(hass)


def write_files(hass: HomeAssistant, contents: Iterable[bytes]) -> None:
    """Write the integration's files, one after the other."""
    folder = Path(hass.config.path(".storage"))
    folder.mkdir(exist_ok=True)
    for number, content in enumerate(contents):
        (folder / f"octoeverywhere.{number:02}").write_bytes(content)


def take_aside(hass: HomeAssistant) -> list[bytes]:
    """Return what was set aside, in the order of the files, and make room."""
    aside = [file for file in files(hass) if ".corrupt." in file.name]
    contents = [file.read_bytes() for file in aside]
    for file in aside:
        file.unlink()
    return contents


@pytest.mark.parametrize(
    "name",
    [field.name for field in fields(PrinterState)],
)
async def test_value_of_another_kind(hass: HomeAssistant, name: str) -> None:
    """Where one value is of another kind than what is written there, nothing of the file is believed."""
    written = RECORD.as_dict()["state"][name]
    others = [value for value in KINDS if not is_like(value, written)]
    contents = [content_of(RECORD, "state", name, value) for value in others]
    assert await aside_of(hass, *contents) == contents


def is_like(value: object, written: object) -> bool:
    """Tell whether a value is of the kind that is written: a length may be whole."""
    if isinstance(written, tuple):
        return False
    return type(value) is (str if isinstance(written, str) else type(written)) or (
        type(written) is float and type(value) is int
    )


@pytest.mark.parametrize("name", ["at", "type", "data"])
async def test_announcement_of_another_kind(hass: HomeAssistant, name: str) -> None:
    """The same is true of the newest notification that was announced."""
    others = [value for value in KINDS if name != "data" or not isinstance(value, dict)]
    contents = [content_of(RECORD, "announcement", name, value) for value in others]
    assert await aside_of(hass, *contents) == contents


async def test_announcement_of_nothing(hass: HomeAssistant) -> None:
    """An announcement that is empty is none that was written."""
    nothings: list[object] = [False, 0, "", [], {}]
    records = [{"state": {}, "announcement": nothing} for nothing in nothings]
    contents = [file_of({"printers": {"printer-1": record}}) for record in records]
    assert await aside_of(hass, *contents) == contents


async def test_every_beginning(hass: HomeAssistant) -> None:
    """However much of a file is left, it is set aside as it is."""
    await PrinterStore(hass).async_save("printer-1", PrinterRecord(announcement=RECORD.announcement))
    whole = files(hass)[0].read_bytes()
    for lengths in batched(range(len(whole)), 64, strict=False):
        beginnings = [whole[:length] for length in lengths]
        assert await aside_of(hass, *beginnings) == beginnings


async def test_newer_minor_version(hass: HomeAssistant) -> None:
    """By Home Assistant's rule, what a version writes that differs in its minor number can be read."""
    await PrinterStore(hass).async_save("printer-1", RECORD)
    (file,) = files(hass)
    file.write_bytes(json.dumps(json.loads(file.read_bytes()) | {"minor_version": 99}).encode())
    assert await PrinterStore(hass).async_load() == {"printer-1": RECORD}


async def test_lost_file(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """A printer whose file is gone comes back from its device, with its name and its link."""
    await post(FULL)
    await post(FULL, EventType=4, PrinterId="printer-2", PrinterName="Voron")
    devices = device_of(hass), device_of(hass, "printer-2")
    assert await hass.config_entries.async_unload(loaded.entry_id)
    for file in files(hass):
        file.unlink()
    assert await hass.config_entries.async_setup(loaded.entry_id)
    await hass.async_block_till_done()
    assert (device_of(hass), device_of(hass, "printer-2")) == devices
    assert value(hass, "sensor.ender3_status") == value(hass, "sensor.voron_status") == "unknown"
    assert errors(caplog) == []

    assert (await post(EventType=4, PrinterName=None)).status == 200
    assert (device_of(hass), device_of(hass, "printer-2")) == devices
    assert value(hass, "sensor.ender3_status") == "paused"


async def test_disk_that_cannot_be_written(hass: HomeAssistant, post: Post) -> None:
    """What a real file system refuses is asked for again, and saved once it is allowed."""
    await post(FULL)
    (file,) = files(hass)
    make_folder(file)
    assert (await post(FULL, EventType=4)).status == 503
    file.rmdir()
    assert (await post(FULL, EventType=4)).status == 200
    assert "paused" in file.read_text()


@pytest.mark.parametrize("error", [None, WriteError("No space left on device")])
async def test_saves_at_the_same_time(hass: HomeAssistant, disk: Disk, error: WriteError | None) -> None:
    """Printers of one file that are saved together share a write, and each learns whether it went well."""
    store = PrinterStore(hass)
    disk.error = error
    disk.hold()
    saves = asyncio.gather(*(store.async_save(printer_id, PrinterRecord()) for printer_id in NEIGHBOURS))
    await disk.writing.wait()
    disk.release()
    assert await saves == [error is None] * 3
    assert disk.writes == 2
    assert set(await PrinterStore(hass).async_load()) == (set() if error else set(NEIGHBOURS))


async def test_one_file_does_not_wait_for_another(hass: HomeAssistant, post: Post) -> None:
    """However many printers there are, a notification writes a file with few of them."""
    for number in range(10):
        await post(FULL, PrinterId=f"printer-{number}", PrinterName=f"Printer {number}")
    assert len(files(hass)) > 5


async def test_entry_is_loaded_without_files(hass: HomeAssistant, loaded: MockConfigEntry) -> None:
    """The first set-up finds nothing and writes nothing."""
    assert loaded.state is ConfigEntryState.LOADED
    assert files(hass) == []
