"""What each kind of notification is, and what it means: written down here once, and not taken from the integration."""

from typing import Final, NamedTuple

KEEPS: Final = None


class Kind(NamedTuple):
    """A kind of notification."""

    number: int
    """OctoEverywhere's EventType."""
    status: str | None
    """What it makes of a printer's status."""
    attention: str | None
    """And of the attention that the printer wants."""
    is_about_a_printer: bool = True


KINDS: Final = {
    "print_started": Kind(1, "printing", "none"),
    "print_complete": Kind(2, "complete", "none"),
    # Or cancelled, where it says so.
    "print_failed": Kind(3, "failed", "none"),
    "print_paused": Kind(4, "paused", KEEPS),
    "print_resumed": Kind(5, "printing", "none"),
    # It clears the attention of a print that has gone further.
    "print_progress": Kind(6, "printing", KEEPS),
    "gadget_warning": Kind(7, KEEPS, "failure_suspected"),
    "gadget_paused": Kind(8, "paused", "paused_by_gadget"),
    "error": Kind(9, "error", "error"),
    "first_layer_complete": Kind(10, "printing", "none"),
    "filament_change_required": Kind(11, KEEPS, "filament_change"),
    "user_interaction_required": Kind(12, KEEPS, "user_interaction"),
    "notification_limit": Kind(13, KEEPS, KEEPS, is_about_a_printer=False),
    "third_layer_complete": Kind(14, "printing", "none"),
    "bed_cooldown_complete": Kind(15, KEEPS, KEEPS),
    "test": Kind(16, KEEPS, KEEPS, is_about_a_printer=False),
    # Any number that OctoEverywhere may add.
    "unknown": Kind(17, KEEPS, KEEPS),
}
