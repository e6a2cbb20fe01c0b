"""Tests of the door: what is posted from where, what is answered, and what comes of it."""

import asyncio
from collections.abc import AsyncIterator
import gzip
import hmac
import json
import logging
from typing import Any, Final
from unittest.mock import patch
import zlib

from aiohttp import ClientResponse
from hass_nabucasa import remote
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import entity_registry as er
from hypothesis import HealthCheck, given, settings, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from .conftest import (
    FULL,
    PATH,
    PRINTER,
    SECRET,
    WEBHOOK_ID,
    Client,
    Cloud,
    Post,
    device_of,
    devices_of,
    files,
    hand_over,
    issues,
    load,
    logged,
    reload,
    shown,
    slugs,
    unload,
    watched,
)

LIMIT: Final = 16 * 1024
TOO_LARGE: Final = (413, "body_too_large")


def body(size: int = 0, **keys: Any) -> bytes:
    """Return an acceptable notification of at least this many bytes."""
    return json.dumps(PRINTER | FULL | keys).encode().ljust(size)


async def in_pieces(data: bytes) -> AsyncIterator[bytes]:
    """Send the data without saying beforehand how long it is."""
    for start in range(0, len(data), 1000):
        yield data[start : start + 1000]


# What is a notification?


async def test_size(loaded: MockConfigEntry, client: Client, announced: list[Event]) -> None:
    """A body of up to 16 KiB is accepted, whether or not its length is known beforehand."""
    for size, answer in ((LIMIT, (200, "")), (LIMIT + 1, TOO_LARGE), (4 * LIMIT, TOO_LARGE)):
        for is_chunked in (False, True):
            data = body(size, DurationSec=int(is_chunked))
            response = await client.post(PATH, data=in_pieces(data) if is_chunked else data)
            assert (response.status, await response.text()) == answer
    assert len(announced) == 2


ODD: Final[tuple[tuple[bytes, dict[str, Any]], ...]] = (
    (b'"QuickViewUrl":"https://[]@"', {"quick_view_url": None}),
    (b'"Progress":1000000000000000000000000000000', {"progress": None}),
    (b'"New":' + b"[" * 1000 + b"]" * 1000, {"extra": {}}),
    (b'"EventType":4', {"type": "print_paused"}),
    (rb'"FileName":"\ud83e\udd91","\ud83e\udd91":1', {"file_name": "🦑", "extra": {"🦑": 1}}),
    (rb'"FileName":"half \ud83e","half \ud83e":1', {"file_name": "half \ufffd", "extra": {"half \ufffd": 1}}),
    (rb'"FileName":"\udd91\ud83e \ud83e\ud83e\udd91"', {"file_name": "\ufffd\ufffd \ufffd🦑"}),
)


async def test_odd_but_acceptable(loaded: MockConfigEntry, client: Client, announced: list[Event]) -> None:
    """No value that need not be there keeps a notification from being one; of a key that is there twice the last counts."""
    for number, (changes, said) in enumerate(ODD):
        for mark in (b"", b"\xef\xbb\xbf"):
            whole = mark + body(PrintId=f"{number}{mark!r}")[:-1] + b"," + changes + b"}"
            assert (await client.post(PATH, data=whole)).status == 200
            assert announced[-1].data.items() >= said.items()
    assert len(announced) == 2 * len(ODD)


DEEP: Final = body()[:-1] + rb',"Error":"\ud83e","New":' + b"[" * 5000
NO_JSON: Final = (
    b"",
    b"PrinterId=printer-1",
    b"\xef\xbb\xbf",
    b"\xef\xbb\xbf" * 2 + body(),
    body().decode().encode("utf-16"),
    body()[:-1],
    body(Progress=float("nan")),
    body(Error="\ud800", Progress=float("inf")),
    body()[:-1] + b',"Progress":1' + b"0" * 400 + b"}",
    body()[:-1] + b',"Progress":1' + b"0" * 5000 + b"}",
    body().replace(b"Ender3", b"Ender\xff"),
    b"[" * 8000,
    DEEP,
    DEEP + b"]" * 5000 + b"}",
)


async def test_no_notification(hass: HomeAssistant, post: Post, client: Client, announced: list[Event]) -> None:
    """What is not a JSON object is refused, however deep it is nested, and changes nothing."""
    await post(FULL)
    before = shown(hass)
    refused = [(data, "not_json") for data in NO_JSON]
    refused += [(data, "not_an_object") for data in (b"null", b'"text"', b"[" + body() + b"]")]
    for data, text in refused:
        response = await client.post(PATH, data=data)
        assert (response.status, await response.text()) == (400, text), data
    with patch("json.loads", side_effect=RecursionError):  # as where a thread's stack is small
        assert (await client.post(PATH, data=DEEP)).status == 400
    await hass.async_block_till_done()
    assert shown(hass) == before
    assert len(announced) == 1


PACKED: Final = (
    *(("gzip", gzip.compress(body(size)), size) for size in (LIMIT, LIMIT + 1, 2**24)),
    *(("deflate", zlib.compress(body(size)), size) for size in (LIMIT, LIMIT + 1, 2**24)),
    ("gzip", body(1000), None),
    ("gzip", gzip.compress(body(1000)).replace(b"\x08", b"\x07", 1), None),
    ("deflate", body(1000).replace(b"{", b"\x78", 1), None),
)
"""Bodies, and their size once unpacked, None where they are not packed as they say."""


@pytest.mark.parametrize("packed", PACKED, ids=range(9))
async def test_packed_body(
    loaded: MockConfigEntry, client: Client, announced: list[Event], caplog: pytest.LogCaptureFixture, packed: Any
) -> None:
    """What is packed as it says is a notification like any other, once unpacked; what is not is refused without a word."""
    encoding, data, size = packed
    response = await client.post(PATH, data=data, headers={"Content-Encoding": encoding})
    answer = (400, "body_unreadable") if size is None else (200, "") if size == LIMIT else TOO_LARGE
    assert (response.status, await response.text()) == answer
    assert len(announced) == (answer[0] == 200)
    assert logged(caplog) == []


@pytest.mark.parametrize(
    ("head", "data"),
    [
        ("Content-Length: 5000", body(1000)),
        ("Transfer-Encoding: chunked", b"3e8\r\n" + body(1000) + b"\r\n"),
        ("Transfer-Encoding: chunked", b"3e8\r\n" + body(900)),
        ("Transfer-Encoding: chunked", b"3e8\r\n" + body(1000) + b"\r\nno number\r\n\r\n"),
    ],
    ids=["less than announced", "no last piece", "half a piece", "no length of a piece"],
)
async def test_body_that_breaks_off(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    client: Client,
    announced: list[Event],
    caplog: pytest.LogCaptureFixture,
    head: str,
    data: bytes,
) -> None:
    """Of a notification whose sender is gone before its end nothing is kept, though what came may look whole."""
    with watched() as (handling, handled):
        _, sender = await asyncio.open_connection(client.host, client.port)
        sender.write(f"POST {PATH} HTTP/1.1\r\nHost: home\r\n{head}\r\n\r\n".encode())
        await handling.wait()
        sender.write(data)
        sender.close()
        await sender.wait_closed()
        await handled.wait()
    await hass.async_block_till_done()
    assert announced == []
    assert files(hass) == {}
    assert logged(caplog) == []


async def test_body_that_does_not_finish(loaded: MockConfigEntry, client: Client, announced: list[Event]) -> None:
    """Nobody can keep a request open for as long as they like."""
    finish = asyncio.Event()

    async def begin() -> AsyncIterator[bytes]:
        yield b"{"
        await finish.wait()

    with patch("custom_components.octoeverywhere.webhook._READ_SECONDS", 0):
        response = await client.post(PATH, data=begin())
        assert (response.status, await response.text()) == (408, "body_too_slow")
    finish.set()
    assert announced == []


async def test_other_methods(loaded: MockConfigEntry, client: Client, announced: list[Event]) -> None:
    """Only a POST is a notification."""
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        assert (await client.request(method, PATH, json=PRINTER | FULL)).status == 405
    assert announced == []


# Who may post?


WRONG_KEY: Final = (401, "wrong_secret_key")
NO_PRINTER: Final = (400, "no_usable_printer_id")
NO_IDS: Final[tuple[Any, ...]] = (None, 5, 2.5, True, [], {}, "", "  ", "a\0b", "x" * 256)
NO_TYPES: Final[tuple[Any, ...]] = (
    None,
    True,
    "",
    "ten",
    "10 %",
    "NaN",
    "-inf",
    [1],
    {},
    1.5,
    "6.5",
    2**53 + 2,
    -1e300,
)
LACKS: Final[tuple[tuple[dict[str, Any], tuple[int, str]], ...]] = (
    ({"SecretKey": None}, WRONG_KEY),
    ({"SecretKey": "wrong", "PrinterId": None, "EventType": None}, WRONG_KEY),
    ({"PrinterId": None, "EventType": None}, NO_PRINTER),
    *(({"PrinterId": wrong}, NO_PRINTER) for wrong in NO_IDS),
    *(({"EventType": wrong}, (400, "no_usable_event_type")) for wrong in NO_TYPES),
)


async def test_refused(hass: HomeAssistant, post: Post, client: Client, announced: list[Event]) -> None:
    """What lacks the secret, the printer or the type is refused, in this order, and changes nothing."""
    for changes, answer in LACKS:
        whole = PRINTER | FULL | changes
        for payload in (whole, {key: value for key, value in whole.items() if value is not None}):
            response = await client.post(PATH, json=payload)
            assert (response.status, await response.text()) == answer, changes
    await hass.async_block_till_done()
    assert device_of(hass) is None
    assert (announced, files(hass)) == ([], {})


PLACES: Final = {
    "192.168.1.20": True,
    "127.0.0.1": True,
    "172.17.0.1": True,
    "fd00::1234": True,
    "fe80::1234": True,
    "203.0.113.9": False,
    # Tailscale's.
    "100.64.0.1": False,
    # Of one's own home, perhaps, which nobody can tell.
    "2a01:4f8::1": False,
    "no address": False,
    # Through Home Assistant Cloud's webhook.
    None: False,
}
"""Where a request may come from, and whether that is at home."""


@pytest.mark.parametrize("key", ["", SECRET])
@pytest.mark.parametrize("connection", ["lan", "cloud", "internet"])
async def test_place_and_key(
    hass: HomeAssistant, entry: MockConfigEntry, client: Client, cloud: Cloud, connection: str, key: str
) -> None:
    """Place and key must both be right, those of the entry; only of the home network the place matters."""
    hass.config_entries.async_update_entry(entry, data={**entry.data, "connection": connection, "secret_key": key})
    await load(hass)
    for place, is_at_home in PLACES.items():
        for received in (None, SECRET, "wrong", 12345):
            expected = (200, "")
            if connection == "lan" and not is_at_home:
                expected = (403, "from_outside_the_home_network")
            elif key and received != key:
                expected = (401, "wrong_secret_key")
            assert await hand_over(hass, EventType=16, SecretKey=received, remote=place) == expected, (place, received)
    token = remote.is_cloud_request.set(True)
    through_cloud, _ = await hand_over(hass, EventType=16, remote="127.0.0.1")
    remote.is_cloud_request.reset(token)
    assert through_cloud == (403 if connection == "lan" else 200)


async def test_from_a_web_page(
    hass: HomeAssistant, loaded: MockConfigEntry, client: Client, announced: list[Event]
) -> None:
    """A browser at home cannot be made to post by a web page of somebody outside."""
    for name in ("Origin", "origin", "Sec-Fetch-Site"):
        response = await client.post(PATH, data=body(), headers={name: "https://evil.example"})
        assert (response.status, await response.text()) == (403, "from_a_web_page")
    assert (announced, issues(hass)) == ([], set())


async def test_log(
    hass: HomeAssistant, loaded: MockConfigEntry, client: Client, send: Post, caplog: pytest.LogCaptureFixture
) -> None:
    """The key and the address are not in the log, and nobody can write lines into it; of what others say nothing is hidden."""
    caplog.set_level(logging.WARNING, "aiohttp.access")  # as Home Assistant has it
    caplog.set_level(logging.DEBUG)
    forged = "\n2026-03-14 09:26:53.589 ERROR (MainThread) [homeassistant] Forged"
    for keys in ({"PrinterId": forged}, {"PrinterName": forged}, {"FileName": forged, "Error": forged}, {}):
        await send(FULL, **keys)
        await send(FULL, **keys, EventType=4, SecretKey=f"{SECRET}{SECRET}")
        await hand_over(hass, FULL, **keys, remote="203.0.113.9")
    await client.post(PATH, data=b"{")
    await reload(hass)
    await send(FULL, EventType=4, PrinterId=forged)
    assert await hass.config_entries.async_remove(loaded.entry_id)
    said = [(record.name, record.getMessage()) for record in caplog.get_records("call")]
    assert [line for _, line in said if SECRET in line or forged in line] == []
    # Home Assistant itself says at DEBUG which addresses it serves.
    assert [line for name, line in said if WEBHOOK_ID in line and not name.startswith("homeassistant.")] == []

    await client.post(PATH)
    assert f"unregistered webhook {WEBHOOK_ID}" in caplog.text
    for name in ("homeassistant.components.webhook", "aiohttp.server", "homeassistant.components.http"):
        assert logging.getLogger(name).filters == []


def everything(hass: HomeAssistant) -> dict[str, Any]:
    """Return all that a notification can change: states, devices, entities, and what is on the disk."""
    return {
        "states": {state.entity_id: state.as_dict() for state in hass.states.async_all()},
        "devices": devices_of(hass),
        "entities": list(er.async_get(hass).entities.values()),
        "files": files(hass),
    }


NO_KEYS: Final = st.sampled_from(
    (
        {},
        *({"SecretKey": value} for value in (None, "", True, 0, [], {}, [SECRET], {SECRET: SECRET})),
        {"SecretKey": SECRET[:-1]},
        {"SecretKey": f"{SECRET}\0"},
        {"SecretKey": f" {SECRET}"},
        {"SecretKey": SECRET.title()},
        {"secretkey": SECRET},
        {"SecretKey ": SECRET},
    )
) | st.text(st.characters(codec="utf-8")).filter(lambda text: text != SECRET).map(lambda text: {"SecretKey": text})
UNBELIEVABLE: Final = st.builds(
    lambda said, key: said | key,
    st.fixed_dictionaries(
        {"PrinterId": st.sampled_from(("printer-1", "printer-2", None)), "EventType": st.integers(-1, 20)},
        optional={key: st.just(value) for key, value in FULL.items() if key != "EventType"}
        | {"PrinterName": st.just("Renamed"), "PrintId": st.sampled_from(("print-1", "print-2")), "New": st.just([1])},
    ),
    NO_KEYS,
)


@given(payloads=st.lists(UNBELIEVABLE, min_size=1, max_size=4))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_nobody_gets_in(
    hass: HomeAssistant, post: Post, client: Client, announced: list[Event], payloads: list[dict[str, Any]]
) -> None:
    """Whoever does not know the secret changes nothing, whatever they say; the owner is told under Repairs."""
    await post(FULL)
    before = everything(hass)
    announced.clear()
    for payload in payloads:
        response = await client.post(PATH, json=payload)
        assert (response.status, await response.text()) == (401, "wrong_secret_key")
    await hass.async_block_till_done()
    assert everything(hass) == before
    assert announced == []
    assert issues(hass) == {"wrong_secret_key"}


@pytest.mark.parametrize("secret", ["k", SECRET, "x" * 128, "ключ 🔑 ß"])
async def test_secret_is_compared_in_constant_time(
    hass: HomeAssistant, entry: MockConfigEntry, send: Post, announced: list[Event], secret: str
) -> None:
    """How long it takes to refuse a key does not tell how much of it is right, whatever is in it."""
    hass.config_entries.async_update_entry(entry, data={**entry.data, "secret_key": secret})
    await load(hass)
    received = [secret, f"{secret}k", secret[:-1], secret.swapcase() + "ß", "🔑" * 500, ""]
    with patch("hmac.compare_digest", wraps=hmac.compare_digest) as compare:
        statuses = [(await send(FULL, SecretKey=key)).status for key in received]
    await hass.async_block_till_done()
    assert statuses == [200, *[401] * (len(received) - 1)]
    assert [call.args for call in compare.call_args_list] == [(key.encode(), secret.encode()) for key in received]
    assert slugs(announced) == ["print_progress"]


async def test_guessing(hass: HomeAssistant, loaded: MockConfigEntry) -> None:
    """After more wrong keys than somebody mistypes each one waits for its answer, wherever it is from; the right one never does."""

    async def keeps_waiting(**keys: Any) -> bool:
        with patch("custom_components.octoeverywhere.webhook.asyncio.sleep") as sleep:
            await hand_over(hass, FULL, **keys)
        return bool(sleep.called)

    waits = [await keeps_waiting(remote=f"192.168.1.{number}", SecretKey="wrong") for number in range(20)]
    assert waits == sorted(waits)
    assert waits.count(False) in range(3, 10)
    assert not await keeps_waiting()
    assert not await keeps_waiting(SecretKey="wrong")


# Is anybody there to take it?


async def begin_to_post(client: Client, payload: dict[str, Any]) -> tuple[asyncio.Task[ClientResponse], asyncio.Event]:
    """Post a notification whose body arrives only once the event is set; return when Home Assistant waits for it."""
    go_on = asyncio.Event()

    async def arriving() -> AsyncIterator[bytes]:
        yield b" "
        await go_on.wait()
        yield json.dumps(payload).encode()

    with watched() as (handling, _):
        sending = asyncio.create_task(client.post(PATH, data=arriving()))
        await handling.wait()
    return sending, go_on


async def test_loaded_anew_while_it_arrives(
    hass: HomeAssistant, loaded: MockConfigEntry, client: Client, announced: list[Event]
) -> None:
    """What is still arriving when the entry is loaded anew is taken; what arrives while it is not, is not."""
    sending, go_on = await begin_to_post(client, PRINTER | FULL)
    await reload(hass)
    go_on.set()
    assert (await sending).status == 200
    sending, go_on = await begin_to_post(client, PRINTER | FULL | {"EventType": 4})
    await unload(hass)
    go_on.set()
    response = await sending
    assert (response.status, await response.text()) == (503, "not_ready")
    assert slugs(announced) == ["print_progress"]


async def test_not_loaded_yet(hass: HomeAssistant, entry: MockConfigEntry, send: Post, announced: list[Event]) -> None:
    """What arrives during the set-up is not taken, and a stranger learns nothing of that."""
    reading, go_on = asyncio.Event(), asyncio.Event()

    async def watch_slowly(*_: object) -> None:
        reading.set()
        await go_on.wait()

    with patch("custom_components.octoeverywhere.async_watch", watch_slowly):
        set_up = hass.async_create_task(hass.config_entries.async_setup(entry.entry_id))
        await reading.wait()
        response = await send(FULL)
        assert (response.status, await response.text()) == (503, "not_ready")
        assert (await send(FULL, SecretKey="wrong")).status == 401
        go_on.set()
        assert await set_up
    assert (await send(FULL)).status == 200
    assert slugs(announced) == ["print_progress"]
