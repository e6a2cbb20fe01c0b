"""What comes out of the body of a POST: everything it says is in the event on Home Assistant's bus."""

from datetime import UTC, datetime, timedelta
import json
from typing import Any, Final

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers.json import json_bytes
from hypothesis import given, settings, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.octoeverywhere.payload import Notification, PayloadError, parse_json

from .conftest import FULL, NUMBERS, PATH, PRINTER, SECRET, Client, Post, value

NOW: Final = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
YEAR: Final = 365 * 24 * 60 * 60
# It is announced as it is, always, and changes nothing.
TEST: Final = NUMBERS["test"]

NO_LINES: Final = ("\n", "\r\n\t", "\x1b", " \x7f\x85 ", "\u2028\u2029", "\0\x01\0")
NO_TEXT: Final[tuple[Any, ...]] = (5, 2.5, True, [], ["text"], {}, {"a": "text"}, "", " \t\n", "\0", " \0 ")
NO_NUMBER: Final[tuple[Any, ...]] = (
    True,
    False,
    "",
    " ",
    "ten",
    "10 %",
    "NaN",
    "nan",
    "Infinity",
    "-inf",
    [],
    [21],
    {},
    {"a": 1},
)
NO_ID: Final[tuple[Any, ...]] = (None, 5, 2.5, True, [], {}, "", "  ", "a\0b", "x" * 256)
IDS: Final = ("Id", "x" * 255, " padded ", "Ä/ö:%", "0")
NO_LINK: Final[tuple[Any, ...]] = (
    5,
    True,
    [],
    {},
    "",
    "https://...",
    "https://",
    "https:///path",
    "octoeverywhere.com/view",
    "//octoeverywhere.com/view",
    "javascript:alert(1)",
    "javascript://octoeverywhere.com/%0aalert(1)",
    "data:text/html,hello",
    "ftp://octoeverywhere.com/view",
    "file:///etc/passwd",
    "https://name:password@octoeverywhere.com/view",
    "https://name@octoeverywhere.com/view",
    "https://:password@octoeverywhere.com/view",
    "https://octoeverywhere.com/a view",
    " https://octoeverywhere.com/view",
    "https://octoeverywhere.com/view\n",
    "https://octoeverywhere.com/\0view",
    "https://octoeverywhere.com/\u202eview",
    "https://octoeverywhere.com:99999/view",
    "https://octoeverywhere.com:port/view",
    "https://[]@",
    "https://[::1/view",
    "https://]/",
    "https://xn--a/view",
    "https://\u2100.com/",
    "https://octoeverywhere..com/",
    'https://octoeverywhere.com/"onclick="view',
    "https://octoeverywhere.com/<view",
    "https://octoeverywhere.com/view>",
    "https://octoeverywhere.com/" + "x" * 2048,
)
LINKS: Final = (
    "https://octoeverywhere.com/view?id=1&b=%20#top",
    "http://192.168.1.5/snapshot.jpg",
    "http://printer.local:5000/",
    "http://octoprint/",
    "http://[fd00::1]:8080/",
    "HTTPS://OCTOEVERYWHERE.COM/view",
    "https://octoeverywhere.com/größe/🦑",
    "https://xn--mnchen-3ya.de/view",
)
# Marks that set the direction of writing or join letters are part of a name.
NAMES: Final = (
    "benchy.gcode",
    " padded ",
    "größe 🦑.gcode",
    "\u200fשלם\u200e 3",
    "\u202bقلم\u202c",
    "👩\u200d🔧",
    "x" * 10_000,
    # Line breaks and other controls are not.
    ("two\nlines", "two lines"),
    ("two\r\nlines", "two  lines"),
    ("\ttab", " tab"),
    ("a\x1b[31mb\x7fc\x85d", "a [31mb c d"),
    ("a\u2028b\u2029c", "a b c"),
    ("שלם\u200f\n🦑", "שלם\u200f 🦑"),
    ("a\0b", "ab"),
)
TEXTS: Final = ("größe 🦑", " padded ", "x" * 10_000, "two\nlines", "\ttabs\r\nand\u2028more\x1b[0m", ("a\0b", "ab"))
NUMERALS: Final = ((21.0, 21), ("21", 21), ("21.0", 21), (" 21 ", 21), (21.9, 21), ("2.1e1", 21))
SECONDS: Final = (0, 21, 10 * YEAR, *NUMERALS)
NO_SECONDS: Final = (*NO_NUMBER, 11 * YEAR, 10**18, 1e300, "1e400")
NO_COUNT: Final = (*NO_NUMBER, -1, 10**9 + 1, 1e300)

# The key on the wire; the field of the event; what is taken over as it is, or as the second of two; what counts as absent.
FIELDS: Final[dict[str, tuple[str, tuple[Any, ...], tuple[Any, ...]]]] = {
    "PrinterId": ("printer_id", IDS, ()),
    "PrinterName": ("printer_name", NAMES, (*NO_TEXT, *NO_LINES)),
    "PrintId": ("print_id", IDS, NO_ID),
    "FileName": ("file_name", NAMES, (*NO_TEXT, *NO_LINES, "None")),
    "Error": ("error", TEXTS, NO_TEXT),
    "PlatformErrorCode": (
        "error_code",
        ("33", "0300-8011", *TEXTS, (33, "33"), (-1, "-1"), (0, "0")),
        (2.5, True, False, [], {}, "", "  ", "\0"),
    ),
    "SnapshotUrl": ("snapshot_url", LINKS, NO_LINK),
    "QuickViewUrl": ("quick_view_url", LINKS, NO_LINK),
    "DurationSec": ("duration", SECONDS, (*NO_SECONDS, -1, -0.5, "-1")),
    "Progress": ("progress", (0, 21, 100, *NUMERALS), (*NO_NUMBER, -1, 101, 100.5, "101", 1e300)),
    # A print that is overdue has no time left; -1 says that nobody knows.
    "TimeRemainingSec": (
        "time_remaining",
        (*SECONDS, (-2, 0), (-50.0, 0), ("-3", 0), (-0.5, 0), (-1.5, 0), (-1e300, 0)),
        (*NO_SECONDS, -1, -1.0, "-1"),
    ),
    "ZOffsetMM": (
        "z_offset",
        (0, 300, -2, 0.25, -0.05, 10**9, ("300", 300), (300.0, 300), ("0.25", 0.25), (-0.0, 0)),
        (*NO_NUMBER, 10**9 + 1, -(10**9) - 1, 1e300),
    ),
    "CurrentLayer": ("current_layer", (0, 21, 10**9, *NUMERALS), NO_COUNT),
    # A layer of none is as good as nothing.
    "TotalLayers": ("total_layers", (1, 21, 10**9, *NUMERALS), (*NO_COUNT, 0, "0")),
}


@pytest.fixture(autouse=True)
def _now(freezer: FrozenDateTimeFactory) -> None:
    """Stop the clock."""
    freezer.move_to(NOW)


@pytest.mark.parametrize("key", FIELDS)
async def test_field(loaded: MockConfigEntry, client: Client, announced: list[Event], key: str) -> None:
    """Each field takes what is usable; what is not counts as absent, and takes nothing else with it."""
    field, usable, unusable = FIELDS[key]
    rows = [*(row if isinstance(row, tuple) else (row, row) for row in usable), *((row, None) for row in unusable)]
    without = {name: said for name, said in (PRINTER | FULL).items() if name != key or key == "PrinterId"}
    for said in ({}, *({key: received} for received, _ in rows)):
        assert (await client.post(PATH, json=without | {"EventType": TEST} | said)).status == 200, said
    absent, *others = [dict(event.data) for event in announced]
    for (received, expected), data in zip(rows, others, strict=True):
        assert (data[field], type(data[field])) == (expected, type(expected)), received
        changed = {field: expected}
        if field == "time_remaining" and expected is not None:
            changed["estimated_finish"] = (NOW + timedelta(seconds=expected)).isoformat()
        assert data == absent | changed, received


def test_every_field() -> None:
    """No field is forgotten."""
    assert set(FIELDS) == {*PRINTER, *FULL} - {"SecretKey", "EventType"}


async def test_event_type(send: Post, loaded: MockConfigEntry, announced: list[Event]) -> None:
    """Each EventType has its event, however its number is written; any other number is kept, and of unknown type."""
    numbers = [*NUMBERS.items(), *(("unknown", number) for number in (0, 999, -1, 2**53, -(2**53)))]
    for slug, number in numbers:
        for written in (number, float(number), str(number), f"{number}.0"):
            assert (await send(EventType=written)).status == 200
            assert announced[-1].event_type == f"octoeverywhere_{slug}"
            data = announced[-1].data
            assert (data["type"], data["event_type"], type(data["event_type"])) == (slug, number, int)


# What the end of a print says, in Error and PlatformErrorCode, and whether somebody cancelled it.
ENDINGS: Final = (
    ("cancelled", "PrintFailed", True),  # OctoPrint, cancelled
    ("error", "PrintFailed", False),  # OctoPrint, failed
    ("cancelled", None, True),  # OctoPrint without a code
    ("error", None, False),  # OctoPrint without a code, failed
    ("Cancelled by the user", None, None),  # other words
    (None, "PrintFailed", None),  # no words
    (None, None, None),  # nothing
    (None, "cancelled", True),  # Klipper, cancelled
    ("cancelled", "error", None),  # a message of the printer
    ("The task was canceled.", "0300400C", True),  # Bambu, cancelled
    (None, "0500400E", True),  # Bambu, cancelled at the screen
    ("Printing stopped because ...", "05004003", False),  # Bambu, failed
    (None, "03008003", None),  # Bambu, what paused it
    (None, "FAILED", None),  # Bambu does not say
    (None, "CurrentStatus=1;PrintInfoStatus=8", True),  # Elegoo, cancelled
    (None, "PrintInfoStatus=14;CurrentStatus=1", True),  # Elegoo, stopped
    (None, "CurrentStatus=1;PrintInfoStatus=81", None),  # Elegoo, another number
    ("Stopping", "machine_status=2;sub_status=2503", True),  # Centauri 2, stopping
    (None, "machine_status=2;sub_status=2504;x=1", True),  # Centauri 2, stopped
    (None, "machine_status=14;sub_status=0", None),  # Centauri 2, something else
    (None, "printer_state=STOPPED;job_state=STOPPED", True),  # PrusaLink, cancelled
    (None, "printer_state=STOPPED", True),  # PrusaLink without a job
    (None, "printer_state=ERROR;job_state=ERROR", None),  # PrusaLink, failed
)


async def test_cancelled(hass: HomeAssistant, post: Post, announced: list[Event]) -> None:
    """Whether somebody cancelled a print is read from the words of each make; where they do not tell, it has failed."""
    counted = {True: 0, False: 0}
    for index, (error, code, cancelled) in enumerate(ENDINGS):
        said = {"PrintId": f"print-{index}", "Error": error, "PlatformErrorCode": code}
        await post(said, EventType=NUMBERS["print_started"], DurationSec=0)
        # The same words do not make another notification the end of a print.
        assert announced[-1].data["cancelled"] is None
        await post(said, EventType=NUMBERS["print_failed"], DurationSec=0)
        assert announced[-1].data["cancelled"] is cancelled, said
        assert value(hass, "sensor.ender3_status") == ("cancelled" if cancelled else "failed")
        counted[bool(cancelled)] += 1
        assert value(hass, "sensor.ender3_prints_cancelled") == str(counted[True])
        assert value(hass, "sensor.ender3_prints_failed") == str(counted[False])
    assert value(hass, "sensor.ender3_prints_completed") == "0"


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ({"CurrentLayer": 0, "TotalLayers": 0}, ("unknown", "unknown")),
        ({"CurrentLayer": "0", "TotalLayers": 0.0}, ("unknown", "unknown")),
        ({"CurrentLayer": 0, "TotalLayers": 100}, ("0", "100")),
        ({"CurrentLayer": 7, "TotalLayers": 0}, ("7", "unknown")),
        ({"CurrentLayer": 0}, ("0", "100")),
        ({"TotalLayers": 0}, ("50", "unknown")),
        ({}, ("50", "100")),
    ],
)
async def test_unknown(hass: HomeAssistant, post: Post, layers: dict[str, Any], expected: tuple[str, str]) -> None:
    """To say that something is unknown is more than to leave it out."""
    await post(FULL)
    await post(PrintId="print-1", EventType=6, Progress=22, TimeRemainingSec=-1, **layers)
    assert tuple(value(hass, f"sensor.ender3_{key}") for key in ("current_layer", "total_layers")) == expected
    assert {value(hass, f"sensor.ender3_{key}") for key in ("time_remaining", "estimated_finish")} == {"unknown"}
    await post(PrintId="print-1", EventType=6, Progress=23)
    assert tuple(value(hass, f"sensor.ender3_{key}") for key in ("current_layer", "total_layers")) == expected


async def test_documented_example(client: Client, loaded: MockConfigEntry, announced: list[Event]) -> None:
    """The example of OctoEverywhere's documentation is read in full, less its links, which are no links."""
    body = """
    {"PrinterId":"Id","SecretKey":"Key","PrintId":"Id","EventType":1,"PrinterName":"Ender3",
     "SnapshotUrl":"https://...","QuickViewUrl":"https://...","FileName":"MyCoolPrint","DurationSec":50,
     "Progress":21,"TimeRemainingSec":605,"ZOffsetMM":300,"CurrentLayer":50,"TotalLayers":100,
     "Error":"Oh no, something bad happened!","PlatformErrorCode":"33"}
    """.replace('"EventType":1', f'"EventType":{TEST}').replace('"Key"', f'"{SECRET}"')
    assert (await client.post(PATH, data=body)).status == 200
    assert dict(announced[0].data) == {
        "device_id": None,
        "printer_id": "Id",
        "printer_name": "Ender3",
        "print_id": "Id",
        "type": "test",
        "event_type": TEST,
        "file_name": "MyCoolPrint",
        "progress": 21,
        "duration": 50,
        "time_remaining": 605,
        "estimated_finish": "2026-03-14T09:36:58+00:00",
        "z_offset": 300,
        "current_layer": 50,
        "total_layers": 100,
        "error": "Oh no, something bad happened!",
        "error_code": "33",
        "cancelled": None,
        "snapshot_url": None,
        "quick_view_url": None,
        "source": "notification",
        "extra": {},
    }
    # A bare one has the same keys, and says null.
    await client.post(PATH, json={"PrinterId": "Id", "EventType": TEST, "SecretKey": SECRET})
    assert announced[1].data.keys() == announced[0].data.keys()
    assert {key: said for key, said in announced[1].data.items() if said is not None} == {
        "printer_id": "Id",
        "type": "test",
        "event_type": TEST,
        "source": "notification",
        "extra": {},
    }


def nested(depth: int) -> list[Any] | dict[str, Any] | int:
    """Return lists and objects inside each other."""
    if depth == 0:
        return 1
    return [nested(depth - 1)] if depth % 2 else {"a": nested(depth - 1)}


async def test_extra(loaded: MockConfigEntry, send: Post, announced: list[Event]) -> None:
    """Keys that are not known are kept as received; a known key and the secret are never among them."""
    known = {"Null": None, "Number": 1.5, "Text": " \0", "printerid": "no", "": {"a": [True, {}, []]}}
    for added, kept in (
        (known, known),
        ({"Deep": nested(16), "Beside": 1}, {"Deep": nested(16), "Beside": 1}),
        # What could not be written again inside a state is dropped, and only that.
        ({"Deep": nested(17), "Beside": 1}, {"Beside": 1}),
        ({"Deep": nested(500), "Beside": 1}, {"Beside": 1}),
        ({"Text": "x" * 8_000}, {"Text": "x" * 8_000}),
        # Far more than anybody adds is dropped altogether.
        ({"Text": "x" * 9_000}, {}),
        ({str(number): "x" * 90 for number in range(100)}, {}),
    ):
        assert (await send(FULL | added, EventType=TEST, Progress="unusable")).status == 200
        assert announced[-1].data["extra"] == kept
        assert announced[-1].data["file_name"] == FULL["FileName"]
        assert SECRET not in str(announced[-1].data)


async def test_extra_that_grows(client: Client, loaded: MockConfigEntry, announced: list[Event]) -> None:
    """What is short in a body and long when it is written again is measured as it is written."""
    for count in (400, 2_000):
        numbers = ",".join(["1e15"] * count)
        body = f'{{"PrinterId":"Id","EventType":{TEST},"SecretKey":"{SECRET}","Numbers":[{numbers}]}}'
        assert (await client.post(PATH, data=body)).status == 200
    assert [event.data["extra"] for event in announced] == [{"Numbers": [1e15] * 400}, {}]


async def test_sent_twice(post: Post, client: Client, announced: list[Event]) -> None:
    """What differs in any one value is news; the same in another order, with numbers written otherwise, is not."""
    limit = FULL | {"EventType": NUMBERS["notification_limit"], "Added": 1}
    await post(FULL)
    await post(limit)
    announced.clear()
    for key in {*limit, "PrinterName"} - {"EventType"}:
        await post(limit, **{key: None})
        assert len(announced) == 1, key
        announced.clear()
        await post(limit)
        assert announced == [], key
    written = {"DurationSec": "50", "Progress": 21.0, "CurrentLayer": "50.0"}
    body = json.dumps(dict(reversed((PRINTER | limit | written).items())))
    assert (await client.post(PATH, data=body)).status == 200
    assert announced == []
    # To say that something is unknown is not to leave it out.
    for said in ({"TimeRemainingSec": -1}, {"TotalLayers": 0}, {"CurrentLayer": 0, "TotalLayers": 0}):
        await post(limit, **said)
    assert len(announced) == 3


TEXT: Final = st.text(st.characters(codec="utf-8"), max_size=20)
VALUES: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.integers(-2, 110)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
    | st.sampled_from(("1", "-1", "21.0", "NaN", "1e999", "Id", "x" * 255, "x" * 256, "\0", "\ud83e"))
    | TEXT.map("https://{}".format)
    | st.text("a1.-:@/?#[]% ", max_size=20).map("http://{}".format)
    | st.integers(0, 40).map(nested),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(TEXT, values),
    max_leaves=6,
)
OBJECTS: Final = st.dictionaries(TEXT | st.sampled_from(tuple(FULL)), VALUES, max_size=4)
# A rejected body ends soon: most have what they need.
BODIES: Final = OBJECTS | st.builds(
    lambda known, weird, added: added | known | weird,
    st.fixed_dictionaries({"PrinterId": st.just("Id"), "EventType": st.integers(-1, 20)}),
    st.fixed_dictionaries({}, optional=dict.fromkeys(FULL, VALUES)),
    OBJECTS,
)


@given(body=BODIES, seconds=st.integers(0, 2**32))
@settings(max_examples=300, deadline=None)
def test_any_object(body: dict[str, Any], seconds: int) -> None:
    """Any JSON object is rejected, or becomes a notification whose event can be written again, whatever the order of its keys."""
    parsed = parse_json(json.dumps(body).encode())
    assert isinstance(parsed, dict)
    try:
        notification = Notification.from_payload(parsed)
    except PayloadError:
        return
    data = notification.as_event_data(datetime.fromtimestamp(seconds, UTC))
    assert "SecretKey" not in data["extra"]
    assert parse_json(json_bytes(data)) == data
    again = Notification.from_payload(dict(reversed(parsed.items())) | {"SecretKey": "another"})
    assert again.fingerprint == notification.fingerprint
