"""Makes docs/events.md: what the events say, from the code, with an example of each."""

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
import inspect
from itertools import pairwise
import json
from pathlib import Path
from typing import Any, Final

from custom_components.octoeverywhere import payload
from custom_components.octoeverywhere.payload import Notification, NotificationType as Type

ROOT: Final = Path(__file__).parent.parent
PAGE: Final = ROOT / "docs" / "events.md"
NOW: Final = datetime(2026, 11, 23, 18, 20, 5, tzinfo=UTC)
"""When the examples arrive."""
DEVICE_ID: Final = "8f2c41d09b6e4a7c"
"""What Home Assistant calls the printer in them."""
_WIDTH: Final = 120
_SECONDS: Final = 7940
_LAYERS: Final = 240

_ADDED: Final = {
    "device_id": "the printer's device in Home Assistant; `null` where there is none, as with some test notifications",
    "type": "the name of what has happened, as in the name of the event",
    "estimated_finish": "when the print will be over, by `time_remaining`; ISO 8601",
    "cancelled": "of `print_failed`: `true` where the printer's words say that somebody canceled the print, `false` where they"
    " say that it failed by itself; `null` where they do not tell, and of everything else",
}
"""What Home Assistant says beside what a notification does."""

_INTRODUCTION: Final = """\
# Events

Home Assistant fires an event for each notification, after the printer's entities have been updated: `octoeverywhere_` and the name
of what has happened. This is what each of them carries, with an example of each below. What a notification does not say is `null`.

| Key | What it is |
|---|---|
"""


def _moment(seconds: int, **said: Any) -> dict[str, Any]:
    """Return what is said of the print after so many seconds."""
    layer = min(seconds * _LAYERS // _SECONDS + 1, _LAYERS)
    return {
        "PrintId": "Q7TZ0",
        "FileName": "Benchy_0.2mm_PLA.gcode",
        "DurationSec": seconds,
        "Progress": seconds * 100 // _SECONDS,
        "TimeRemainingSec": _SECONDS - seconds,
        "CurrentLayer": layer,
        "TotalLayers": _LAYERS,
        "SnapshotUrl": f"https://octoeverywhere.com/snapshot/{seconds}.jpg",
        "QuickViewUrl": "https://octoeverywhere.com/view/0",
        **said,
    }


_SAID: Final[dict[Type, dict[str, Any]]] = {
    Type.PRINT_STARTED: _moment(0, TimeRemainingSec=-1, CurrentLayer=0, TotalLayers=0),
    Type.PRINT_COMPLETE: _moment(_SECONDS),
    Type.PRINT_FAILED: _moment(2938, TimeRemainingSec=-1, Error="The task was canceled.", PlatformErrorCode="0300400C"),
    Type.PRINT_PAUSED: _moment(1112),
    Type.PRINT_RESUMED: _moment(1290),
    Type.PRINT_PROGRESS: _moment(3176),
    Type.GADGET_WARNING: _moment(2620),
    Type.GADGET_PAUSED: _moment(2680),
    Type.ERROR: _moment(6034, Error="Nozzle temperature is below the target: check the heater", PlatformErrorCode="0300_0A00"),
    Type.FIRST_LAYER_COMPLETE: _moment(214, CurrentLayer=2, ZOffsetMM=0.2),
    Type.FILAMENT_CHANGE_REQUIRED: _moment(4129),
    Type.USER_INTERACTION_REQUIRED: _moment(4129),
    Type.NOTIFICATION_LIMIT: {},
    Type.THIRD_LAYER_COMPLETE: _moment(402, CurrentLayer=4, ZOffsetMM=0.6),
    Type.BED_COOLDOWN_COMPLETE: _moment(_SECONDS + 900, Progress=100, TimeRemainingSec=0),
    Type.TEST: {},
    Type.UNKNOWN: _moment(3176, Humidity=31),
}  # fmt: skip


def body(type_: Type) -> dict[str, Any]:
    """Return an example of what OctoEverywhere posts, less the secret key."""
    number = list(Type).index(type_) + 1
    return {"PrinterId": "3k9vX0", "PrinterName": "Prusa MK4", "EventType": number, **_SAID[type_]}


def example(type_: Type) -> dict[str, Any]:
    """Return the data of the event that Home Assistant fires then."""
    return {"device_id": DEVICE_ID, **Notification.from_payload(body(type_)).as_event_data(NOW)}


def page() -> str:
    """Return docs/events.md."""
    said = _ADDED | dict(_described())
    rows = "".join(f"| `{key}` | {said[key]} |\n" for key in example(Type.TEST))
    words = json.loads((Path(payload.__file__).parent / "translations" / "en.json").read_text("utf-8"))
    names = words["entity"]["event"]["notification"]["state_attributes"]["event_type"]["state"]
    examples = (
        f"<details><summary><code>octoeverywhere_{type_}</code>: {names[type_]}</summary>\n\n"
        f"```json\n{_as_json(example(type_))}\n```\n\n</details>\n"
        for type_ in Type
    )
    return f"{_INTRODUCTION}{rows}\n{''.join(examples)}"


def _described() -> Iterator[tuple[str, str]]:
    """Yield the fields of a notification, each with what stands beneath it in the code."""
    source = ast.parse(inspect.getsource(Notification))
    definition = next(node for node in ast.walk(source) if isinstance(node, ast.ClassDef))
    for declared, described in pairwise(definition.body):
        match declared, described:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, text


def _as_json(data: dict[str, Any]) -> str:
    """Return JSON in lines of a width that can be read."""
    lines = [""]
    for key, said in data.items():
        pair = f" {json.dumps(key)}: {json.dumps(said)},"
        if len(lines[-1]) + len(pair) > _WIDTH:
            lines.append("")
        lines[-1] += pair
    return "{" + "\n".join(lines).strip().removesuffix(",") + "}"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
