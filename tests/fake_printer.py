"""Simulated printers behind OctoEverywhere's plugin: six makes, what each answers to `status`, and what it does on a command.

What a make says and does stands in its row of `MAKES`. The same print, driven by the same calls, looks different on each of them, as
it does in life; `tests/fixtures/plugin_api` holds real answers of all six.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import exp, inf, sin
from operator import itemgetter
import random
from string import ascii_uppercase, digits
import time
from typing import Any, Final

type Says = tuple[str | None, str | None, str | None]
"""State, SubState and Error; `{text}` in one of them is what the printer itself says of a failure."""

SAYS: Final[Mapping[str, Says]] = {
    "unnamed": ("idle", None, None),  # connected, and the printer has not told its state yet
    "idle": ("idle", None, None),
    "warming": ("warmingup", None, None),
    "levelling": ("warmingup", None, None),  # the second half of warming up
    "printing": ("printing", None, None),
    "pausing": ("paused", None, None),
    "paused": ("paused", None, None),
    "filament_out": ("paused", None, None),
    "resuming": ("paused", None, None),
    "cancelling": ("warmingup", None, None),
    "cancelled": ("cancelled", None, None),
    "complete": ("complete", None, None),
    "failed": ("error", None, None),
}
"""What is said in each phase, by makes that say nothing else."""
THEN: Final = {
    "warming": "levelling",
    "levelling": "printing",
    "printing": "complete",
    "pausing": "paused",
    "resuming": "printing",
    "cancelling": "cancelled",
    "cancelled": "idle",
    "complete": "idle",
}
"""What follows a phase that ends by itself; those that do not last on a make are skipped."""
RUNNING: Final = frozenset(
    {"warming", "levelling", "printing", "pausing", "paused", "filament_out", "resuming", "cancelling"}
)
MAY: Final[Mapping[str, frozenset[str]]] = {
    "pause": frozenset({"warming", "levelling", "printing", "pausing"}),
    "resume": frozenset({"pausing", "paused", "filament_out"}),
    "cancel": RUNNING,
}
"""The phases in which a command is obeyed."""
PHASES: Final = {"pause": "pausing", "resume": "resuming", "cancel": "cancelling"}
"""The phases that commands lead to."""
COMMANDS: Final = frozenset({*PHASES, "set-light", "set-temp"})
_WITH_LIGHT: Final = COMMANDS - {"set-temp"}
HEATERS: Final = {"BedC": ("Bed", 75), "ToolC": ("Hotend", 260), "ChamberC": ("Chamber", 75)}
"""By their keys in `set-temp`: their names in `Temps`, and how hot they may be made."""
ERRORS: Final = {785: "Host not connected", 787: "Failed to get current status.", 789: "Failed to get current status."}
AMBIENT: Final = (22.13, 23.31, 24.62)


def _whole(number: float) -> float:
    return float(int(number))


def _hundredths(number: float) -> float:
    return round(number, 2)


def _without_extension(name: str) -> str:
    return name.rsplit(".", 1)[0]


def _pretty(name: str) -> str:
    return _without_extension(name).replace("_", " ").title()


def _print(left: int | None, layers: int | None, zero: float = 0.0, **weight: int) -> dict[str, Any]:
    """Return what `CurrentPrint` is without a print."""
    start = {"Progress": zero, "DurationSec": 0, "TimeLeftSec": left, "FileName": "", "EstTotalFilUsedMm": 0}
    return {**start, **weight, "CurrentLayer": layers, "TotalLayers": layers}


@dataclass(kw_only=True)
class Print:
    """A print, and how far it is."""

    file_name: str
    seconds: float
    layers: int | None
    """None for a file in which the slicer wrote nothing of itself."""
    warmup: float
    begun_at: float
    printed: float = 0
    elapsed: float = 0
    """The seconds since the start, with warming up and pauses."""
    countdown: float = 0
    """The seconds that are left, as a plugin counts them down between the printer's words, whatever happens."""
    is_named: bool = False


def _klippers_guess(job: Print) -> float:
    """Return the seconds left: at first, and without a slicer's word, as many as were printed."""
    is_blind = job.layers is None and job.printed < job.seconds / 100
    return job.printed if is_blind else max(0, job.seconds - job.printed)


@dataclass(frozen=True, kw_only=True)
class Make:
    """What is peculiar to a make."""

    features: int
    version: str
    first_version: str = "{version}"
    """What it says before the printer has said its own."""
    model: str = ""
    webcam: Mapping[str, Any]
    lights: Mapping[str, bool] | None = None
    job_keys: tuple[str, ...] = ("State", "SubState", "Error", "Lights", "CurrentPrint")
    says: Mapping[str, Says] = field(default_factory=dict)
    blank: Mapping[str, Any]
    material: Mapping[str, int]
    amends: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What it says of a print in some phases instead of what is true."""
    forgets: frozenset[str] = frozenset({"unload"})
    """When it knows nothing of the last print any more."""
    lasts: Mapping[str, float] = field(default_factory=dict)
    """The seconds that a phase lasts, of those in between, and of ends that it does not show for good."""
    hot: tuple[float, float, float]
    degrees: Callable[[float], float] = _hundredths
    jitter: float = 0
    chamber: frozenset[str] | None = None
    """The models that have a chamber's keys; None for all."""
    layers: bool = True
    without_metadata: Mapping[str, int] = field(default_factory=dict)
    duration: Callable[[Print], float] = lambda job: job.printed
    left: Callable[[Print], float] = lambda job: max(0, job.seconds - job.printed)
    progress: Callable[[float], float] = float
    file_name: Callable[[str], str] = str
    named_in: str = "warming"
    """The phase in which the plugin makes the id of a print."""
    moves_start: frozenset[str] = frozenset({"complete", "cancelled"})
    """The ends at which it computes anew when the print started."""
    overtime: float = 0
    """The seconds that a print takes longer than it said."""
    off: Mapping[int, int]
    """What `status` can answer while it is off, each with what commands are answered then."""
    refusal: int
    """What a command is answered that it cannot do now."""
    obeys: frozenset[str] = frozenset(PHASES)
    unknown_light: int = 400


def _webcam(name: str, *, flip_v: bool = False, rotation: int = 0) -> dict[str, Any]:
    return {"Name": name, "FlipH": False, "FlipV": flip_v, "Rotation": rotation, "Enabled": True}


MAKES: Final[Mapping[str, Make]] = {
    "octoprint": Make(
        features=32,
        version="1.11.2",
        webcam=_webcam("Default", flip_v=True),
        job_keys=("State", "Error", "CurrentPrint"),
        says={"resuming": ("resuming", None, None), "cancelling": ("idle", None, None)},
        blank=_print(-1, None),
        material={"EstTotalFilUsedMm": 5213},
        amends={"idle": {"Progress": 0.0, "DurationSec": 0}},
        lasts={"pausing": 10, "resuming": 10, "cancelled": 0},
        hot=(60.0, 215.0, 0.0),
        layers=False,
        left=lambda job: job.seconds - (job.printed or job.elapsed),
        progress=lambda fraction: 100 * fraction**1.1,
        off={785: 786},
        refusal=786,
    ),
    "klipper": Make(
        features=63,
        version="1.0.0",
        webcam=_webcam("Default", rotation=180),
        blank=_print(0, None),
        material={"EstTotalFilUsedMm": 4321},
        lasts={"resuming": 10},
        hot=(100.0, 240.0, 38.0),
        without_metadata={"EstTotalFilUsedMm": -1},
        left=_klippers_guess,
        progress=lambda fraction: 100 * fraction**1.1,
        moves_start=frozenset({"cancelled"}),
        off={785: 500, 789: 785},
        refusal=786,
        obeys=COMMANDS,
        unknown_light=752,
    ),
    "bambu": Make(
        features=33,
        version="01.08.02.00-BambuPrinters.{model}",
        first_version="0.0.0",
        model="X1C",
        webcam=_webcam("Bambu Cam"),
        lights={"chamber": False},
        says={
            "warming": ("warmingup", "Bed Preheating", None),
            "levelling": ("printing", "Auto Bed Leveling", None),
            "paused": ("paused", "Paused By User", None),
            "filament_out": ("error", "Filament Runout", "Filament Run Out"),
            "cancelling": ("error", None, "Error: The task was canceled."),
            "failed": ("error", None, "Error: {text}"),
        },
        blank=_print(0, 0),
        material={},
        forgets=frozenset(),
        hot=(55.0, 220.0, 36.0),
        duration=lambda job: job.elapsed,
        left=lambda job: job.countdown,
        chamber=frozenset({"X1C", "X1E", "H2D", "H2S"}),
        progress=lambda fraction: _whole(100 * fraction),
        file_name=_without_extension,
        moves_start=frozenset(),
        off={785: 785, 789: 789},
        refusal=200,
        obeys=_WITH_LIGHT,
    ),
    "elegoo_cc1": Make(
        features=5,
        version="Elegoo-Centauri",
        webcam=_webcam("Elegoo Cam"),
        lights={"chamber": True},
        says={
            "unnamed": (None, None, None),
            "levelling": ("warmingup", "Bed Leveling", None),
            "pausing": ("paused", "Pausing", None),
            "failed": ("cancelled", None, None),
        },
        blank=_print(0, 0, 0, EstTotalFilWeightMg=0),
        material={"EstTotalFilWeightMg": 18340},
        amends={
            "warming": {"TimeLeftSec": 0, "TotalLayers": 0},
            "levelling": {"TotalLayers": 0},
            "cancelled": {"FileName": ""},
            "failed": {"FileName": ""},
            "idle": {"FileName": ""},
        },
        lasts={"pausing": 10, "cancelling": 10},
        hot=(60.0, 220.0, 31.0),
        degrees=int,
        forgets=frozenset(),
        left=lambda job: job.seconds - job.printed,
        progress=lambda fraction: int(100 * fraction),
        file_name=_pretty,
        named_in="levelling",
        overtime=19,
        off={785: 785, 787: 787},
        refusal=752,
        obeys=_WITH_LIGHT,
    ),
    "elegoo_cc2": Make(
        features=23,
        version="{model}-01.02.03-V1.0",
        model="Centauri Carbon 2",
        webcam=_webcam("Elegoo CC2 Cam"),
        lights={"chamber": True},
        says={
            "unnamed": (None, None, None),
            "warming": ("warmingup", "Bed Preheating", None),
            "levelling": ("warmingup", "Heating Hotend", None),
            "paused": ("paused", "Paused", None),
            "resuming": ("resuming", "Resuming", None),
            "cancelled": ("cancelled", "Stopped", None),
            "failed": ("error", "Emergency Stop", "Printer Error"),
        },
        blank=_print(None, 0, EstTotalFilWeightMg=0),
        material={"EstTotalFilWeightMg": 42170},
        amends={
            "warming": {"TimeLeftSec": 0, "TotalLayers": 0},
            "levelling": {"TimeLeftSec": 0, "TotalLayers": 0},
            "idle": {"Progress": 0.0, "FileName": ""},
        },
        lasts={"resuming": 10, "complete": 5, "cancelled": 5},
        hot=(60.0, 220.0, 38.0),
        degrees=float,
        jitter=0.02,
        forgets=frozenset(),
        progress=lambda fraction: 100 * fraction,
        file_name=_pretty,
        named_in="printing",
        off={785: 785, 787: 787, 789: 789},
        refusal=752,
        obeys=COMMANDS,
    ),
    "prusalink": Make(
        features=32,
        version="PrusaLink-{model}",
        first_version="PrusaLink",
        model="Prusa MK4",
        webcam=_webcam("PrusaLink Camera"),
        says={
            "unnamed": (None, None, None),
            "warming": ("warmingup", "Busy", None),
            "levelling": ("warmingup", "Busy", None),
            "failed": ("error", "{text}", "{text}"),
        },
        blank=_print(None, None, EstTotalFilWeightMg=0),
        material={"EstTotalFilUsedMm": 5123, "EstTotalFilWeightMg": 15300},
        forgets=frozenset({"unload", "failed"}),
        hot=(60.0, 215.0, 24.0),
        degrees=float,
        jitter=0.1,
        chamber=frozenset(),
        layers=False,
        progress=lambda fraction: _whole(100 * fraction),
        file_name=_pretty,
        off={785: 400, 789: 400},
        refusal=400,
    ),
}


class Printer:
    """A printer and its plugin. What is public does what a person, the printer or the plugin does."""

    def __init__(self, make: str, *, model: str = "", clock: Callable[[], float] = time.time, seed: int = 0) -> None:
        """Stand idle, just connected for the first time."""
        self.make = MAKES[make]
        self.model = model or self.make.model
        self.clock = clock
        self.clock_error: float = 0
        """How many seconds the plugin's clock is ahead."""
        self.speed: float = 1
        """How much faster prints are than the clock."""
        self.lights = dict(self.make.lights) if self.make.lights is not None else None
        self.webcams = [dict(self.make.webcam)]
        self.lasts = dict(self.make.lasts)
        self.stage: str | None = None
        """A SubState of its own, until it is None again."""
        self.extra: dict[str, Any] = {"AddedLater": {"Anything": [1, None, "x"]}}
        """Keys that nobody has documented, in every third answer."""
        self.ignores_commands = False
        """Whether commands are answered 200 and nothing comes of them."""
        self.effect_after: float = 0
        """How many seconds of the clock pass before a command has its effect."""
        self.macro_seconds: float = 0
        """How long the printer takes for pause, resume and cancel: Klipper answers, and obeys, at the end."""
        self.print_id: str | None = None
        self.started_at: float = 0
        self.phase = "idle"
        self.off: int | None = None
        self._print: Print | None = None
        self._last_print: Print | None = None
        self._known_file = ""
        self._text = ""
        self._in_phase: float = 0
        self._last = clock()
        self._due: list[tuple[float, Callable[[], None]]] = []
        self._random = random.Random(f"{make} {seed}")
        self._answers = 0
        ambient = (*AMBIENT[:2], min(AMBIENT[2], self.make.hot[2]))  # no chamber is 0 degrees warm
        self._heat = {name: [degrees, 0.0] for (name, _), degrees in zip(HEATERS.values(), ambient, strict=True)}
        self._scores: list[float] = []
        self._score: float = 0
        self._scored_at: float | None = None
        self._warned_at: float | None = None
        self._stopped_at: float | None = None

    # What happens to a print

    def load(self, file_name: str = "benchy.gcode", seconds: float = 7200) -> None:
        """Select a file and print nothing yet, which OctoPrint shows."""
        self._tick()
        self._print = Print(file_name=file_name, seconds=seconds, layers=None, warmup=0, begun_at=0, is_named=True)

    def start(
        self, file_name: str = "benchy.gcode", seconds: float = 7200, layers: int | None = 240, *, warmup: float = 120
    ) -> None:
        """Start a print that takes so long once it is warm. It completes by itself."""
        self._tick()
        self._print = self._last_print = Print(
            file_name=file_name,
            seconds=seconds,
            layers=layers,
            warmup=warmup,
            begun_at=self._plugin_time(),
            countdown=seconds,
        )
        self._reset_gadget()
        for name, hot in zip(("Bed", "Hotend"), self.make.hot, strict=False):
            self._heat[name][1] = hot
        self._enter("warming" if warmup else "printing")

    def reprint(self) -> None:
        """Print the same once more; the plugin for Klipper takes it for the same print."""
        if (last := self._last_print) is not None:
            self.start(last.file_name, last.seconds, last.layers, warmup=last.warmup)

    def advance(self, seconds: float) -> None:
        """Let the printer be so much further, though no time passes on the clock."""
        self._tick()
        self._pass(seconds)

    def pause(self) -> None:
        """Pause, as a person does."""
        self._tick()
        self._enter("pausing")

    def resume(self) -> None:
        """Go on."""
        self._tick()
        self._enter("resuming")

    def filament_out(self) -> None:
        """Pause by itself, without filament."""
        self._tick()
        self._enter("filament_out")

    def complete(self) -> None:
        """Finish."""
        self._tick()
        self._enter("complete")

    def cancel(self) -> None:
        """Cancel; some makes take their time."""
        self._tick()
        self._enter("cancelling")

    def fail(self, text: str = "Printer Error") -> None:
        """Die of an error, in the printer's words; without words as Bambu does, which is as if somebody had cancelled."""
        self._tick()
        self._text = text
        self._enter("failed" if text else "cancelled")

    def unload(self) -> None:
        """Clear away how a print has ended, be it success or an error: idle."""
        self._tick()
        self._forget("unload")
        self._enter("idle")

    acknowledge = unload

    # What happens to the printer and the plugin

    def switch_off(self, status: int = 785) -> None:
        """Be out of the plugin's reach, in one of the ways of the make; a print goes on all the same."""
        if status not in self.make.off:
            raise ValueError(status)
        self.off = status

    def switch_on(self, *, is_fresh: bool = False, is_named: bool = True) -> None:
        """Be there again: as before, or having forgotten everything, or without having told a state yet."""
        self._tick()
        self.off = None
        if not is_named:
            self._enter("unnamed")
        elif is_fresh or self.phase == "unnamed":
            self._print = None
            self._enter("idle")

    def restart_plugin(self) -> None:
        """Restart the plugin, which finds a print that is under way again, but none that is over."""
        self._tick()
        self._known_file = ""
        self._reset_gadget()
        if self.phase not in RUNNING or self._print is None:
            self.print_id, self.started_at = None, 0
        elif self.make is MAKES["klipper"] and "/" in self._print.file_name:
            self._print.begun_at = self._plugin_time()
            self._name()

    def gadget_score(self, score: float) -> None:
        """Let the failure detection judge a picture."""
        self._scores.insert(0, score)
        self._score = 0.7 * score + 0.3 * self._score
        self._scored_at = self._plugin_time()

    def gadget_warn(self) -> None:
        """Let the failure detection warn."""
        self._warned_at = self._plugin_time()

    def gadget_pause(self) -> None:
        """Let the failure detection pause the print."""
        self._stopped_at = self._plugin_time()
        self.pause()

    def _reset_gadget(self) -> None:
        self._scores, self._score = [], 0
        self._warned_at = self._stopped_at = None

    # How time passes

    def _plugin_time(self) -> float:
        return self.clock() + self.clock_error

    def _tick(self) -> None:
        """Catch up with the clock, and with what commands have caused meanwhile."""
        now = self.clock()
        due = sorted((item for item in self._due if item[0] <= now), key=itemgetter(0))
        self._due = [item for item in self._due if item[0] > now]
        for moment, effect in due:
            self._pass_until(moment)
            effect()
        self._pass_until(now)

    def _pass_until(self, moment: float) -> None:
        seconds, self._last = max(0, moment - self._last), moment
        self._pass(seconds * self.speed)

    def _pass(self, seconds: float) -> None:
        while seconds > 0:
            step = min(seconds, self._remaining())
            self._age(step)
            seconds -= step
            if not self._remaining():
                self._enter(THEN[self.phase])

    def _remaining(self) -> float:
        """Return the seconds until the phase ends by itself."""
        if self._print is None:
            return inf
        match self.phase:
            case "printing":
                return max(0, self._print.seconds - self._print.printed)
            case "warming" | "levelling":
                return max(0, self._print.warmup / 2 - self._in_phase)
        return max(0, self.lasts.get(self.phase, inf) - self._in_phase)

    def _age(self, seconds: float) -> None:
        self._in_phase += seconds
        self._change_temperatures(seconds)
        if (job := self._print) is None:
            return
        job.countdown = max(0, job.countdown - seconds)
        if self.phase in RUNNING:
            job.elapsed += seconds
        if self.phase == "printing":
            job.printed += seconds
            job.countdown = max(0, job.seconds - job.printed)

    def _change_temperatures(self, seconds: float) -> None:
        for (name, degrees), ambient, hot in zip(self._heat.items(), AMBIENT, self.make.hot, strict=True):
            passive = min(ambient, hot) if self.phase not in RUNNING or name != "Chamber" else hot
            towards = degrees[1] or passive
            degrees[0] = towards + (degrees[0] - towards) * exp(-seconds / 60)

    def _enter(self, phase: str) -> None:
        """Enter a phase, or the first one after it that this make has."""
        while phase in PHASES.values() and not self.lasts.get(phase):
            phase = THEN[phase]
        if self.phase in MAY["resume"] | {"resuming"} and self._says(phase)[0] in ("resuming", "printing"):
            self._reset_gadget()
        self.phase, self._in_phase = phase, 0
        if phase in (self.make.named_in, "printing"):
            self._name_once()
        if phase in ("complete", "cancelled", "failed"):
            self._end(phase)
        if phase not in RUNNING:
            for degrees in self._heat.values():
                degrees[1] = 0.0
        if self.lasts.get(phase) == 0:
            self._enter(THEN[phase])

    def _end(self, phase: str) -> None:
        if (job := self._print) is None:
            return
        self._name_once()
        if phase == "complete":
            job.printed = job.seconds + self.make.overtime
            job.countdown = 0
        if phase in self.make.moves_start:
            self.started_at = self._plugin_time() - int(job.printed)
        self._forget(phase)

    def _forget(self, when: str) -> None:
        if when in self.make.forgets:
            self._print = None

    def _name_once(self) -> None:
        """Make an id for a print that has none; on Klipper, a file that was the last one as well keeps id and start."""
        if (job := self._print) is None or job.is_named:
            return
        job.is_named = True
        if self.make is not MAKES["klipper"] or self._known_file != job.file_name:
            self._name()
        self._known_file = job.file_name

    def _name(self) -> None:
        self.print_id = "".join(self._random.choices(ascii_uppercase + digits, k=60))
        if self._print is not None:
            self.started_at = self._plugin_time() if self.make.named_in == "printing" else self._print.begun_at

    # What the plugin answers

    def status(self) -> dict[str, Any]:
        """Return the answer to `status`."""
        self._tick()
        self._answers += 1
        if self.off is not None:
            return {"Status": self.off, "Error": ERRORS[self.off]}
        extra = self.extra if self._answers % 3 == 0 else {}
        return {
            "Status": 200,
            "Result": {
                "JobStatus": {**self._job_status(), **extra},
                "OctoEverywhereStatus": {
                    "MostRecentPrintIdStr": self.print_id,
                    "PrintStartTimeSec": float(self.started_at),
                    "Gadget": self._gadget(),
                },
                "PlatformVersion": self._version(),
                "Features": self.make.features,
                "ListWebcams": {"Webcams": self.webcams, "DefaultIndex": 0},
                **extra,
            },
        }

    def _says(self, phase: str) -> Says:
        return self.make.says.get(phase, SAYS[phase])

    def _version(self) -> str:
        version = self.make.version.format(model=self.model)
        return self.make.first_version.format(version=version) if self.phase == "unnamed" else version

    def _job_status(self) -> dict[str, Any]:
        state, stage, error = self._says(self.phase)
        values = {
            "State": state,
            "SubState": self.stage or (stage and stage.format(text=self._text)),
            "Error": error and error.format(text=self._text),
            "Lights": self.lights and [{"Name": name, "On": is_on} for name, is_on in self.lights.items()],
            "CurrentPrint": self._current_print(),
        }
        return {key: values[key] for key in self.make.job_keys}

    def _current_print(self) -> dict[str, Any]:
        shown = dict(self.make.blank)
        if (job := self._print) is not None and self.phase != "unnamed":
            shown |= {**self.make.material, **self._numbers(job), **self.make.amends.get(self.phase, {})}
        return {**shown, "Temps": self._temps()}

    def _numbers(self, job: Print) -> dict[str, Any]:
        fraction = min(1.0, job.printed / job.seconds)
        numbers: dict[str, Any] = {
            "Progress": self.make.progress(fraction),
            "DurationSec": int(self.make.duration(job)),
            "TimeLeftSec": int(self.make.left(job)),
            "FileName": self.make.file_name(job.file_name),
        }
        if job.layers is None:
            return {**numbers, **self.make.without_metadata}
        if self.make.layers:
            numbers |= {"CurrentLayer": int(fraction * job.layers), "TotalLayers": job.layers}
        return numbers

    def _temps(self) -> dict[str, float]:
        has_chamber = self.make.chamber is None or self.model in self.make.chamber
        wobble = self.make.jitter * sin(self.clock())
        temps: dict[str, float] = {}
        for name, (actual, target) in self._heat.items():
            if name != "Chamber" or has_chamber:
                temps[f"{name}Actual"] = self.make.degrees(actual + wobble)
                temps[f"{name}Target"] = self.make.degrees(target)
        return temps

    def _gadget(self) -> dict[str, Any]:
        now = self._plugin_time()
        return {
            "LastScore": float(self._score),
            "ScoreHistory": self._scores,
            "TimeSinceLastScoreSec": float(now - (self._scored_at or 0)),
            "IntervalSec": 30.0,
            "IsSuppressed": False,
            "TimeSinceLastWarnSec": None if self._warned_at is None else int(now - self._warned_at),
            "TimeSinceLastPauseSec": None if self._stopped_at is None else int(now - self._stopped_at),
        }

    # What the plugin does

    def command(self, name: str, body: Mapping[str, Any]) -> int:
        """Do what a command says, or refuse to; return the Status of the answer."""
        self._tick()
        if name not in self.make.obeys or (name == "set-light" and self.lights is None):
            return 788
        if self.off is not None:
            return self.make.off[self.off]
        match name:
            case "set-light":
                return self._set_light(body.get("Name"), body.get("On"))
            case "set-temp":
                return self._set_temp(body)
        if self.phase not in MAY[name]:
            return self.make.refusal
        after = self.macro_seconds or self.effect_after
        self._cause(lambda: self._enter(PHASES[name]) if self.phase in MAY[name] else None, after)
        return 200

    def _set_light(self, name: Any, is_on: Any) -> int:
        lights = self.lights or {}
        if type(name) is not str or type(is_on) is not bool:
            return 400
        if name not in lights:
            return self.make.unknown_light
        self._cause(lambda: lights.update({name: is_on}), self.effect_after)
        return 200

    def _set_temp(self, body: Mapping[str, Any]) -> int:
        targets = {heater: body[key] for key, (heater, _) in HEATERS.items() if body.get(key) is not None}
        warmest = dict(HEATERS.values())
        if not targets or any(
            type(to) not in (int, float) or not 0 <= to <= warmest[name] for name, to in targets.items()
        ):
            return 400
        if "Chamber" in targets and self.make is not MAKES["klipper"]:
            return 788
        self._cause(lambda: self._set_targets(targets), self.effect_after)
        return 200

    def _set_targets(self, targets: Mapping[str, float]) -> None:
        for name, degrees in targets.items():
            self._heat[name][1] = degrees

    def _cause(self, effect: Callable[[], None], after: float) -> None:
        """Let a command have its effect, now or later or never."""
        if self.ignores_commands:
            return
        if after:
            self._due.append((self.clock() + after, effect))
        else:
            effect()
