"""What notifications mean together: the state rules of the contract, one story each, posted to Home Assistant."""

from datetime import timedelta
from typing import Final, NamedTuple

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.octoeverywhere.const import DOMAIN

from .conftest import Post, get_prints
from .story import WORDS, moment, story

_TICK: Final = timedelta(minutes=5)


class Rule(NamedTuple):
    """A story, and what is seen afterwards."""

    name: str
    story: str
    seen: str
    """Each is compared that is named: `status=printing progress=40 prints="complete 60"`."""
    until: str = ""
    """A later moment at which it is looked at."""


RULES: Final = [
    Rule(
        "a start that says the end knows no estimate and is at 0 %",
        "0:00 print_started 0.004s 100% 0left 0/0",
        "status=printing progress=0 time_remaining=unknown estimated_finish=unknown current_layer=unknown",
    ),
    Rule(
        "layers of a start are those of the print before",
        "0:00 print_started 0s 0% 600left 95/95",
        "current_layer=unknown total_layers=unknown time_remaining=600",
    ),
    Rule(
        "a cancel after such a start stays at 0 %",
        """0:00 print_started 0.004s 100% 0left
        0:02 print_failed 120s 100% code=cancelled""",
        "status=cancelled progress=0 prints=cancelled:120 prints_cancelled=1 prints_failed=0 total_print_time=120",
    ),
    Rule(
        "an overdue print that is told of each hour stays known",
        """0:00 print_started 0s 0% 3600left
        1:00 print_progress 3603s 99% 0left
        2:00:03 print_progress 7206s 99% 0left""",
        "status=printing progress=99 time_remaining=0",
        until="3:25:00",
    ),
    Rule(
        "90 minutes after its last word it is not believed any more",
        """0:00 print_started 0s 0% 3600left
        1:00 print_progress 3603s 99% 0left""",
        "status=unknown progress=unknown time_remaining=unknown printing=unknown file_name=unknown print_duration=3603",
        until="2:36",
    ),
    Rule(
        "90 minutes after its estimated finish",
        "0:00 print_started 0s 0% 3600left file=a.gcode",
        "status=unknown file_name=a.gcode prints=silent:0",
        until="2:36",
    ),
    Rule("but not before", "0:00 print_started 0s 0% 3600left", "status=printing time_remaining=0", until="2:29"),
    Rule("without an estimate after 24 hours", "0:00 print_started 0s 0% -1left", "status=unknown", until="24:06"),
    Rule("without an estimate not before", "0:00 print_started 0s 0% -1left", "status=printing", until="23:55"),
    Rule(
        "a word ends the silence",
        """0:00 print_started 0s 0% 600left
        9:00 print_progress 32400s 50%""",
        "status=printing progress=50",
    ),
    Rule(
        "a paused print is not silent",
        """0:00 print_started 0s 0% 600left
        0:05 print_paused 300s 50% 300left""",
        "status=paused progress=50 time_remaining=300 printing=off",
        until="99:00",
    ),
    Rule(
        "time remaining follows the clock by quarters of an hour",
        "0:00 print_started 0s 0% 7200left",
        "time_remaining=4500",
        until="0:50",
    ),
    Rule("but not a moment early", "0:00 print_started 0s 0% 7200left", "time_remaining=6300", until="0:29"),
    Rule("and down to 0", "0:00 print_started 0s 0% 72left", "time_remaining=0", until="0:20"),
    Rule(
        "time remaining does not while the print is paused",
        """0:00 print_started 0s 0% 7200left
        0:01 print_paused 60s 1% 7140left""",
        "time_remaining=7140",
        until="2:00",
    ),
    Rule(
        "being heard is not moving",
        """0:00 print_started 0s 0%
        0:40 filament_change_required 2400s 41% 51/120
        1:20 print_progress 4800s 41% 51/120""",
        "attention=filament_change attention_required=on status=printing",
    ),
    Rule(
        "a percent that is further ends the attention",
        """0:40 filament_change_required 2400s 41% 51/120
        1:20 print_progress 4800s 42% 51/120""",
        "attention=none attention_required=off",
    ),
    Rule(
        "a layer that is further ends the attention",
        """0:40 filament_change_required 2400s 41% 51/120
        1:20 print_progress 4800s 41% 52/120""",
        "attention=none",
    ),
    Rule(
        "a progress of a print that wants nothing leaves what it said of its last trouble",
        """0:40 error 2400s 41% error=Clogged
        0:50 print_resumed 2500s 41% error=Cold code=7
        1:20 print_progress 4800s 45%""",
        "attention=none error_message=Cold error_code=7",
    ),
    Rule(
        "a printer's clock that is set in mid-print",
        """0:00 print_started 0s 0% 3600left
        0:30 print_progress 1816200s 50% 1800left
        1:00 print_complete 1818000s""",
        "print_duration=3600 total_print_time=3600 prints=complete:3600",
    ),
    Rule(
        "a printer's clock that is set, and set right again",
        """0:00 print_started 0s 0% 3600left
        0:30 print_progress 1816200s 50% 1800left
        0:40 print_progress 2400s 60% 1200left
        1:00 print_complete 3600s""",
        "print_duration=3600 total_print_time=3600",
    ),
    Rule(
        "a cancelled print is not failed",
        """0:00 print_started 0s 0%
        0:10 print_progress 600s 10%
        0:20 print_failed 1200s 100% error=cancelled code=PrintFailed""",
        "status=cancelled progress=10 time_remaining=unknown prints=cancelled:1200 prints_cancelled=1 prints_failed=0",
    ),
    Rule(
        "where nobody tells, it has failed",
        """0:10 print_progress 600s 10%
        0:20 print_failed 1200s 100% code=FAILED""",
        "status=failed progress=10 prints=failed:1200 prints_failed=1 prints_cancelled=0",
    ),
    Rule(
        "a death without an end: until the bed has cooled",
        """0:00 print_started 0s 0% 3600left
        0:20 error 1200s 30% error=Shutdown
        0:50 bed_cooldown_complete 3000s 30%""",
        "status=failed attention=error error_message=Shutdown prints=failed:1200 total_print_time=1200 prints_failed=1"
        " print_duration=1200 time_remaining=unknown estimated_finish=0:20",
    ),
    Rule(
        "a death without an end: its attention lasts a day",
        """0:00 print_started 0s 0% 3600left
        0:20 error 1200s 30%
        0:50 bed_cooldown_complete 3000s 30%""",
        "status=failed attention=none",
        until="24:30",
    ),
    Rule(
        "a death without an end: until the next print",
        """0:20 error 1200s 30% error=Shutdown
        3:00 print_started 0s 0% id=print-2""",
        "status=printing attention=none error_message=unknown prints=failed:1200,under_way:0 prints_failed=1",
    ),
    Rule(
        "a death without an end: a day later at most, whatever is repeated meanwhile",
        """0:00 print_started 0s 0% 3600left
        0:20 error 1200s 30%
        9:00 error 32400s 30%""",
        "status=failed attention=none prints=failed:1200 prints_failed=1 calendar=off",
        until="24:31",
    ),
    Rule(
        "a death without an end: not before",
        """0:00 print_started 0s 0% 3600left
        0:20 error 1200s 30%""",
        "status=error attention=error prints=under_way:1200 prints_failed=0",
        until="24:10",
    ),
    Rule(
        "an error that goes on is no death",
        """0:20 error 1200s 30%
        0:25 print_resumed 1500s 30%
        0:50 bed_cooldown_complete 3000s 30%""",
        "status=printing attention=none prints=under_way:3000",
    ),
    Rule(
        "its end is told after all, and counts instead",
        """0:20 error 1200s 30%
        0:30 bed_cooldown_complete 1800s 30%
        0:40 print_failed 1300s 30% code=cancelled""",
        "status=failed prints=cancelled:1300 prints_failed=0 prints_cancelled=1 total_print_time=1300",
    ),
    Rule(
        "the error of an idle printer changes no status",
        """0:00 print_complete 600s
        0:30 error 2400s error="Connection lost" """,
        'status=complete attention=error error_message="Connection lost" prints=complete:600',
    ),
    Rule(
        "the attention of an idle printer ends within an hour",
        """0:00 print_complete 600s
        0:30 error 2400s""",
        "status=complete attention=none attention_required=off",
        until="1:35",
    ),
    Rule(
        "as does that of a printer that knows no print",
        "0:00 error id= error=Offline",
        "status=unknown attention=error error_message=Offline",
    ),
    Rule("and is over then", "0:00 error id= error=Offline", "status=unknown attention=none", until="1:05"),
    Rule(
        "a print that goes on under a new id, with the same start",
        """0:00 print_started 0s 0% file=a/b.gcode
        0:30 print_progress 1800s 30% file=a/b.gcode
        0:40 print_progress 2400s 40% file=a/b.gcode id=print-2
        1:00 print_complete 3600s id=print-2""",
        "status=complete prints=complete:3600 total_print_time=3600 prints_completed=1",
    ),
    Rule(
        "a print that goes on under a new id, whose seconds begin anew",
        """0:00 print_started 0s 0% file=a/b.gcode
        0:30 print_progress 1800s 30% file=a/b.gcode
        0:40 print_progress 120s 40% file=None id=print-2
        1:00 print_complete 1320s id=print-2""",
        "status=complete prints=complete:3600 total_print_time=3600 print_start=0:00",
    ),
    Rule(
        "what it says then counts, also where it is no further than before",
        """0:00 print_started 0s 0% file=a/b.gcode
        0:30 print_progress 1800s 30% 3000left 3/9 file=a/b.gcode
        0:40 print_paused 120s 30% 2400left 4/9 file=None id=print-2""",
        "status=paused print_duration=2400 time_remaining=2400 current_layer=4",
    ),
    Rule(
        "another file is another print",
        """0:00 print_started 0s 0% file=a.gcode
        0:30 print_progress 1800s 30% file=a.gcode
        0:40 print_progress 120s 40% file=b.gcode id=print-2""",
        "status=printing prints=silent:1800,under_way:120 file_name=b.gcode",
    ),
    Rule(
        "the same file with a start of its own is another print",
        """0:00 print_started 0s 0% file=a.gcode
        0:30 print_progress 1800s 30% file=a.gcode
        0:31 print_started 0s 0% file=a.gcode id=print-2""",
        "prints=silent:1800,under_way:0",
    ),
    Rule(
        "a start in mid-print whose time goes on is that print going on",
        """0:00 print_started 0s 0% 7200left
        0:50 error 3000s 43% 3821left
        1:00 print_started 3600s 49% 3819left
        2:00 print_complete 7200s""",
        "status=complete prints=complete:7200 total_print_time=7200",
    ),
    Rule(
        "where no time is known, a percent that is not lower says so",
        """0:50 error 3000s 43%
        1:00 print_started 3600s 43%""",
        "status=printing attention=none prints=under_way:3600",
    ),
    Rule(
        "one that is back at the whole estimate is the file printed again",
        """0:00 print_started 0s 0% 2203left
        0:20 print_progress 840s 40% 1365left
        2:00 print_started 7200s 77% 2203left""",
        "status=printing progress=0 print_duration=0 prints=silent:840,under_way:0",
    ),
    Rule(
        "the last estimate is as good as the first",
        """0:00 print_started 0s 0% 7200left
        2:00 print_complete 7710s
        2:30 print_started 9000s 50% 7200left
        4:30 print_complete 16200s""",
        "prints=complete:7710,complete:7200 total_print_time=14910",
    ),
    Rule(
        "what Gadget's servers say is overtaken by the plugin",
        """0:30 print_progress 1800s 30%
        0:31 print_paused 1860s 31%
        0:31:04 gadget_paused 1856s 31%""",
        "status=paused attention=paused_by_gadget print_duration=1860",
    ),
    Rule(
        "but not by half a minute and more",
        """0:30 print_progress 1800s 30%
        0:31 print_resumed 1860s 31%
        0:31:04 gadget_paused 1829s 31%""",
        "status=printing attention=none",
    ),
    Rule(
        "a negative time remaining is overdue",
        "0:30 print_progress 1800s 99% -50left",
        "time_remaining=0 estimated_finish=0:30",
    ),
    Rule(
        "-1 and layers 0 of 0 take back what was known",
        """0:30 print_progress 1800s 40% 600left 3/9
        0:31 print_progress 1860s 40% -1left 0/0""",
        "time_remaining=unknown estimated_finish=unknown current_layer=unknown total_layers=unknown progress=40",
    ),
    Rule(
        "layer 0 of many is one; of none is nothing",
        """0:30 print_progress 1800s 40% 600left 3/9
        0:31 print_progress 1860s 40% 0/9
        0:32 print_progress 1920s 40% 7/0""",
        "current_layer=7 total_layers=unknown",
    ),
    Rule(
        "an absent value leaves what was known",
        """0:30 print_progress 1800s 40% 600left 3/9 file=a snapshot=https://x.example/1
        0:31 print_paused""",
        "status=paused progress=40 time_remaining=600 current_layer=3 file_name=a print_duration=1800",
    ),
    Rule(
        "nothing of the print before shows through",
        """0:30 error 1800s 40% 600left 3/9 file=a error=Cold code=3
        2:00 print_paused id=print-2""",
        "status=paused progress=unknown time_remaining=unknown current_layer=unknown file_name=unknown"
        " error_message=unknown attention=none print_duration=unknown print_start=unknown",
    ),
    Rule(
        "a print's last figure counts, though it is smaller",
        """0:00 print_started 0s 0%
        2:00 print_progress 7200s 95%
        2:08 print_complete 7270s 99%""",
        "status=complete progress=100 time_remaining=0 print_duration=7270 estimated_finish=2:08",
    ),
    Rule(
        "the end of a superseded print counts, and changes no state",
        """0:00 print_started 0s 0%
        0:30 print_started 0s 0% id=print-2
        0:31 print_complete 1700s""",
        "status=printing print_duration=0 prints=complete:1700,under_way:0 prints_completed=1 total_print_time=1700",
    ),
    Rule(
        "once",
        """0:00 print_started 0s 0%
        0:30 print_started 0s 0% id=print-2
        0:31 print_complete 1700s
        0:32 print_failed 1710s""",
        "prints=complete:1700,under_way:0 prints_completed=1 prints_failed=0",
    ),
    Rule(
        "the end of an older print that nobody has heard of",
        """0:30 print_started 0s 0%
        0:33 print_complete 3600s id=older""",
        "status=printing prints=complete:3600,under_way:0 prints_completed=1",
    ),
    Rule(
        "what is said before the end is late after it",
        """0:30 print_complete 1800s
        0:31 print_progress 1790s 99%""",
        "status=complete progress=100",
    ),
    Rule(
        "an older moment of the print changes nothing",
        """0:30 print_progress 1800s 40%
        0:31 print_paused 1700s 38%""",
        "status=printing progress=40",
    ),
    Rule(
        "one with a larger progress does",
        """0:30 print_progress 1800s 40%
        0:31 print_progress 1700s 41%""",
        "progress=41 print_duration=1700",
    ),
    Rule(
        "without an id nothing begins",
        """0:30 print_complete 1800s
        9:00 print_resumed 5s 3% id=""",
        "status=complete progress=100 print_duration=1800 prints=complete:1800",
    ),
    Rule(
        "without an id the print under way is meant",
        """0:30 print_progress 1800s 40%
        0:31 print_paused id=""",
        "status=paused progress=40",
    ),
    Rule(
        "without an id and knowing less, no number changes",
        """0:30 print_progress 1800s 40% 600left
        0:31 error 0s 0% 0/0 id= error=Hot""",
        "status=error attention=error progress=40 print_duration=1800 current_layer=unknown",
    ),
    Rule(
        "a printer that never names its prints goes from print to print",
        """0:00 print_started 0s 0% id=
        1:00 print_complete 3600s id=
        2:00 print_started 0s 0% id=""",
        "status=printing progress=0 print_start=2:00",
    ),
    Rule(
        "a file that is printed again under its id",
        """0:00 print_started 0s 0% 3600left
        1:00 print_complete 3600s
        1:10 print_started 4200s 52% 3600left
        1:30 print_progress 5400s 60%
        2:10 print_complete 7800s""",
        "prints=complete:3600,complete:3600 total_print_time=7200 print_start=1:10",
    ),
    Rule(
        "whose start nobody heard, once nothing is sent again any more",
        """1:00 print_complete 3600s
        1:50 print_progress 6600s 60%
        2:10 print_complete 7800s""",
        "prints=complete:3600,complete:1200",
    ),
    Rule(
        "before that it is of the first one",
        """1:00 print_complete 3600s
        1:44 print_progress 6240s 60%""",
        "status=complete prints=complete:3600",
    ),
    Rule(
        "what the first of two under one id said is late in the second",
        """1:00 print_complete 3600s
        1:10 print_started 4200s 52%
        1:11 print_progress 3590s 99%
        1:12 print_failed 3500s code=cancelled""",
        "status=printing progress=0 print_duration=0 prints=complete:3600,under_way:0 prints_cancelled=0",
    ),
    Rule(
        "a second one that is cancelled may count anew",
        """1:00 print_complete 3600s
        1:10 print_started 4200s 52%
        1:20 print_failed 600s code=cancelled""",
        "status=cancelled print_duration=600 prints=complete:3600,cancelled:600",
    ),
    Rule(
        "a print of which nothing was heard for a day does not go on under a new id",
        """0:00 print_paused 600s 10%
        30:00 print_progress 60s 20% id=print-2""",
        "status=printing print_duration=60 prints=silent:600,under_way:60",
    ),
    Rule(
        "a test and the daily limit change nothing",
        """0:30 print_progress 1800s 40%
        0:31 test 1s 1%
        0:32 notification_limit 1s 1%""",
        "status=printing progress=40 print_duration=1800",
    ),
]


def _facts(text: str) -> dict[str, str]:
    """Return what a rule says is seen."""
    words = (word.partition("=") for word in WORDS.findall(text))
    return {name: value.strip('"') for name, _, value in words}


async def _seen(hass: HomeAssistant, name: str) -> str:
    """Return what a user sees under a name: an entity by its key, or the prints of the printer."""
    if name == "prints":
        return ",".join(f"{print_['outcome']}:{print_['duration']}" for print_ in reversed(await get_prints(hass)))
    key = "prints" if name == "calendar" else name
    for platform in ("sensor", "binary_sensor", "calendar"):
        entity_id = er.async_get(hass).async_get_entity_id(platform, DOMAIN, f"printer-1_{key}")
        if entity_id and (state := hass.states.get(entity_id)) is not None:
            return _plain(state)
    pytest.fail(f"there is no {name}")


def _plain(state: State) -> str:
    """Return a state, durations in seconds."""
    if state.attributes.get("device_class") == "duration" and state.state != "unknown":
        return str(round(float(state.state) * 3600))
    return state.state


def _moment(value: str) -> str:
    """Return a moment of a story as a timestamp's state."""
    return moment(value).replace(microsecond=0).isoformat()


@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
async def test_rule(hass: HomeAssistant, freezer: FrozenDateTimeFactory, post: Post, rule: Rule) -> None:
    """A story ends as the contract says."""
    for arrival in story(rule.story):
        freezer.move_to(arrival.at)
        assert (await post(None, **{"PrintId": None} | arrival.body)).status == 200
    if rule.until:
        for _ in range(2):  # what the clock brings, and what follows from that
            freezer.move_to(moment(rule.until))
            async_fire_time_changed(hass, moment(rule.until) + _TICK)
            await hass.async_block_till_done(wait_background_tasks=True)
    expected = {
        name: _moment(value) if name in ("estimated_finish", "print_start") and ":" in value else value
        for name, value in _facts(rule.seen).items()
    }
    assert {name: await _seen(hass, name) for name in expected} == expected
