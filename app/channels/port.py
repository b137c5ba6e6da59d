"""The port: what a channel beyond the socket must be able to do, and how it says that it could not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx

from app.services.outside.sending import Outgoing

TIMEOUT_S = 10.0
"""Shorter than the reserve of a claim, so that no two processes ever send one notice at the same time."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """It was taken over by the network."""

    provider_id: str | None = None
    captured: dict[str, Any] | None = None
    """What would have gone out, where nothing does."""


class Undelivered(Exception):
    """It was not taken over. `again`: it may be later; `gone`: the device does not exist any more.

    `status` is what HTTP said, if it said anything; what it means is for the adapter to know. The sentence goes to
    the log and the database: it never holds an address or what was sent.
    """

    def __init__(self, why: str, *, again: bool, gone: bool = False, status: int | None = None) -> None:
        """Say why, and whether to try again."""
        super().__init__(why)
        self.why = why
        self.again = again
        self.gone = gone
        self.status = status


class Adapter(Protocol):
    """One kind of channel."""

    async def send(self, out: Outgoing) -> Receipt:
        """Hand one notice over. Raises Undelivered."""
        ...


@dataclass(frozen=True, slots=True)
class Outside:
    """Every way out that this installation has."""

    adapters: Mapping[str, Adapter] = field(default_factory=dict)
    """By kind of channel; a kind without one cannot be sent."""
    capture: Adapter | None = None
    """Takes what is meant for accounts of the demonstration, wherever they are."""
    push_key: str = ""
    """The public key that browsers subscribe with."""
    capturing: bool = False
    """Nothing goes outside: development and the demonstration."""


async def post(client: httpx.AsyncClient, url: str, content: bytes, headers: Mapping[str, str]) -> httpx.Response:
    """Post, and tell what may be tried again (no answer, overload, a fault there) from what may not."""
    try:
        answer = await client.post(url, content=content, headers=dict(headers), timeout=TIMEOUT_S)
    except httpx.HTTPError as error:
        raise Undelivered(type(error).__name__, again=True) from None
    except (httpx.InvalidURL, ValueError) as error:
        raise Undelivered(type(error).__name__, again=False) from None
    if not answer.is_success:
        status = answer.status_code
        raise Undelivered(f"HTTP {status}", again=status >= 500 or status in (408, 425, 429), status=status)
    return answer
