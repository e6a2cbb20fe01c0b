"""Tests of the webhook: what is posted, what is answered, and what comes of it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
import gzip
import hmac
import json
import logging
from typing import Any, Final
from unittest.mock import patch
import zlib

from aiohttp import ClientResponse
from homeassistant.components import webhook
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE, MATCH_ALL
from homeassistant.core import CoreState, Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.storage import Store
from homeassistant.util.file import WriteError
from hypothesis import HealthCheck, given, settings, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from .conftest import (
    FULL,
    NUMBERS,
    PATH,
    PRINTER,
    SECRET,
    WEBHOOK_ID,
    Client,
    Clock,
    Disk,
    Post,
    device_of,
    issues,
    shown,
    slugs,
    value,
)

LIMIT = 16 * 1024


def body(size: int) -> bytes:
    """Return an acceptable notification of this many bytes."""
    return json.dumps(PRINTER | FULL).encode().ljust(size)


def logged(caplog: pytest.LogCaptureFixture, level: int = logging.DEBUG) -> list[str]:
    """Return what Home Assistant and the integration have logged since the test began; the web server logs for itself."""
    return [
        record.getMessage()
        for record in caplog.get_records("call")
        if record.levelno >= level and record.name.startswith(("homeassistant.", "custom_components."))
    ]


async def in_pieces(data: bytes) -> AsyncIterator[bytes]:
    """Send the data without saying beforehand how long it is."""
    for start in range(0, len(data), 1000):
        yield data[start : start + 1000]


@pytest.mark.parametrize(("slug", "number"), [*NUMBERS.items(), ("unknown", 0), ("unknown", -1), ("unknown", 2**40)])
async def test_accepted(post: Post, announced: list[Event], slug: str, number: int) -> None:
    """Every type of notification is accepted and announced, those to come included."""
    response = await post(FULL, EventType=number)
    assert response.status == 200
    assert [event.event_type for event in announced] == [f"octoeverywhere_{slug}"]
    assert announced[0].data["event_type"] == number


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("size", "status", "text"),
    [(LIMIT, 200, ""), (LIMIT + 1, 413, "body_too_large"), (4 * LIMIT, 413, "body_too_large")],
)
async def test_size(
    loaded: MockConfigEntry,
    client: Client,
    announced: list[Event],
    size: int,
    status: int,
    text: str,
    chunked: bool,
) -> None:
    """A body of up to 16 KiB is accepted, whether or not its length is known beforehand."""
    data = body(size)
    response = await client.post(PATH, data=in_pieces(data) if chunked else data)
    assert (response.status, await response.text()) == (status, text)
    assert len(announced) == (status == 200)


@pytest.mark.parametrize(
    ("data", "status", "text"),
    [
        (b"", 400, "not_json"),
        (b"PrinterId=printer-1", 400, "not_json"),
        (json.dumps(PRINTER | FULL).encode()[:-1], 400, "not_json"),
        (json.dumps(PRINTER | FULL | {"Progress": float("nan")}).encode(), 400, "not_json"),
        (json.dumps(PRINTER | FULL).encode().replace(b"Ender3", b"Ender\xff"), 400, "not_json"),
        (b"[" * 4000, 400, "not_json"),
        (b"null", 400, "not_an_object"),
        (b'"text"', 400, "not_an_object"),
        (json.dumps([PRINTER | FULL]).encode(), 400, "not_an_object"),
    ],
)
async def test_unusable_body(
    hass: HomeAssistant, post: Post, client: Client, announced: list[Event], data: bytes, status: int, text: str
) -> None:
    """What is not a JSON object is refused, and changes nothing."""
    await post(FULL)
    before = shown(hass)
    response = await client.post(PATH, data=data)
    await hass.async_block_till_done()
    assert (response.status, await response.text()) == (status, text)
    assert shown(hass) == before
    assert len(announced) == 1


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", body(1000)),
        ("gzip", gzip.compress(body(1000)).replace(b"\x08", b"\x07", 1)),
        ("deflate", body(1000).replace(b"{", b"\x78", 1)),
    ],
    ids=["not packed", "packed in another way", "begins as if packed"],
)
async def test_damaged_body(
    hass: HomeAssistant,
    post: Post,
    client: Client,
    announced: list[Event],
    caplog: pytest.LogCaptureFixture,
    encoding: str,
    data: bytes,
) -> None:
    """What is not packed as it says is refused without a word in the log, and changes nothing."""
    await post(FULL)
    before = shown(hass)
    response = await client.post(PATH, data=data, headers={"Content-Encoding": encoding})
    await hass.async_block_till_done()
    assert (response.status, await response.text()) == (400, "body_unreadable")
    assert shown(hass) == before
    assert len(announced) == 1
    assert logged(caplog, logging.WARNING) == []


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_packed_body(post: Post, client: Client, announced: list[Event], encoding: str, pack: Any) -> None:
    """What is packed as it says is a notification like any other, and none that is too large once unpacked."""
    for size, status in ((LIMIT, 200), (LIMIT + 1, 413), (2**24, 413)):
        response = await client.post(PATH, data=pack(body(size)), headers={"Content-Encoding": encoding})
        assert response.status == status
    assert slugs(announced) == ["print_progress"]


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
    post: Post,
    client: Client,
    announced: list[Event],
    caplog: pytest.LogCaptureFixture,
    head: str,
    data: bytes,
) -> None:
    """Of a notification whose sender is gone before its end nothing is kept, though what came may look whole."""
    await post(FULL)
    before = shown(hass)
    handling, handled = asyncio.Event(), asyncio.Event()
    handle = webhook.async_handle_webhook

    async def watch(*arguments: Any) -> Any:
        handling.set()
        try:
            return await handle(*arguments)
        finally:
            handled.set()

    with patch("homeassistant.components.webhook.async_handle_webhook", watch):
        _, sender = await asyncio.open_connection(client.host, client.port)
        sender.write(f"POST {PATH} HTTP/1.1\r\nHost: home\r\n{head}\r\n\r\n".encode())
        await handling.wait()
        sender.write(data)
        sender.close()
        await sender.wait_closed()
        await handled.wait()
    await hass.async_block_till_done()
    assert shown(hass) == before
    assert len(announced) == 1
    assert logged(caplog, logging.WARNING) == []


@pytest.mark.parametrize(
    ("changes", "status", "text"),
    [
        ({"SecretKey": None}, 401, "wrong_secret_key"),
        ({"SecretKey": ""}, 401, "wrong_secret_key"),
        ({"SecretKey": SECRET.upper()}, 401, "wrong_secret_key"),
        ({"SecretKey": f"{SECRET} "}, 401, "wrong_secret_key"),
        ({"SecretKey": "µ"}, 401, "wrong_secret_key"),
        ({"SecretKey": 12345}, 401, "wrong_secret_key"),
        ({"SecretKey": True}, 401, "wrong_secret_key"),
        ({"SecretKey": [SECRET]}, 401, "wrong_secret_key"),
        ({"SecretKey": "wrong", "PrinterId": None}, 401, "wrong_secret_key"),
        ({"SecretKey": "wrong", "EventType": None}, 401, "wrong_secret_key"),
        ({"PrinterId": None}, 400, "no_usable_printer_id"),
        ({"PrinterId": ""}, 400, "no_usable_printer_id"),
        ({"PrinterId": 7}, 400, "no_usable_printer_id"),
        ({"PrinterId": "p" * 256}, 400, "no_usable_printer_id"),
        ({"PrinterId": None, "EventType": None}, 400, "no_usable_printer_id"),
        ({"EventType": None}, 400, "no_usable_event_type"),
        ({"EventType": True}, 400, "no_usable_event_type"),
        ({"EventType": "print_started"}, 400, "no_usable_event_type"),
        ({"EventType": 1.5}, 400, "no_usable_event_type"),
        ({"EventType": [1]}, 400, "no_usable_event_type"),
    ],
)
@pytest.mark.parametrize("absent", [False, True])
async def test_refused(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    client: Client,
    announced: list[Event],
    hass_storage: dict[str, Any],
    changes: dict[str, Any],
    status: int,
    text: str,
    absent: bool,
) -> None:
    """What lacks the secret, the printer or the type is refused, in this order, and changes nothing."""
    payload = PRINTER | FULL | changes
    if absent:
        payload = {key: value for key, value in payload.items() if value is not None}
    response = await client.post(PATH, json=payload)
    await hass.async_block_till_done()
    assert (response.status, await response.text()) == (status, text)
    assert device_of(hass) is None
    assert shown(hass) == {}
    assert announced == []
    assert not [key for key in hass_storage if key.startswith("octoeverywhere")]


def everything(hass: HomeAssistant, entry: MockConfigEntry, hass_storage: dict[str, Any]) -> dict[str, Any]:
    """Return all that a notification can change: states, devices, entities, and what is on the disk."""
    return {
        "states": {state.entity_id: state.as_dict() for state in hass.states.async_all()},
        "devices": dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id),
        "entities": list(er.async_get(hass).entities.values()),
        "files": {key: json.dumps(data) for key, data in hass_storage.items() if key.startswith("octoeverywhere")},
    }


@pytest.fixture
def heard(hass: HomeAssistant) -> list[str]:
    """Collect the types of all events."""
    events: list[str] = []

    @callback
    def collect(event: Event) -> None:
        events.append(str(event.event_type))

    hass.bus.async_listen(MATCH_ALL, collect)
    return events


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
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_nobody_gets_in(
    hass: HomeAssistant,
    post: Post,
    loaded: MockConfigEntry,
    client: Client,
    disk: Disk,
    heard: list[str],
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    payloads: list[dict[str, Any]],
) -> None:
    """Whoever does not know the secret changes nothing, whatever they say; the owner is told once, under Repairs."""
    await post(FULL)
    caplog.set_level(logging.WARNING, logger="aiohttp.access")  # as Home Assistant has it
    caplog.set_level(logging.INFO)
    for name in ("custom_components.octoeverywhere", "homeassistant.components.webhook"):
        caplog.set_level(logging.DEBUG, logger=name)
    before, writes = everything(hass, loaded, hass_storage), disk.writes
    heard.clear()
    caplog.clear()
    for payload in payloads:
        response = await client.post(PATH, json=payload)
        assert (response.status, await response.text()) == (401, "wrong_secret_key")
    await hass.async_block_till_done()
    assert everything(hass, loaded, hass_storage) == before
    assert disk.writes == writes
    # asyncio's own say how long something took, on a busy computer.
    assert [record for record in caplog.records if record.name != "asyncio"] == []
    assert heard == ["repairs_issue_registry_updated"]
    assert issues(hass) == {"wrong_secret_key"}


@pytest.mark.parametrize("secret", ["k", SECRET, "x" * 128, "ключ 🔑 ß"])
async def test_secret_is_compared_in_constant_time(
    hass: HomeAssistant, entry: MockConfigEntry, send: Post, announced: list[Event], secret: str
) -> None:
    """How long it takes to refuse a key does not tell how much of it is right, whatever is in it."""
    hass.config_entries.async_update_entry(entry, data={**entry.data, "secret_key": secret})
    assert await hass.config_entries.async_setup(entry.entry_id)
    received = [secret, f"{secret}k", secret[:-1], secret.swapcase() + "ß", "🔑" * 500, ""]
    with patch("custom_components.octoeverywhere.webhook.hmac.compare_digest", wraps=hmac.compare_digest) as compare:
        statuses = [(await send(FULL, SecretKey=key)).status for key in received]
    await hass.async_block_till_done()
    assert statuses == [200, *[401] * (len(received) - 1)]
    assert [call.args for call in compare.call_args_list] == [(key.encode(), secret.encode()) for key in received]
    assert slugs(announced) == ["print_progress"]


@pytest.mark.parametrize("entry_data", [{"webhook_id": WEBHOOK_ID, "secret_key": "", "connection": "lan"}])
@pytest.mark.parametrize("received", [None, "", "anything", 12345])
async def test_no_secret_of_ours(post: Post, announced: list[Event], received: object) -> None:
    """Without a secret key of ours, a notification may carry any or none."""
    response = await post(EventType=1, SecretKey=received)
    assert response.status == 200
    assert slugs(announced) == ["print_started"]


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_other_methods(
    hass: HomeAssistant, loaded: MockConfigEntry, client: Client, announced: list[Event], method: str
) -> None:
    """Only a POST is a notification."""
    response = await client.request(method, PATH, json=PRINTER | FULL)
    await hass.async_block_till_done()
    assert response.status == 405
    assert device_of(hass) is None
    assert announced == []


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


@pytest.mark.parametrize(("connection", "is_accepted"), [("lan", False), ("cloud", True), ("internet", True)])
async def test_request_from_outside(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    send: Post,
    announced: list[Event],
    connection: str,
    is_accepted: bool,
) -> None:
    """An address for the local network is for the local network only; Home Assistant answers 200 so as not to tell."""
    hass.config_entries.async_update_entry(entry, data={**entry.data, "connection": connection})
    assert await hass.config_entries.async_setup(entry.entry_id)
    with patch("homeassistant.components.webhook.network_util.is_local", return_value=False):
        response = await send(FULL)
    await hass.async_block_till_done()
    assert response.status == 200
    assert bool(announced) is is_accepted
    assert (device_of(hass) is not None) is is_accepted


async def test_discretion(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    client: Client,
    send: Post,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever is turned away, the webhook's id is not in the log, and nobody can fill that."""
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, logger="homeassistant.components.webhook")
    for method in ("GET", "PUT", "HEAD", "GET", "PUT"):
        await client.request(method, PATH)
    with patch("homeassistant.components.webhook.network_util.is_local", return_value=False):
        for _ in range(3):
            await send(FULL)
    await send(FULL, SecretKey="wrong")
    await send(FULL)
    await hass.async_block_till_done()
    assert [text for text in logged(caplog) if WEBHOOK_ID in text or SECRET in text] == []
    (warning,) = logged(caplog, logging.WARNING)
    assert "turned away" in warning


async def test_discretion_about_ours_alone(
    hass: HomeAssistant, loaded: MockConfigEntry, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """What Home Assistant says of other webhooks stays, however similar their ids are, and of ours once it is no more."""
    caplog.set_level(logging.INFO)
    other = f"{WEBHOOK_ID[:-1]}-of-another"

    async def answer(*_: object) -> None:
        """Accept everything."""

    webhook.async_register(hass, "other", "Other", other, answer, allowed_methods=["POST"])
    await client.get(f"/api/webhook/{other}")
    await client.get(f"/api/webhook/{other}")
    await client.post("/api/webhook/nobody")
    await client.post(f"{PATH}x")  # would tell ours
    said = f"Webhook {other} only supports POST methods but GET was received from 127.0.0.1"
    unknown = "Received message for unregistered webhook {} from 127.0.0.1".format
    assert logged(caplog, logging.INFO) == [said, said, unknown("nobody")]

    caplog.clear()
    assert await hass.config_entries.async_unload(loaded.entry_id)
    await client.post(PATH)
    assert unknown(WEBHOOK_ID) in logged(caplog)
    assert logging.getLogger("homeassistant.components.webhook").filters == []


async def test_discretion_after_reload(
    hass: HomeAssistant, loaded: MockConfigEntry, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """However often the entry is loaded, there is one to keep the secret."""
    caplog.set_level(logging.INFO)
    for _ in range(3):
        assert await hass.config_entries.async_reload(loaded.entry_id)
        await hass.async_block_till_done()
    assert len(logging.getLogger("homeassistant.components.webhook").filters) == 1
    await client.get(PATH)
    assert WEBHOOK_ID not in " ".join(logged(caplog))
    assert len(logged(caplog, logging.WARNING)) == 1


@pytest.mark.parametrize(("secret", "status"), [(SECRET, 200), ("wrong", 401)])
async def test_cloudhook(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
    announced: list[Event],
    secret: str,
    status: int,
) -> None:
    """A request that Home Assistant hands on, as those from its cloud, is answered as one of our own network."""
    websocket = await hass_ws_client(hass)
    await websocket.send_json_auto_id(
        {
            "type": "webhook/handle",
            "webhook_id": WEBHOOK_ID,
            "method": "POST",
            "body": json.dumps(PRINTER | FULL | {"SecretKey": secret}),
        }
    )
    answer = await websocket.receive_json()
    await hass.async_block_till_done()
    assert answer["result"]["status"] == status
    assert len(announced) == (status == 200)


async def test_answer_waits_for_the_disk(hass: HomeAssistant, post: Post, announced: list[Event], disk: Disk) -> None:
    """A notification is answered, shown and announced when it is on the disk, and not before."""
    await post(FULL)
    disk.hold()
    answer = asyncio.create_task(post(FULL, EventType=4))
    await disk.writing.wait()
    assert not answer.done()
    assert value(hass, "sensor.ender3_status") == "printing"
    assert slugs(announced) == ["print_progress"]

    disk.release()
    assert (await answer).status == 200
    assert value(hass, "sensor.ender3_status") == "paused"
    assert slugs(announced) == ["print_progress", "print_paused"]


@pytest.mark.parametrize("is_known", [False, True])
async def test_not_saved(
    hass: HomeAssistant,
    post: Post,
    announced: list[Event],
    disk: Disk,
    hass_storage: dict[str, Any],
    is_known: bool,
) -> None:
    """What could not be saved is shown and announced at once, asked for again, and then only saved."""
    if is_known:
        await post(FULL, EventType=1)
        announced.clear()
    disk.error = WriteError("No space left on device")
    response = await post(FULL, EventType=4)
    assert (response.status, await response.text()) == (503, "not_saved_send_again")
    assert value(hass, "sensor.ender3_status") == "paused"
    assert slugs(announced) == ["print_paused"]
    assert "paused" not in json.dumps(hass_storage)

    disk.error = None
    response = await post(FULL, EventType=4)
    assert response.status == 200
    assert value(hass, "sensor.ender3_status") == "paused"
    assert slugs(announced) == ["print_paused"]
    assert "paused" in json.dumps(hass_storage)

    await post(FULL, EventType=5)
    assert slugs(announced) == ["print_paused", "print_resumed"]


async def test_several_not_saved(post: Post, announced: list[Event], disk: Disk) -> None:
    """However many notifications could not be saved, and in whichever order they come again, each is announced once."""
    disk.error = WriteError("No space left on device")
    for number in (1, 10, 14):
        assert (await post(FULL, EventType=number)).status == 503
    disk.error = None
    for number in (10, 1, 14):
        assert (await post(FULL, EventType=number)).status == 200
    assert slugs(announced) == ["print_started", "first_layer_complete", "third_layer_complete"]


async def test_not_saved_and_given_up(post: Post, announced: list[Event], disk: Disk, clock: Clock) -> None:
    """What is never sent again, because nobody tries any more, does not keep the same from being announced later on."""
    error = {"EventType": 9, "Error": "Too hot"}
    disk.error = WriteError("No space left on device")
    assert (await post(error)).status == 503
    await clock.elapse(timedelta(minutes=15))
    assert (await post(error)).status == 503
    disk.error = None
    await clock.elapse(timedelta(minutes=30))
    assert (await post(error)).status == 200
    assert slugs(announced) == ["error"] * 2


async def begin_to_post(client: Client, payload: dict[str, Any]) -> tuple[asyncio.Task[ClientResponse], asyncio.Event]:
    """Post a notification whose body arrives only once the event is set; return when Home Assistant waits for it."""
    is_arriving, go_on = asyncio.Event(), asyncio.Event()
    handle = webhook.async_handle_webhook

    async def watch(*arguments: Any) -> Any:
        is_arriving.set()
        return await handle(*arguments)

    async def body() -> AsyncIterator[bytes]:
        yield b" "
        await go_on.wait()
        yield json.dumps(payload).encode()

    with patch("homeassistant.components.webhook.async_handle_webhook", watch):
        sending = asyncio.create_task(client.post(PATH, data=body()))
        await is_arriving.wait()
    return sending, go_on


async def test_loaded_anew_while_it_arrives(
    hass: HomeAssistant, loaded: MockConfigEntry, client: Client, announced: list[Event]
) -> None:
    """What is still arriving when the entry is loaded anew is asked for again."""
    sending, go_on = await begin_to_post(client, PRINTER | FULL | {"SecretKey": loaded.data["secret_key"]})
    assert await hass.config_entries.async_reload(loaded.entry_id)
    go_on.set()
    response = await sending
    assert (response.status, await response.text()) == (503, "not_ready_send_again")
    assert announced == []


async def test_not_loaded_yet(hass: HomeAssistant, entry: MockConfigEntry, send: Post, announced: list[Event]) -> None:
    """What arrives during the set-up is asked for again."""
    reading, go_on = asyncio.Event(), asyncio.Event()
    load = Store.async_load

    async def load_slowly(store: Store[Any]) -> Any:
        reading.set()
        await go_on.wait()
        return await load(store)

    with patch.object(Store, "async_load", load_slowly):
        set_up = hass.async_create_task(hass.config_entries.async_setup(entry.entry_id))
        await reading.wait()
        response = await send(FULL)
        assert (response.status, await response.text()) == (503, "not_ready_send_again")
        go_on.set()
        assert await set_up
    assert (await send(FULL)).status == 200
    assert slugs(announced) == ["print_progress"]


async def test_not_loaded_any_more(
    hass: HomeAssistant, loaded: MockConfigEntry, send: Post, disk: Disk, announced: list[Event]
) -> None:
    """An unload waits for what has arrived; what arrives from then on is asked for again."""
    disk.hold()
    first = asyncio.create_task(send(FULL))
    await disk.writing.wait()
    unload = hass.async_create_task(hass.config_entries.async_unload(loaded.entry_id))
    second = await send(FULL, EventType=4)
    assert (second.status, await second.text()) == (503, "not_ready_send_again")
    assert not unload.done()

    disk.release()
    assert (await first).status == 200
    assert await unload
    assert slugs(announced) == ["print_progress"]


@pytest.mark.parametrize(
    ("slug", "is_known"),
    [
        ("print_paused", False),
        ("print_paused", True),
        pytest.param(
            "test",
            False,
        ),
        ("test", True),
    ],
)
async def test_stopping(
    hass: HomeAssistant,
    post: Post,
    loaded: MockConfigEntry,
    client: Client,
    announced: list[Event],
    slug: str,
    is_known: bool,
) -> None:
    """What Home Assistant's stop overtakes is asked for again, and announced once after the restart."""
    if is_known:
        await post(FULL)
        announced.clear()
    sending, go_on = await begin_to_post(client, PRINTER | FULL | {"EventType": NUMBERS[slug]})
    hass.set_state(CoreState.stopping)
    go_on.set()
    response = await sending
    hass.set_state(CoreState.final_write)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done()
    hass.set_state(CoreState.running)
    assert (response.status, await response.text()) == (503, "not_saved_send_again")
    assert announced == []

    assert await hass.config_entries.async_reload(loaded.entry_id)
    assert (await post(FULL, EventType=NUMBERS[slug])).status == 200
    assert slugs(announced) == [slug]


async def test_unexpected_error(
    hass: HomeAssistant, post: Post, announced: list[Event], caplog: pytest.LogCaptureFixture
) -> None:
    """An error of our own is not answered with 200, and what is sent again makes up for it."""
    with patch(
        "custom_components.octoeverywhere.store.PrinterStore.async_save", side_effect=RuntimeError("Unheard of")
    ):
        response = await post(FULL)
    assert response.status == 500
    assert "Unheard of" in caplog.text
    assert announced == []

    assert (await post(FULL)).status == 200
    assert slugs(announced) == ["print_progress"]
    assert value(hass, "sensor.ender3_status") == "printing"
    assert value(hass, "event.ender3_notification") is not None
