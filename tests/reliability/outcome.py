"""What came of a trial."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a trial: nothing wrong where there are no failures."""

    rounds: str
    """How much was tried, in words: `200 crashes`."""
    failures: list[str]
    figures: Mapping[str, str] = field(default_factory=dict)
    """What was measured on the way: name -> value with its unit."""
