"""The demo network, in the documented format of a network file: `network.jsonl`. Not for patients.

Hospitals, specialties and agreements are real; people are roles; telephone numbers and facility codes are made up. The
terms of the agreements are extended so that the demo routes today and for years.
"""

from importlib.resources import files
from typing import Final

FILE: Final = files(__name__) / "network.jsonl"


def network() -> bytes:
    """The network file, as `hoichan network import` would read it."""
    return FILE.read_bytes()
