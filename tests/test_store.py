"""Tests of what is on the disk, with real files."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import fields
from datetime import UTC, datetime
from errno import EMFILE
import json
import logging
from pathlib import Path
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.json import json_dumps
from homeassistant.util.file import WriteError
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from syrupy.assertion import SnapshotAssertion

from custom_components.octoeverywhere.state import Attention, PrinterState, Status
from custom_components.octoeverywhere.store import Announcement, PrinterRecord, PrinterStore

from .conftest import FULL, Disk, Post, device_of, shown, value, webhooks

FILE = "octoeverywhere.printer.06787fc58aa44e83"
"""Where the record of printer-1 lies."""

MOMENT = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)

RECORD = PrinterRecord(
    state=PrinterState(
        name="Ender3",
        quick_view_url="https://octoeverywhere.com/quickview/1",
        superseded=("print-1", "print-2"),
        print_id="print-3",
        elapsed_before=900,
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
    announcement=Announcement(at=MOMENT, data={"type": "error", "progress": 21, "extra": {"New": [1, None]}}),
)
"""A printer of which everything is known."""

EMPTY: dict[str, Any] = {"state": {}}
"""A printer of which nothing is known, as it is written."""

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


def files(hass: HomeAssistant, kind: str = "printer.*") -> list[Path]:
    """Return the files of the printers, or others of the integration's."""
    return sorted(Path(hass.config.path(".storage")).glob(f"octoeverywhere.{kind}"))


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the errors that the integration logged."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.ERROR and record.name.startswith("custom_components.")
    ]


def file_with(**state: object) -> bytes:
    """Return a file of a printer that has a state like this."""
    return file_of({"state": state})


def file_of(data: object, **changes: object) -> bytes:
    """Return a file with this in it, its head changed."""
    head: dict[str, object] = {"version": 1, "minor_version": 1, "key": FILE, "data": data}
    return json.dumps(head | changes).encode()


async def test_round_trip(hass: HomeAssistant) -> None:
    """Everything that is known of a printer comes back from the disk as it was."""
    empty = PrinterState()
    assert [
        field.name for field in fields(PrinterState) if getattr(RECORD.state, field.name) == getattr(empty, field.name)
    ] == []
    records = {"printer-1": RECORD, "printer-2": PrinterRecord(), "drucker-ü/../": PrinterRecord(state=RECORD.state)}
    store = PrinterStore(hass)
    for printer_id, kept in records.items():
        assert await store.async_save(printer_id, kept)
    loaded = await PrinterStore(hass).async_load(["printer-3"])
    assert loaded == records
    # Not part of the comparison of two states.
    assert loaded["printer-1"].state.heard_at == MOMENT


async def test_file(
    hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory, snapshot: SnapshotAssertion
) -> None:
    """What is released once has written files like this one, for their owner's eyes only."""
    freezer.move_to(MOMENT)
    await post(FULL, New={"of": "tomorrow"})
    (file,) = files(hass)
    assert file.name == FILE
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
        pytest.param(leave(b'{"data": {"state": {}}}'), False, id="no version"),
        pytest.param(leave(file_of(EMPTY, version=2)), False, id="newer version"),
        pytest.param(leave(file_of(EMPTY, version=2, minor_version=99)), False, id="newer minor version, too"),
        pytest.param(leave(file_of(EMPTY, version=0)), False, id="version that never was"),
        pytest.param(leave(file_of(EMPTY, version="one")), False, id="version in words"),
        pytest.param(leave(b'{"version": 1}'), False, id="no data"),
        pytest.param(leave(file_of([1])), False, id="data is a list"),
        pytest.param(leave(file_of({})), False, id="data is empty"),
        pytest.param(leave(file_of([])), False, id="data is an empty list"),
        pytest.param(leave(file_of({"other": {}})), False, id="no state"),
        pytest.param(leave(file_of(EMPTY | {"state": 5})), False, id="state is a number"),
        pytest.param(leave(file_with(status="flying")), False, id="unknown status"),
        pytest.param(leave(file_with(attention="bored")), False, id="unknown attention"),
        pytest.param(leave(file_with(flavour="sweet")), False, id="unknown field"),
        pytest.param(leave(file_with(started_at="yesterday")), False, id="not a time"),
        pytest.param(leave(file_with(finish_at=5)), False, id="time is a number"),
        pytest.param(leave(file_with(heard_at="2026-03-14T09:26:53")), False, id="time without a zone"),
        pytest.param(leave(file_with(quick_view_url="much")), False, id="link leads nowhere"),
        pytest.param(leave(file_with(quick_view_url="hutp://octoeverywhere.com")), False, id="flipped bit"),
        pytest.param(
            leave(file_of(EMPTY | {"announcement": {"at": MOMENT.isoformat()}})),
            False,
            id="half an announcement",
        ),
        pytest.param(
            leave(file_of(EMPTY | {"announcement": "print_started"})),
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
    """A damaged file is kept aside and said once; its printer is there without values, every other as it was."""
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
    voron = {entity_id for entity_id in before if "voron" in entity_id}
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
    return file_of(data)


async def aside_of(hass: HomeAssistant, *contents: bytes) -> list[bytes]:
    """Have the store read files with these contents, in which it must find no printer; return what it set aside."""
    return [aside for content in contents for aside in await _aside_of(hass, content)]


async def _aside_of(hass: HomeAssistant, content: bytes) -> list[bytes]:
    file = Path(hass.config.path(".storage")) / FILE
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    assert await PrinterStore(hass).async_load(["printer-1"]) == {}
    return [aside.read_bytes() for aside in take_aside(hass)]


def take_aside(hass: HomeAssistant) -> Iterator[Path]:
    """Yield what was set aside, and make room."""
    for aside in files(hass):
        assert ".corrupt." in aside.name
        yield aside
        aside.unlink()


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


@pytest.mark.parametrize("name", ["at", "data"])
async def test_announcement_of_another_kind(hass: HomeAssistant, name: str) -> None:
    """The same is true of the newest notification that was announced."""
    contents = [content_of(RECORD, "announcement", name, value) for value in (*KINDS, {"type": "dancing"})]
    assert await aside_of(hass, *contents) == contents


async def test_announcement_of_nothing(hass: HomeAssistant) -> None:
    """An announcement that is empty is none that was written."""
    nothings: list[object] = [False, 0, "", [], {}, {"at": MOMENT.isoformat()}, {"data": {"type": "error"}}]
    contents = [file_of(EMPTY | {"announcement": nothing}) for nothing in nothings]
    assert await aside_of(hass, *contents) == contents


async def test_every_beginning(hass: HomeAssistant) -> None:
    """However much of a file is left, it is set aside as it is."""
    await PrinterStore(hass).async_save("printer-1", PrinterRecord(announcement=RECORD.announcement))
    (file,) = files(hass)
    whole = file.read_bytes()
    beginnings = [whole[:length] for length in range(len(whole))]
    assert await aside_of(hass, *beginnings) == beginnings


async def test_newer_minor_version(hass: HomeAssistant) -> None:
    """By Home Assistant's rule, what a version writes that differs in its minor number can be read."""
    await PrinterStore(hass).async_save("printer-1", RECORD)
    (file,) = files(hass)
    file.write_bytes(json.dumps(json.loads(file.read_bytes()) | {"minor_version": 99}).encode())
    assert await PrinterStore(hass).async_load([]) == {"printer-1": RECORD}


def index(hass: HomeAssistant) -> Path:
    """Return the file that says whose files there are."""
    return Path(hass.config.path(".storage")) / "octoeverywhere.printers"


INDEX_HEAD = {"version": 1, "minor_version": 1, "key": "octoeverywhere.printers"}


INDICES: tuple[object, ...] = (EMPTY, [], {"printer_ids": "printer-1"}, {"printer_ids": ["printer-1", 5]})


@pytest.mark.parametrize(
    "content", [b"", b"[]", *(json.dumps(INDEX_HEAD | {"data": data}).encode() for data in INDICES)]
)
async def test_damaged_index(hass: HomeAssistant, post: Post, loaded: MockConfigEntry, content: bytes) -> None:
    """Where nothing says any more whose files there are, the devices do; the next new printer is saved as ever."""
    await post(FULL)
    assert await hass.config_entries.async_unload(loaded.entry_id)
    index(hass).write_bytes(content)
    assert await hass.config_entries.async_setup(loaded.entry_id)
    await hass.async_block_till_done()
    assert value(hass, "sensor.ender3_status") == "printing"
    assert [aside.read_bytes() for aside in files(hass, "printers.corrupt.*")] == [content]

    assert (await post(FULL, PrinterId="printer-2", PrinterName="Voron")).status == 200
    assert set(await PrinterStore(hass).async_load([])) == {"printer-1", "printer-2"}


async def test_index_that_cannot_be_written(hass: HomeAssistant, post: Post, disk: Disk) -> None:
    """A new printer is saved when the disk knows that there is one: after a crash, nobody else may remember it."""
    disk.error = WriteError("No space left on device")
    assert (await post(FULL)).status == 503
    assert files(hass) == []
    disk.error = None
    assert (await post(FULL)).status == 200
    assert set(await PrinterStore(hass).async_load([])) == {"printer-1"}


@pytest.mark.parametrize("is_readable", [False, True])
async def test_remove_everything(hass: HomeAssistant, *, is_readable: bool) -> None:
    """Nothing is left of the printers that are known, of which at least those with a device are."""
    store = PrinterStore(hass)
    for printer_id in ("printer-1", "printer-2"):
        assert await store.async_save(printer_id, RECORD)
    if not is_readable:
        index(hass).write_bytes(b"")
    removed = await PrinterStore(hass).async_remove(["printer-1"])
    assert removed == ({"printer-1", "printer-2"} if is_readable else {"printer-1"})
    assert len(files(hass)) == 2 - len(removed)
    assert not index(hass).exists()


@pytest.fixture
def out_of_files() -> Callable[[], AbstractContextManager[object]]:
    """Return what keeps the computer from opening any file for a while."""
    error = OSError(EMFILE, "Too many open files")
    return lambda: patch("homeassistant.util.json.open", side_effect=error, create=True)


async def test_no_file_can_be_read_for_now(
    hass: HomeAssistant,
    post: Post,
    loaded: MockConfigEntry,
    out_of_files: Callable[[], AbstractContextManager[object]],
) -> None:
    """Where only the computer lacks something, nothing is set aside, and what arrives meanwhile is asked for again."""
    await post(FULL, EventType=2)
    before = {file: file.read_bytes() for file in files(hass, "*")}
    assert await hass.config_entries.async_unload(loaded.entry_id)
    with out_of_files():
        assert not await hass.config_entries.async_setup(loaded.entry_id)
        assert loaded.state is ConfigEntryState.SETUP_RETRY
        assert loaded.error_reason_translation_key == "not_read"
        assert (await post(FULL, PrintId="print-2", EventType=1)).status == 503
    assert {file: file.read_bytes() for file in files(hass, "*")} == before

    assert await hass.config_entries.async_reload(loaded.entry_id)
    await hass.async_block_till_done()
    assert value(hass, "sensor.ender3_prints_completed") == "1"
    with out_of_files():
        with pytest.raises(HomeAssistantError) as refused:
            await hass.services.async_call("octoeverywhere", "get_prints", {}, blocking=True, return_response=True)
        assert refused.value.translation_key == "not_read"
        assert (await post(FULL, EventType=2, PrintId="print-2")).status == 500
    assert {file: file.read_bytes() for file in files(hass, "*")} == before
    assert (await post(FULL, EventType=2, PrintId="print-2")).status == 200
    assert value(hass, "sensor.ender3_prints_completed") == "2"


async def test_address_that_is_changed_after_a_failed_set_up(
    hass: HomeAssistant,
    post: Post,
    loaded: MockConfigEntry,
    out_of_files: Callable[[], AbstractContextManager[object]],
) -> None:
    """The address of an entry that could not be set up is closed with it, and when another takes its place."""
    with out_of_files():
        assert not await hass.config_entries.async_reload(loaded.entry_id)
        hass.config_entries.async_update_entry(loaded, data={**loaded.data, "webhook_id": "another"})
        assert not await hass.config_entries.async_reload(loaded.entry_id)
        assert webhooks(hass) == {"another": True}
    assert await hass.config_entries.async_reload(loaded.entry_id)
    assert webhooks(hass) == {"another": True}
    with out_of_files():
        assert not await hass.config_entries.async_reload(loaded.entry_id)
    await hass.config_entries.async_remove(loaded.entry_id)
    assert webhooks(hass) == {}


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
    assert not await PrinterStore(hass).async_forget("printer-1")
    file.rmdir()
    assert (await post(FULL, EventType=4)).status == 200
    assert "paused" in file.read_text()


@pytest.mark.parametrize("error", [None, WriteError("No space left on device")])
async def test_saves_at_the_same_time(hass: HomeAssistant, disk: Disk, error: WriteError | None) -> None:
    """Printers that appear in the same moment share the writes that say so, and each learns whether it was saved."""
    store = PrinterStore(hass)
    printer_ids = {f"printer-{number}" for number in range(5)}
    disk.error = error
    disk.hold()
    saves = asyncio.gather(*(store.async_save(printer_id, PrinterRecord()) for printer_id in printer_ids))
    await disk.writing.wait()
    disk.release()
    assert await saves == [error is None] * 5
    assert disk.writes == (2 if error else 7)
    assert set(await PrinterStore(hass).async_load([])) == (set() if error else printer_ids)


async def test_file_for_each_printer(hass: HomeAssistant, post: Post) -> None:
    """However many printers there are, a notification writes no more than with one."""
    for number in range(10):
        await post(FULL, PrinterId=f"printer-{number}", PrinterName=f"Printer {number}")
    sizes = {file: file.stat() for file in files(hass)}
    assert len(sizes) == 10
    await post(FULL, PrinterId="printer-3", PrinterName="Printer 3", EventType=4)
    assert len([file for file in files(hass) if file.stat().st_mtime_ns != sizes[file].st_mtime_ns]) == 1


async def test_entry_is_loaded_without_files(hass: HomeAssistant, loaded: MockConfigEntry) -> None:
    """The first set-up finds nothing and writes nothing."""
    assert loaded.state is ConfigEntryState.LOADED
    assert files(hass) == []
