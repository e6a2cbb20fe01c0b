"""What is promised of a whole Home Assistant, tried on one; prints a table, and fails where a promise did not hold."""

import argparse
import asyncio
from collections.abc import Callable, Coroutine
import random
import sys
import time
from typing import Any, Final

from . import crash, damage, fuzz, load, rude
from .outcome import Outcome

TRIALS: Final[dict[str, Callable[..., Coroutine[Any, Any, Outcome]]]] = {
    "crash": crash.run,
    "damage": damage.run,
    "load": load.run,
    "fuzz": fuzz.run,
    "rude": rude.run,
}


def _try(name: str, *, quick: bool, seed: int) -> bool:
    """Run one trial, say what came of it, and return whether all is well."""
    began = time.monotonic()
    outcome = asyncio.run(TRIALS[name](quick=quick, seed=seed))
    for failure in outcome.failures:
        print(f"  {failure}")
    result = "ok" if not outcome.failures else "FAILED"
    print(
        f"| {name} | {outcome.rounds} | {len(outcome.failures)} failures | {result} | {time.monotonic() - began:.0f} s |"
    )
    for figure, value in outcome.figures.items():
        print(f"|   {figure} | {value} | | | |")
    sys.stdout.flush()
    return not outcome.failures


def main() -> int:
    """Read the command line, run the trials one after the other."""
    parser = argparse.ArgumentParser(prog="scripts/reliability", description=__doc__)
    parser.add_argument("trials", nargs="*", metavar="TRIAL", help=f"one or more of {', '.join(TRIALS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="a few minutes instead of an hour")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="repeats a run")
    arguments = parser.parse_args()
    if unknown := set(arguments.trials) - TRIALS.keys():
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    print(f"Seed {arguments.seed}")
    results = [_try(name, quick=arguments.quick, seed=arguments.seed) for name in arguments.trials or TRIALS]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
