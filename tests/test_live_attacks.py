"""Attacks by way of a live connection: a printer's plugin that means harm, and a sender of made-up notifications."""

import asyncio
from compression import zstd
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict
from datetime import timedelta
import gzip
from io import BytesIO
import json
import logging
from pathlib import Path
import random
import time
from typing import Any
from unittest.mock import MagicMock, patch
import zlib

from aiohttp import ClientSession, DummyCookieJar, web
from homeassistant.components.camera import async_get_image
from homeassistant.config_entries import SOURCE_USER, ConfigSubentryData
from homeassistant.core import Event, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.json import json_bytes
from homeassistant.util import dt as dt_util
from PIL import Image
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from yarl import URL

from custom_components.octoeverywhere.const import DOMAIN
from custom_components.octoeverywhere.diagnostics import async_get_config_entry_diagnostics
from custom_components.octoeverywhere.job import Printer, decide
from custom_components.octoeverywhere.live import read_live, untold
from custom_components.octoeverywhere.payload import JsonObject
from custom_components.octoeverywhere.plugin_api import Credentials, PluginApi, PluginApiError
from custom_components.octoeverywhere.view import view

from .conftest import Clock, Post, connection_to, files, records, slugs, value
from .fake_plugin_api import Answer, FakePluginApi, RelayedPrinter, body

HALF = "\ud800"
"""Half a surrogate pair: JSON can say it, and no database can hold it."""


@pytest.fixture
def connections(relayed: RelayedPrinter) -> list[ConfigSubentryData]:
    """Return the connection to the printer."""
    return [connection_to(relayed)]


def status(**job: Any) -> dict[str, Any]:
    """Return what a plugin answers of a print under way, but for what is given."""
    current = {"FileName": "benchy.gcode", "Progress": 21, "DurationSec": 50, "TimeLeftSec": 605}
    return {
        "Status": 200,
        "Result": {
            "PlatformVersion": "1.0",
            "OctoEverywhereStatus": {"MostRecentPrintIdStr": "print-1"},
            "JobStatus": {"State": "printing", "SubState": "Printing", "CurrentPrint": current, **job},
        },
    }


def says(**job: Any) -> Answer:
    """Return how to answer with it."""
    return body(json.dumps(status(**job)))


async def look(clock: Clock, times: int = 1) -> None:
    """Let Home Assistant look at the printer."""
    for _ in range(times):
        await clock.elapse(timedelta(seconds=61), wait_background_tasks=True)


def live_entities(hass: HomeAssistant) -> list[er.RegistryEntry]:
    """Return the lights of printers."""
    return [entity for entity in er.async_get(hass).entities.values() if entity.domain == "light"]


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what Home Assistant logged that an owner would worry about."""
    told = [record for record in caplog.records if record.levelno >= logging.WARNING]
    # Where the clock stands still, the web server of the tests trips over its own log.
    return [record.getMessage() for record in told if record.name != "aiohttp.access"]


# What it says of itself.


async def test_half_a_character(
    hass: HomeAssistant, clock: Clock, post: Post, relayed: RelayedPrinter, announced: list[Event]
) -> None:
    """Text that cannot be stored becomes text that can: in states, in events, in the registry and in our own files."""
    await post(EventType=12)
    answer = status(SubState=f"a{HALF}", Error=f"b{HALF}", Lights=[{"Name": f"c{HALF}", "On": True}])
    answer["Result"]["JobStatus"]["CurrentPrint"]["FileName"] = f"d{HALF}"
    answer["Result"]["OctoEverywhereStatus"]["MostRecentPrintIdStr"] = f"e{HALF}"
    relayed.respond(body(json.dumps(answer)))
    await look(clock, 4)
    assert value(hass, "sensor.ender3_status_detail") == "a\ufffd"
    assert value(hass, "sensor.ender3_file_name") == "d\ufffd"
    assert "print_started" in slugs(announced)
    for state in hass.states.async_all():
        assert json_bytes(state.as_dict())
    for event in announced:
        assert json_bytes(event.data)
    for entity in er.async_get(hass).entities.values():
        assert json_bytes(entity.extended_dict)
    assert records(hass)["printer-1"]["job"]["print_id"] == "e\ufffd"


async def test_lights_without_end(
    hass: HomeAssistant, clock: Clock, post: Post, relayed: RelayedPrinter, caplog: pytest.LogCaptureFixture
) -> None:
    """Lights with other names each time are not added without end."""
    await post(EventType=12)
    for number in range(5):
        relayed.respond(says(Lights=[{"Name": f"l {number} {light}", "On": True} for light in range(500)]))
        await look(clock)
    assert 0 < len(live_entities(hass)) <= 16
    assert complaints(caplog) == []


@pytest.mark.parametrize("name", ["_" * 200_000, "l" * 200_000, "light" * 40_000, "a\nb", "\u202e" * 9, "<b>", "{x}"])
async def test_name_of_a_light(
    hass: HomeAssistant, clock: Clock, post: Post, relayed: RelayedPrinter, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """A light's name takes neither long to read nor more than one short line."""
    await post(EventType=12)
    relayed.respond(says(Lights=[{"Name": name, "On": True}, {"Name": "Chamber", "On": True}]))
    began = time.process_time()
    await look(clock)
    assert time.process_time() - began < 2
    assert value(hass, "light.ender3_light_chamber") == "on"
    for entity in live_entities(hass):
        assert len(entity.entity_id) <= 255
        assert len(entity.unique_id) <= 255
        assert "\n" not in entity.unique_id
    assert complaints(caplog) == []


async def test_texts_of_any_length(
    hass: HomeAssistant, clock: Clock, post: Post, relayed: RelayedPrinter, announced: list[Event]
) -> None:
    """A text of 200 KB is neither kept nor announced."""
    relayed.respond(says())
    await post(EventType=1, PrintId="print-1")
    await look(clock)
    for key in ("Error", "SubState"):
        relayed.respond(says(State="error", **{key: "x" * 200_000}))
        await look(clock, 4)
    assert "error" in slugs(announced)
    assert len(json_bytes([event.data for event in announced])) < 10_000
    assert sum(map(len, files(hass).values())) < 20_000
    current = status()["Result"]["JobStatus"]["CurrentPrint"] | {"FileName": "x" * 200_000}
    answer = status(CurrentPrint=current)
    answer["Result"]["OctoEverywhereStatus"]["MostRecentPrintIdStr"] = "print-2"
    relayed.respond(body(json.dumps(answer)))
    await look(clock, 4)
    assert slugs(announced)[-1] == "print_started"
    assert len(json_bytes([event.data for event in announced])) < 10_000
    assert sum(map(len, files(hass).values())) < 20_000


NESTED = 60_000


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"{}",
        b"[]",
        b'{"Status": 200}',
        b'{"Status": 200, "Result": null}',
        b'{"Status": 200, "Result": []}',
        b'{"Status": 200, "Result": {}}',
        b'{"Status": 200, "Result": {"JobStatus": []}}',
        b'{"Status": 200, "Result": {"JobStatus": {"State": ' + b'{"a":' * NESTED + b"1" + b"}" * NESTED + b"}}}",
        b'{"Status": 200, "Result": {"JobStatus": {"State": ' + b"[" * NESTED + b"]" * NESTED + b"}}}",
        b'{"Status": 200, "Result": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
        b'{"Status": 200, "Result": {"a": ' + b"1" * 200_000 + b"}}",
        b'{"Status": 200, "Result": {"a": 1e999}}',
        b"\xff\xfe\x00\xd8",
        b"\xed\xa0\x80",
    ],
)
async def test_no_answer_at_all(
    hass: HomeAssistant,
    clock: Clock,
    post: Post,
    relayed: RelayedPrinter,
    caplog: pytest.LogCaptureFixture,
    content: bytes,
) -> None:
    """What cannot be read is a failed look: nothing is logged at length, and the event loop does not stand still."""
    await post(EventType=12)
    relayed.respond(body(content))
    began = time.process_time()
    await look(clock)
    assert time.process_time() - began < 0.8
    assert complaints(caplog) == []
    relayed.respond(None)
    await look(clock, 20)
    assert value(hass, "sensor.ender3_status") == "idle"


@pytest.mark.parametrize("number", ["1e300", "-1e300", "1e999", '"1e300"', "true", "[]", '"nan"', "1" * 4000])
async def test_numbers(hass: HomeAssistant, clock: Clock, post: Post, relayed: RelayedPrinter, number: str) -> None:
    """A number that nothing can have is unknown."""
    await post(EventType=12)
    keys = ("HotendActual", "HotendTarget", "BedActual", "BedTarget", "ChamberActual")
    current = {"Temps": dict.fromkeys(keys, "N"), **dict.fromkeys(("Progress", "DurationSec", "TimeLeftSec"), "N")}
    content = json.dumps(status(CurrentPrint=current)).replace('"N"', number)
    relayed.respond(body(content))
    await look(clock)
    assert value(hass, "sensor.ender3_nozzle_temperature") in ("unknown", "unavailable")
    assert value(hass, "sensor.ender3_bed_target") in ("unknown", "unavailable")


@pytest.mark.parametrize("location", ["https://[]@", "https://xn--a", "http://127.0.0.1", "a" * 60_000, "//[", "\\\\x"])
@pytest.mark.parametrize("way", ["look", "camera", "command"])
async def test_redirect(
    hass: HomeAssistant,
    clock: Clock,
    post: Post,
    relayed: RelayedPrinter,
    caplog: pytest.LogCaptureFixture,
    location: str,
    way: str,
) -> None:
    """A redirect is not followed, whatever it says, and is one failure among others."""
    await post(EventType=12)
    relayed.respond(says())
    await look(clock)

    async def redirect(_: RelayedPrinter, __: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": location})

    relayed.respond(redirect)
    if way == "camera":
        with pytest.raises(HomeAssistantError, match="Unable to get image"):
            await async_get_image(hass, "camera.ender3_live")
    elif way == "command":
        with pytest.raises(HomeAssistantError) as caught:
            await hass.services.async_call("button", "press", {"entity_id": "button.ender3_pause"}, blocking=True)
        assert caught.value.translation_key == "outcome_unknown"
        await look(clock)
    await look(clock)
    assert complaints(caplog) == []


ANSWERS = [
    exchange["body"]
    for path in sorted((Path(__file__).parent / "fixtures" / "plugin_api").glob("*.json"))
    for exchange in json.loads(path.read_text("utf-8"))
    if exchange["call"] == "status" and isinstance(exchange["body"], dict) and "Result" in exchange["body"]
]
ODD_VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 99.9, 1e300, -1e300, 2**63, 10**400, "", "21", "nan", "1e308", "None", "\0", HALF),
    *("a\nb", "\u2028", "x" * 5000, "_" * 5000, [], {}, [[]], [None] * 50, {"a": {}}, "idle", "printing", "complete"),
    [{"Name": name, "On": True} for name in ("a", "a ", "A", "", None, 1, "\0", "x" * 5000)],
]


def tampered(value: Any, chance: float, dice: random.Random) -> Any:
    """Return an answer with some of what is in it replaced, left out or doubled."""
    if dice.random() < chance:
        return dice.choice(ODD_VALUES)
    if isinstance(value, dict):
        kept = {key: inner for key, inner in value.items() if dice.random() > chance / 4}
        return {key: tampered(inner, chance, dice) for key, inner in kept.items()}
    return [tampered(inner, chance, dice) for inner in value] * dice.randint(1, 2) if isinstance(value, list) else value


@pytest.mark.parametrize("seed", range(10))
async def test_tampered_answers(seed: int) -> None:
    """Whatever an answer says, it can be read and shown, and what of it is to be told can be stored and announced."""
    dice, now = random.Random(seed), dt_util.utcnow()
    live, printer = None, Printer()
    for number in range(500):
        content = json.dumps(tampered(dice.choice(ANSWERS), dice.choice((0.02, 0.1, 0.3)), dice))
        with suppress(PluginApiError):
            result = await answer_of(content)
            read = read_live(result, now)
            if read is None:
                continue
            live = read.after(live)
            shown = view(printer, now, live, is_connected=True)
            assert len(json_bytes(asdict(shown))) < 16_000
            told = untold("printer-1", printer, live, now)
            if told is not None and (step := decide(printer, told, now + timedelta(minutes=number))) is not None:
                printer = step.printer
                assert len(json_bytes(told.as_event_data(now))) < 4_000
                assert len(json_bytes(asdict(printer))) < 100_000
    assert printer.earlier


async def answer_of(content: str) -> JsonObject:
    """Return what Home Assistant takes from an answer. Raises PluginApiError."""

    async def request(*_: Any) -> tuple[None, bytes]:
        return None, content.encode()

    api = PluginApi(MagicMock(), Credentials(url="https://a.octoeverywhere.com"))
    with patch.object(api, "_async_request", request):
        return await api.async_status()


# What it says of HTTP.

_HEAD_OF_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/json\r\n"


def packed(kind: str, content: bytes) -> bytes:
    """Return an answer with a packed body."""
    head = f"Content-Encoding: {kind}\r\nContent-Length: {len(content)}\r\n\r\n"
    return _HEAD_OF_ANSWER + head.encode() + content


def with_headers(*headers: bytes) -> bytes:
    """Return an answer with more headers."""
    return _HEAD_OF_ANSWER + b"".join(header + b"\r\n" for header in headers) + b"Content-Length: 2\r\n\r\n{}"


def bomb() -> bytes:
    """Return 512 MiB of nothing, packed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([packer.compress(bytes(2**20)) for _ in range(512)]) + packer.flush()


ODD_ANSWERS = {
    "gzip bomb": packed("gzip", bomb()),
    "zstd bomb": packed("zstd", zstd.compress(bytes(2**29))),
    "empty members": packed("gzip", gzip.compress(b"") * 50_000),
    "bad gzip": packed("gzip", b"xxxxx"),
    "bad zstd": packed("zstd", b"xxxxx"),
    "endless": _HEAD_OF_ANSWER + b"\r\n" + bytes(2**22),
    "tiny chunks": _HEAD_OF_ANSWER + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 300_000,
    "cookies": with_headers(*[b"Set-Cookie: a=" + b'"\\' * 30_000] * 100),
    "brackets": with_headers(*[b"Set-Cookie: " + b"(" * 60_000] * 100),
    "type": with_headers(b"Content-Type: image/" + b"(a)" * 20_000),
    "links": with_headers(b"Link: " + b"<" * 60_000),
    "interim": b"HTTP/1.1 100 Continue\r\n\r\n" * 100_000 + with_headers(),
    "upgrade": b"HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n" + b"x" * 1000,
    "no http": b"<html>",
    "nothing": b"",
}


@pytest.mark.parametrize("name", ODD_ANSWERS)
async def test_odd_answers(socket_enabled: None, name: str) -> None:
    """Nothing that a server answers is more than one failure, takes long, or stops everything else meanwhile."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(ODD_ANSWERS[name])
            await writer.drain()
        writer.close()

    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.005)
            longest = max(longest, time.perf_counter() - began)

    async with await asyncio.start_server(answer, "127.0.0.1") as server, AsyncExitStack() as stack:
        # As Home Assistant's sessions are.
        client = ClientSession(cookie_jar=DummyCookieJar(), max_line_size=2**16, max_field_size=2**16)
        session = await stack.enter_async_context(client)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        watching = asyncio.create_task(watch())
        with pytest.raises(PluginApiError):
            await PluginApi(session, Credentials(url=url)).async_status()
        watching.cancel()
    assert longest < 1


# Its camera.


def png(width: int, height: int) -> bytes:
    """Return the beginning of a PNG that would be so large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    head = chunk(b"IHDR", width.to_bytes(4) + height.to_bytes(4) + b"\x08\x02\x00\x00\x00")
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def picture(format_: str, size: tuple[int, int] = (64, 48), **options: Any) -> bytes:
    """Return a picture."""
    content = BytesIO()
    Image.new("RGB", size, "red").save(content, format_, **options)
    return content.getvalue()


def shows(content: bytes, transform: str = "", content_type: str = "image/jpeg") -> Answer:
    """Return how to answer with a picture."""

    async def answer(_: RelayedPrinter, __: web.Request) -> web.StreamResponse:
        headers = {"Content-Type": content_type, "x-oe-webcam-transform": transform}
        return web.Response(body=content, headers=headers)

    return answer


JPEG_OF_A_GIANT = picture("JPEG").replace(b"\x00\x30\x00\x40", b"\xff\xdc\xff\xdc", 1)
PROGRESSIVE = picture("JPEG", (4000, 4000), progressive=True)
_HEAD, _, _LAST = PROGRESSIVE.rpartition(b"\xff\xda")
SCANS = _HEAD + (b"\xff\xda" + _LAST.removesuffix(b"\xff\xd9")) * 50_000 + b"\xff\xd9"
"""A JPEG that is told 50,000 times."""
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n(x) print\n%%EOF\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize("transform", ["", "fliph rotate=90 ", "flipv " * 1300])
@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"", "image/jpeg"),
        (b"<html><script>alert(1)</script>", "image/jpeg"),
        (SVG, "image/svg+xml"),
        (SVG, "image/jpeg"),
        (EPS, "image/jpeg"),
        (picture("TIFF"), "image/tiff"),
        (picture("BMP"), "image/bmp"),
        (picture("ICO"), "image/x-icon"),
        (png(60_000, 60_000), "image/png"),
        (png(13_000, 13_000), "image/png"),
        (png(0, 0), "image/png"),
        (JPEG_OF_A_GIANT, "image/jpeg"),
        (picture("JPEG")[:40], "image/jpeg"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (SCANS, "image/jpeg"),
        (b"\xff\xd8" + b"\xff\xfe\x00\x02" * 2_000_000 + picture("JPEG")[2:], "image/jpeg"),
        (picture("GIF"), "image/gif"),
        (picture("WEBP"), "image/webp"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\xff\xff\xff\xffWEBPVP8 ", "image/webp"),
        (
            picture("JPEG", comment=b"\r\n--frameboundary\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script>"),
            "image/jpeg",
        ),
    ],
)
async def test_picture(
    hass: HomeAssistant,
    clock: Clock,
    post: Post,
    relayed: RelayedPrinter,
    caplog: pytest.LogCaptureFixture,
    content: bytes,
    content_type: str,
    transform: str,
) -> None:
    """What is not a picture of a camera's size is not served, from whatever it is made."""
    await post(EventType=12)
    await look(clock)
    relayed.respond(shows(content, transform, content_type), "webcam/snapshot")
    began = time.process_time()
    with pytest.raises(HomeAssistantError, match="Unable to get image"):
        await async_get_image(hass, "camera.ender3_live", width=100, height=100)
    assert time.process_time() - began < 1
    assert complaints(caplog) == []


@pytest.mark.parametrize("format_", ["JPEG", "PNG"])
@pytest.mark.parametrize("transform", ["", "none", "fliph flipv rotate=270 ", "rotate=45 <b> "])
async def test_good_picture(
    hass: HomeAssistant, clock: Clock, post: Post, relayed: RelayedPrinter, format_: str, transform: str
) -> None:
    """A picture of a camera is served, whatever it is called."""
    await post(EventType=12)
    await look(clock)
    options: dict[str, Any] = {"progressive": True} if format_ == "JPEG" else {}
    relayed.respond(shows(picture(format_, **options), transform, "image/x-anything"), "webcam/snapshot")
    found = await async_get_image(hass, "camera.ender3_live")
    assert Image.open(BytesIO(found.content)).size == ((48, 64) if "270" in transform else (64, 48))


async def test_picture_that_is_turned_without_end(
    hass: HomeAssistant, clock: Clock, post: Post, relayed: RelayedPrinter
) -> None:
    """A picture that is to be turned more often than any camera is turned is none."""
    await post(EventType=12)
    await look(clock)
    relayed.respond(shows(picture("JPEG", (3840, 2160)), "rotate=90 " * 800), "webcam/snapshot")
    began = time.process_time()
    with pytest.raises(HomeAssistantError, match="Unable to get image"):
        await async_get_image(hass, "camera.ender3_live")
    assert time.process_time() - began < 1


async def test_slow_camera(hass: HomeAssistant, clock: Clock, post: Post, relayed: RelayedPrinter) -> None:
    """A camera that does not answer in time is not asked by each who looks, as Home Assistant gives up first."""
    await post(EventType=12)
    await look(clock)
    relayed.respond("hang", "webcam/snapshot")
    for _ in range(5):
        looking = hass.async_create_task(async_get_image(hass, "camera.ender3_live"))
        await asyncio.to_thread(time.sleep, 0.1)  # the loop's own clock stands still
        looking.cancel()
        with suppress(asyncio.CancelledError, HomeAssistantError):
            await looking
    assert [request.command for request in relayed.requests].count("webcam/snapshot") == 1


async def test_large_picture(hass: HomeAssistant, clock: Clock, post: Post, relayed: RelayedPrinter) -> None:
    """A PNG of some megabytes, in which any bytes may follow each other, is a picture as well."""
    await post(EventType=12)
    await look(clock)
    content = BytesIO()
    Image.frombytes("RGB", (1600, 1200), random.Random(0).randbytes(1600 * 1200 * 3)).save(content, "PNG")
    relayed.respond(shows(content.getvalue()), "webcam/snapshot")
    assert (await async_get_image(hass, "camera.ender3_live")).content == content.getvalue()


# Somebody with the key.


async def test_notifications_do_not_steer_the_looks(
    hass: HomeAssistant, clock: Clock, post: Post, relayed: RelayedPrinter
) -> None:
    """Whoever sends one notification after the other neither makes Home Assistant ask on and on, nor keeps it from asking."""
    await post(EventType=12)
    relayed.respond(says())
    await look(clock)
    before = len(relayed.requests)
    for number in range(600):
        await post(EventType=6, PrintId="print-1", DurationSec=number)
        await clock.elapse(timedelta(seconds=0.2))
    await clock.elapse(timedelta(seconds=1), wait_background_tasks=True)
    assert 7 <= len(relayed.requests) - before <= 11


async def test_id_with_a_line_break(
    hass: HomeAssistant,
    clock: Clock,
    entry: MockConfigEntry,
    loaded: MockConfigEntry,
    send: Post,
    relayed: RelayedPrinter,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No line of the log is forged by a printer without a name."""
    (connection,) = entry.subentries.values()
    printer_id = "a\n2026-01-01 00:00:00 ERROR forged"
    data = {**connection.data, "printer_id": printer_id}
    hass.config_entries.async_update_subentry(entry, connection, data=data, unique_id=printer_id)
    await hass.async_block_till_done()
    await send(EventType=12, PrinterId=printer_id, PrinterName=None)
    relayed.respond(601)
    await look(clock)
    said = [record.getMessage() for record in caplog.records if "custom_components" in record.name]
    assert any("cannot be reached" in line for line in said)
    assert not any("\n" in line for line in said)


# Somebody who was led astray.


@pytest.mark.parametrize("text", ["." * 200_000, "a." * 100_000, "<" * 200_000, "a" * 200_000, "://" * 70_000])
def test_pasted(text: str) -> None:
    """Whatever is pasted in place of an address is refused at once."""
    began = time.process_time()
    with pytest.raises(PluginApiError):
        Credentials.from_text(text)
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example#.octoeverywhere.com",
        "https://evil.example?.octoeverywhere.com",
        "https://evil.example/.octoeverywhere.com",
        "https://evil.example\\.octoeverywhere.com",
        "https://a.octoeverywhere.com@evil.example",
        "https://a.octoeverywhere.com:x@evil.example",
        "https://evil.example\uff0f.octoeverywhere.com",
        "https://evil.example\u2100.octoeverywhere.com",
        "https://[::1].octoeverywhere.com",
        "https://[]@.octoeverywhere.com",
        "https://a.octoeverywhere.com.evil.example",
        "https://eviloctoeverywhere.com",
        "https://xn--a.octoeverywhere.com",
        "ftp://a.octoeverywhere.com",
        "http://a.octoeverywhere.com",
        "javascript://a.octoeverywhere.com/%0aalert(1)",
    ],
)
def test_other_hosts(address: str) -> None:
    """An address that leads to somebody else is refused, however it looks."""
    with pytest.raises(PluginApiError):
        Credentials.from_text(address)


@pytest.mark.parametrize(
    "address", ["https://evil.example%2f.octoeverywhere.com", "https://evil.example%23.octoeverywhere.com"]
)
def test_escapes(address: str) -> None:
    """Escapes in a host end it nowhere."""
    assert (URL(Credentials.from_text(address).url).host or "").endswith(".octoeverywhere.com")


async def test_words_of_the_flow(hass: HomeAssistant, clock: Clock, post: Post, plugin_api: FakePluginApi) -> None:
    """What a printer says is no Markdown where it is shown as a text of Home Assistant."""
    await post(EventType=12)
    await post(EventType=12, PrinterId="printer-2", PrinterName="Other")
    other = plugin_api.add("klipper")
    other.excuse(600)
    markup = "![a](https://evil.example/a.png) <img src=x> **b** `c` www.evil.example a@evil.example"
    current = status()["Result"]["JobStatus"]["CurrentPrint"] | {"FileName": markup}
    other.respond(says(CurrentPrint=current, Lights=[{"Name": markup[:32], "On": True}]))
    (known,) = hass.config_entries.async_entries(DOMAIN)
    flows = hass.config_entries.subentries
    page = await flows.async_init((known.entry_id, "live"), context={"source": SOURCE_USER})
    page = await flows.async_configure(page["flow_id"], {"url": other.url})
    assert page["step_id"] == "printer"
    shown = " ".join((page["description_placeholders"] or {}).values())
    for sign in ("![", "](", "<", "**", "`", "://e", "www.e", "a@e"):
        assert sign not in shown


async def test_diagnostics(hass: HomeAssistant, clock: Clock, post: Post, relayed: RelayedPrinter) -> None:
    """Diagnostics hold nothing of the connection, whatever the printer says."""
    await post(EventType=12)
    current = status()["Result"]["JobStatus"]["CurrentPrint"] | {"FileName": relayed.url}
    relayed.respond(
        says(
            SubState=f"At {relayed.host.upper()}!",
            Error=relayed.url,
            CurrentPrint=current,
            Lights=[{"Name": relayed.host, "On": True}],
        )
    )
    await look(clock)
    (known,) = hass.config_entries.async_entries(DOMAIN)
    said = json_bytes(await async_get_config_entry_diagnostics(hass, known)).decode()
    assert relayed.host not in said.lower()
    assert '"status_detail":"At **REDACTED**"' in said
