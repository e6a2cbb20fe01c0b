"""What comes out of the body of a POST."""

from datetime import UTC, datetime
import json
from typing import Any, Final

from homeassistant.helpers.json import json_bytes
from homeassistant.util.json import json_loads, json_loads_object
from hypothesis import given, settings, strategies as st
import pytest

from custom_components.octoeverywhere.payload import Notification, PayloadError

from .conftest import SECRET
from .kinds import KINDS

NOW: Final = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)
YEAR: Final = 365 * 24 * 60 * 60
ADDED_SINCE: Final = KINDS["unknown"].number

# The example of OctoEverywhere's documentation, letter for letter.
DOCUMENTED: Final = b"""
{"PrinterId":"Id","SecretKey":"Key","PrintId":"Id","EventType":1,"PrinterName":"Ender3",
 "SnapshotUrl":"https://...","QuickViewUrl":"https://...","FileName":"MyCoolPrint","DurationSec":50,
 "Progress":21,"TimeRemainingSec":605,"ZOffsetMM":300,"CurrentLayer":50,"TotalLayers":100,
 "Error":"Oh no, something bad happened!","PlatformErrorCode":"33"}
"""

FULL: Final = {
    "PrinterId": "printer-1",
    "SecretKey": SECRET,
    "PrintId": "print-1",
    "EventType": 6,
    "PrinterName": "Ender 3",
    "SnapshotUrl": "https://octoeverywhere.com/snapshots/1.jpg",
    "QuickViewUrl": "https://octoeverywhere.com/view/1",
    "FileName": "benchy.gcode",
    "DurationSec": 600,
    "Progress": 10,
    "TimeRemainingSec": 5400,
    "ZOffsetMM": 3,
    "CurrentLayer": 15,
    "TotalLayers": 150,
    "Error": "Something",
    "PlatformErrorCode": "33",
    "Added": [1, {"since": None}],
}

NO_LINES: Final = ("\n", "\r\n\t", "\x1b", " \x7f\x85 ", "\u2028\u2029", "\0\x01\0")
NO_TEXT: Final[tuple[Any, ...]] = (None, 5, 2.5, True, [], ["text"], {}, {"a": "text"}, "", " \t\n", "\0", " \0 ")
NO_NUMBER: Final[tuple[Any, ...]] = (
    None,
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
    None,
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
    "https://[::1/view",
    "https://xn--a/view",
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
)
TEXTS: Final = (*NAMES, "two\nlines", "\ttabs\r\nand\u2028more\x1b[0m")

WHOLE_NUMBERS: Final = (
    ("DurationSec", "duration"),
    ("Progress", "progress"),
    ("TimeRemainingSec", "time_remaining"),
    ("CurrentLayer", "current_layer"),
    ("TotalLayers", "total_layers"),
)
USABLE: Final[dict[tuple[str, str], tuple[Any, ...]]] = {
    ("PrinterId", "printer_id"): IDS,
    ("PrintId", "print_id"): IDS,
    ("PrinterName", "printer_name"): NAMES,
    ("FileName", "file_name"): NAMES,
    ("Error", "error"): TEXTS,
    ("PlatformErrorCode", "error_code"): ("33", "0300-8011", *TEXTS),
    ("SnapshotUrl", "snapshot_url"): LINKS,
    ("QuickViewUrl", "quick_view_url"): LINKS,
    ("DurationSec", "duration"): (0, 21, 10 * YEAR),
    ("Progress", "progress"): (0, 21, 100),
    ("TimeRemainingSec", "time_remaining"): (0, 21, 10 * YEAR),
    ("ZOffsetMM", "z_offset"): (0, 300, -2, 0.25, -0.05, 10**9),
    ("CurrentLayer", "current_layer"): (0, 21, 10**9),
    ("TotalLayers", "total_layers"): (1, 21, 10**9),
}
# Line breaks and other controls do not belong into a name.
LINES: Final = (
    ("two\nlines", "two lines"),
    ("two\r\nlines", "two  lines"),
    ("\ttab", " tab"),
    ("a\x1b[31mb\x7fc\x85d", "a [31mb c d"),
    ("a\u2028b\u2029c", "a b c"),
    ("שלם\u200f\n🦑", "שלם\u200f 🦑"),
)
CONVERTED: Final[dict[tuple[str, str], tuple[tuple[Any, Any], ...]]] = {
    ("PrinterName", "printer_name"): (("a\0b", "ab"), *LINES),
    ("FileName", "file_name"): (("\0a", "a"), *LINES),
    ("Error", "error"): (("a\0", "a"),),
    ("PlatformErrorCode", "error_code"): ((33, "33"), (-1, "-1"), (0, "0"), ("3\0003", "33")),
    ("ZOffsetMM", "z_offset"): (("300", 300), (300.0, 300), ("0.25", 0.25), (-0.0, 0)),
    **dict.fromkeys(WHOLE_NUMBERS, ((21.0, 21), ("21", 21), ("21.0", 21), (" 21 ", 21), (21.9, 21), ("2.1e1", 21))),
}
UNUSABLE: Final[dict[tuple[str, str], tuple[Any, ...]]] = {
    ("PrintId", "print_id"): NO_ID,
    ("PrinterName", "printer_name"): (*NO_TEXT, *NO_LINES),
    ("FileName", "file_name"): (*NO_TEXT, *NO_LINES, "None"),
    ("Error", "error"): NO_TEXT,
    ("PlatformErrorCode", "error_code"): (None, 2.5, True, False, [], {}, "", "  ", "\0"),
    ("SnapshotUrl", "snapshot_url"): NO_LINK,
    ("QuickViewUrl", "quick_view_url"): NO_LINK,
    ("DurationSec", "duration"): (*NO_NUMBER, -1, -0.5, "-1", 11 * YEAR, 10**18, 1e300, "1e400"),
    ("Progress", "progress"): (*NO_NUMBER, -1, 101, 100.5, "101", 1e300),
    ("TimeRemainingSec", "time_remaining"): (*NO_NUMBER, -1, -2, "-1", 11 * YEAR, 10**18, 1e300),
    ("ZOffsetMM", "z_offset"): (*NO_NUMBER, 10**9 + 1, -(10**9) - 1, 1e300),
    ("CurrentLayer", "current_layer"): (*NO_NUMBER, -1, 10**9 + 1, 1e300),
    ("TotalLayers", "total_layers"): (*NO_NUMBER, 0, -1, 10**9 + 1, 1e300),
}


def flat(table: dict[tuple[str, str], tuple[Any, ...]]) -> list[Any]:
    """Return a table's rows, the value cut short in the name of the test."""
    return [
        pytest.param(key, field, value, id=f"{key}-{index}")
        for (key, field), values in table.items()
        for index, value in enumerate(values)
    ]


@pytest.fixture(autouse=True)
def _custom_integrations() -> None:
    """Do without a running Home Assistant, which every other test has."""


def read(payload: dict[str, Any]) -> Notification:
    """Return the notification that the bytes of a body become."""
    return Notification.from_payload(json_loads_object(json.dumps(payload).encode()))


def nested(depth: int) -> list[Any] | dict[str, Any] | int:
    """Return lists and objects inside each other."""
    if depth == 0:
        return 1
    return [nested(depth - 1)] if depth % 2 else {"a": nested(depth - 1)}


@pytest.mark.parametrize(("key", "field", "value"), flat(USABLE))
def test_usable_value(key: str, field: str, value: Any) -> None:
    """A usable value is taken over as it is."""
    taken = getattr(read(FULL | {key: value}), field)
    assert taken == value
    assert type(taken) is type(value)


@pytest.mark.parametrize(("key", "field", "value"), flat(CONVERTED))
def test_converted_value(key: str, field: str, value: tuple[Any, Any]) -> None:
    """A usable value of another shape is converted."""
    received, expected = value
    taken = getattr(read(FULL | {key: received}), field)
    assert taken == expected
    assert type(taken) is type(expected)


@pytest.mark.parametrize(("key", "field", "value"), flat(UNUSABLE))
def test_unusable_value(key: str, field: str, value: Any) -> None:
    """An unusable value counts as absent, and takes nothing else with it."""
    notification = read(FULL | {key: value})
    expected = read({name: value for name, value in FULL.items() if name != key})
    assert getattr(notification, field) is None
    assert notification.as_event_data(NOW) == expected.as_event_data(NOW)


@pytest.mark.parametrize(("number", "slug"), [(kind.number, slug) for slug, kind in KINDS.items()])
def test_type(number: int, slug: str) -> None:
    """Each EventType has its slug, however the number is written."""
    for value in (number, float(number), str(number), f"{number}.0"):
        notification = read({"PrinterId": "printer-1", "EventType": value})
        assert (notification.event_type, notification.type) == (number, slug)
        data = notification.as_event_data(NOW)
        assert (data["event_type"], data["type"]) == (number, slug)


@pytest.mark.parametrize("number", [0, ADDED_SINCE, 999, -1, 2**53, -(2**53)])
def test_type_added_since(number: int) -> None:
    """Any other number is acceptable, kept, and of unknown type."""
    notification = read({"PrinterId": "printer-1", "EventType": number})
    assert (notification.event_type, notification.type) == (number, "unknown")


@pytest.mark.parametrize(
    ("body", "key"),
    [
        pytest.param(body, key, id=f"{key}-{index}")
        for key, bodies in {
            "PrinterId": [
                {},
                {"EventType": 6},
                {"printerid": "printer-1", "EventType": 6},
                *(FULL | {"PrinterId": value} for value in NO_ID),
            ],
            "EventType": [
                {"PrinterId": "printer-1"},
                *(FULL | {"EventType": value} for value in (*NO_NUMBER, 6.5, "6.5", 2**53 + 2, -1e300)),
            ],
        }.items()
        for index, body in enumerate(bodies)
    ],
)
def test_rejected(body: dict[str, Any], key: str) -> None:
    """A body without usable PrinterId or EventType is rejected, and the error names which."""
    with pytest.raises(PayloadError, match=f"^{key}$") as caught:
        read(body)
    assert caught.value.key == key


def test_only_what_is_required() -> None:
    """Everything but PrinterId and EventType may be absent, and is unknown then."""
    assert read({"PrinterId": "printer-1", "EventType": 6}) == Notification(printer_id="printer-1", event_type=6)


@pytest.mark.parametrize("value", [-1, -1.0, "-1"])
def test_unknown_time_remaining(value: Any) -> None:
    """-1 seconds remaining is no number but says that it is unknown."""
    notification = read(FULL | {"TimeRemainingSec": value})
    assert notification.time_remaining is None
    assert notification.unknown == {"time_remaining"}
    assert notification.finish(NOW) is None


@pytest.mark.parametrize(
    ("layers", "expected", "unknown"),
    [
        ({"CurrentLayer": 0, "TotalLayers": 0}, (None, None), {"current_layer", "total_layers"}),
        ({"CurrentLayer": "0", "TotalLayers": 0.0}, (None, None), {"current_layer", "total_layers"}),
        ({"CurrentLayer": 0, "TotalLayers": 100}, (0, 100), set()),
        ({"CurrentLayer": 100, "TotalLayers": 100}, (100, 100), set()),
        ({"CurrentLayer": 0}, (0, None), set()),
        ({"TotalLayers": 0}, (None, None), {"total_layers"}),
        ({"CurrentLayer": 7, "TotalLayers": 0}, (7, None), {"total_layers"}),
        ({}, (None, None), set()),
    ],
)
def test_unknown_layers(layers: dict[str, Any], expected: tuple[int | None, int | None], unknown: set[str]) -> None:
    """Layers 0 of 0 are unknown; layer 0 of some, and a layer of none, are not."""
    notification = read({"PrinterId": "printer-1", "EventType": 6, **layers})
    assert (notification.current_layer, notification.total_layers) == expected
    assert notification.unknown == unknown


def test_documented_example() -> None:
    """The example of the documentation is read in full, less its links, which are no links."""
    assert Notification.from_payload(json_loads_object(DOCUMENTED)).as_event_data(NOW) == {
        "printer_id": "Id",
        "printer_name": "Ender3",
        "print_id": "Id",
        "type": "print_started",
        "event_type": 1,
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
        "snapshot_url": None,
        "quick_view_url": None,
        "extra": {},
    }


def test_event_data_of_a_bare_notification() -> None:
    """Absent values are null; every key is there nevertheless."""
    data = read({"PrinterId": "printer-1", "EventType": ADDED_SINCE, "SecretKey": SECRET}).as_event_data(NOW)
    documented = Notification.from_payload(json_loads_object(DOCUMENTED)).as_event_data(NOW)
    assert list(data) == list(documented)
    assert {key: value for key, value in data.items() if value is not None} == {
        "printer_id": "printer-1",
        "type": "unknown",
        "event_type": ADDED_SINCE,
        "extra": {},
    }


def test_extra_keys() -> None:
    """Keys that are not known are kept as received, whatever they hold; a known key and the secret never are."""
    added = {
        "Nothing": None,
        "Number": 1.5,
        "Text": "  \0",
        "printerid": "not PrinterId",
        "": {"SubKey": [True, {}, []]},
    }
    notification = read(FULL | added | {"Progress": "unusable"})
    assert notification.extra == {"Added": FULL["Added"], **added}
    assert notification.as_event_data(NOW)["extra"] == notification.extra
    assert SECRET not in json.dumps(notification.as_event_data(NOW))
    assert SECRET not in repr(notification)


@pytest.mark.parametrize(("depth", "is_kept"), [(0, True), (16, True), (17, False), (500, False)])
def test_extra_depth(*, depth: int, is_kept: bool) -> None:
    """A value nested too deep to be written again is dropped, and only that one."""
    extra = read({"PrinterId": "printer-1", "EventType": 6, "Deep": nested(depth), "Beside": 1}).extra
    assert extra == {"Beside": 1} | ({"Deep": nested(depth)} if is_kept else {})


@pytest.mark.parametrize(
    ("extra", "is_kept"),
    [
        ({"Text": "x" * 8_000}, True),
        ({"Text": "x" * 9_000}, False),
        ({str(number): "x" * 90 for number in range(100)}, False),
        # What is short in a body may be long when it is written again.
        ({"Numbers": [1e15] * 400}, True),
        ({"Numbers": [1e15] * 2_000}, False),
    ],
)
def test_extra_size(*, extra: dict[str, Any], is_kept: bool) -> None:
    """What is far more than anybody adds is dropped; everything else of the notification stays."""
    notification = read(FULL | extra)
    assert notification.extra == ({"Added": FULL["Added"]} | extra if is_kept else {})
    assert notification.progress == FULL["Progress"]


def test_event_data_is_a_copy() -> None:
    """Who changes the data of an event does not change the notification."""
    notification = read(FULL)
    notification.as_event_data(NOW)["extra"].clear()
    assert notification.extra == {"Added": FULL["Added"]}


@pytest.mark.parametrize("key", [key for key in FULL if key != "SecretKey"])
def test_fingerprint_of_another_notification(key: str) -> None:
    """Notifications that differ in any one value have different fingerprints."""
    others = {"PrinterId": "printer-2", "EventType": 7}
    assert read(FULL | {key: others.get(key)}).fingerprint != read(FULL).fingerprint


def test_fingerprint_of_the_unknown() -> None:
    """To say that something is unknown is not to leave it out."""
    bodies = [
        {"PrinterId": "printer-1", "EventType": 6, **keys}
        for keys in ({}, {"TimeRemainingSec": -1}, {"TotalLayers": 0}, {"CurrentLayer": 0, "TotalLayers": 0})
    ]
    assert len({read(body).fingerprint for body in bodies}) == len(bodies)


def test_fingerprint_of_the_same_in_other_words() -> None:
    """It is the meaning that counts, not how numbers are written, nor the secret key."""
    same = {"DurationSec": "600", "Progress": 10.0, "SecretKey": None}
    assert read(FULL | same).fingerprint == read(FULL).fingerprint


VALUES: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.integers(-2, 110)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20)
    | st.sampled_from(("1", "-1", "21.0", "NaN", "1e999", "Id", "x" * 255, "x" * 256, "\0"))
    | st.text(st.characters(codec="utf-8"), max_size=20).map("https://{}".format)
    | st.text("a1.-:@/?#[]% ", max_size=20).map("http://{}".format)
    | st.integers(0, 40).map(nested),
    lambda values: (
        st.lists(values, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), values)
    ),
    max_leaves=6,
)
OBJECTS: Final = st.dictionaries(
    st.text(st.characters(codec="utf-8"), max_size=10) | st.sampled_from(tuple(FULL)), VALUES, max_size=4
)
# A rejected body ends soon: most have what they need.
BODIES: Final = OBJECTS | st.builds(
    lambda known, weird, added: added | known | weird,
    st.fixed_dictionaries({"PrinterId": st.just("Id"), "EventType": st.integers(-1, 20)}),
    st.fixed_dictionaries({}, optional=dict.fromkeys(list(FULL)[1:], VALUES)),
    OBJECTS,
)


@given(body=BODIES, now=st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)))
@settings(max_examples=300, deadline=None)
def test_any_object(body: dict[str, Any], now: datetime) -> None:
    """Any JSON object is rejected, or becomes a notification whose event can be written again."""
    parsed = json_loads(json.dumps(body).encode())
    assert isinstance(parsed, dict)
    try:
        notification = Notification.from_payload(parsed)
    except PayloadError:
        return
    data = notification.as_event_data(now)
    assert "SecretKey" not in data["extra"]
    assert json_loads(json_bytes(data)) == data


@given(body=BODIES, data=st.data())
@settings(max_examples=100, deadline=None)
def test_fingerprint_of_any_object(body: dict[str, Any], data: st.DataObject) -> None:
    """The fingerprint depends neither on the order of keys nor on the secret key."""
    body |= {"PrinterId": "Id", "EventType": 6}
    shuffled = dict(data.draw(st.permutations(list(body.items()))))
    assert read(shuffled).fingerprint == read(body).fingerprint
    assert read(body | {"SecretKey": "another"}).fingerprint == read(body).fingerprint
