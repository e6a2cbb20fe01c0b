"""Stands in for a package of Home Assistant's voice assistants, which would have to be compiled; nobody speaks to a demo."""


class MicroVad:
    """What would tell speech from silence."""
