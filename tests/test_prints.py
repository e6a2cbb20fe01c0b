"""Whole prints, as each make's plugin tells them: what is shown, announced, remembered and counted. The table is in prints.md."""

from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

import pytest

from .kinds import KINDS
from .story import FIXTURES, Arrival, Teller, fixture

_SLUGS: Final = {kind.number: slug for slug, kind in KINDS.items()}
# Two days after the last word, everything has ended that ever will.
_LATER: Final = timedelta(days=2)
# Seconds by which neighbours may overtake each other.
_OVERTAKE: Final = 30


@pytest.fixture(autouse=True)
def _custom_integrations() -> None:
    """Do without a running Home Assistant, which every other test has."""


class Row(NamedTuple):
    """What must come of a fixture; of several printers, the first one's is meant."""

    name: str
    shown: str
    """Status, and attention behind an exclamation mark, each time that they change; then what is shown two days later."""
    prints: str
    """Outcome and seconds of each print."""
    totals: str
    """Completed, failed, cancelled, seconds."""


def table() -> list[Row]:
    """Return the rows of prints.md."""
    lines = (Path(__file__).parent / "fixtures" / "prints.md").read_text("utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [Row(*row) for row in rows[2:]]


ROWS: Final = table()
BY_NAME: Final = pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])


def first_printer(name: str) -> list[Arrival]:
    """Return what arrives of a fixture's first printer."""
    arrivals = fixture(name)
    return [arrival for arrival in arrivals if arrival.body["PrinterId"] == arrivals[0].body["PrinterId"]]


def shown(teller: Teller) -> str:
    """Return the status of a printer, and the attention that it wants."""
    attention = teller.view.attention
    return str(teller.view.status).replace("None", "unknown") + ("" if attention == "none" else f"!{attention}")


def tell(arrivals: list[Arrival]) -> tuple[Teller, str, str, str]:
    """Return what comes of notifications, as a row says it."""
    teller = Teller()
    steps: list[str] = []
    for arrival in arrivals:
        teller.tell([arrival])
        if not steps or steps[-1] != shown(teller):
            steps.append(shown(teller))
    teller.wait(teller.now + _LATER)
    if steps[-1] != shown(teller):
        steps.append(f"later {shown(teller)}")
    totals = teller.printer.totals
    return (
        teller,
        ", ".join(steps),
        ", ".join(f"{print_.outcome} {print_.duration}" for print_ in teller.prints),
        f"{totals.completed} {totals.failed} {totals.cancelled} {totals.seconds}",
    )


def test_every_fixture_has_a_row() -> None:
    """For each print somebody wrote down what must come of it."""
    assert [row.name for row in ROWS] == FIXTURES


@BY_NAME
def test_in_order(row: Row) -> None:
    """In order, everything is as the table says, and every notification is announced."""
    arrivals = first_printer(row.name)
    teller, *found = tell(arrivals)
    assert found == list(row[1:])
    assert teller.announced == [_SLUGS[arrival.body["EventType"]] for arrival in arrivals]


@BY_NAME
def test_shuffled(row: Row) -> None:
    """Neighbours that overtake each other end in the same prints."""
    for seed in range(12):
        random = Random(seed)
        delayed = [
            Arrival(arrival.at + timedelta(seconds=random.uniform(0, _OVERTAKE)), arrival.body)
            for arrival in first_printer(row.name)
        ]
        teller, steps, prints, totals = tell(sorted(delayed, key=lambda arrival: arrival.at))
        assert outcomes(prints) == outcomes(row.prints)
        assert totals.split()[:3] == row.totals.split()[:3]
        # Where the start of the print is worked out from when something arrived, it is off by as much.
        assert abs(int(totals.split()[3]) - int(row.totals.split()[3])) <= _OVERTAKE
        assert steps.split(", ")[-1].removeprefix("later ") == row.shown.split(", ")[-1].removeprefix("later ")
        assert sorted(teller.announced) == sorted(_SLUGS[arrival.body["EventType"]] for arrival in delayed)


def outcomes(prints: str) -> list[str]:
    """Return how prints ended, without how long they took."""
    return [print_.split(" ")[0] for print_ in prints.split(", ")]
