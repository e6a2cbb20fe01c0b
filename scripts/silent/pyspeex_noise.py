"""Stands in for a package of Home Assistant's voice assistants, which would have to be compiled; nobody speaks to a demo."""


class AudioProcessor:
    """What would take noise out of a recording."""
