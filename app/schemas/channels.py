"""One's own ways to be reached beyond the open page."""

import re
from datetime import time
from typing import Annotated, Any, Final, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StringConstraints, field_validator

from app.models.channel import ChannelKind
from app.schemas.body import Body
from app.schemas.text import Line

MOST_CHANNELS: Final = 8
PUSH_KEY: Final = "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM"
PUSH_EXAMPLE: Final[dict[str, Any]] = {
    "kind": "push",
    "address": "https://fcm.googleapis.com/fcm/send/dK3x…",
    "keys": {
        "p256dh": PUSH_KEY,
        "auth": "tBHItJI5svbpez7KI4CCXg",
    },
}
_KEY: Final = r"^[A-Za-z0-9_-]+={0,2}$"


class PushKeys(Body):
    """The keys of a browser's push subscription (RFC 8291), URL-safe base64."""

    p256dh: Annotated[str, StringConstraints(pattern=_KEY, min_length=80, max_length=100)]
    auth: Annotated[str, StringConstraints(pattern=_KEY, min_length=20, max_length=30)]


class Quiet(Body):
    """Hours of the night, local time, in which only red and orange are sent. It may pass midnight."""

    from_: time = Field(alias="from")
    to: time


class ChannelIn(Body):
    """One channel. The order of the list is the order in which they are used."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, populate_by_name=True)

    kind: ChannelKind
    address: Annotated[str, StringConstraints(min_length=3, max_length=2000)] = Field(
        description="A telephone number (Vietnamese or E.164), an e-mail address, or a push endpoint (https)"
    )
    keys: PushKeys | None = Field(None, description="Of a push; may be left out for an endpoint that is known already")
    quiet: Quiet | None = None
    language: Literal["vi", "en"] = "vi"


class ChannelsIn(Body):
    """The whole list; what is not in it is used no more. An empty list goes back to what the hospital has noted."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "channels": [
                        PUSH_EXAMPLE,
                        {"kind": "voice", "address": "0912 345 678"},
                        {"kind": "sms", "address": "+84912345678", "quiet": {"from": "22:00", "to": "06:00"}},
                    ]
                }
            ]
        }
    )

    channels: Annotated[list[ChannelIn], Field(max_length=MOST_CHANNELS)]


class QuietRead(BaseModel):
    """Quiet hours, local time."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    from_: time = Field(alias="from")
    to: time


class ChannelRead(BaseModel):
    """One of my channels."""

    kind: ChannelKind
    address: str
    quiet: QuietRead | None = None
    language: str = "vi"
    able: bool = Field(description="Whether this installation can send on such a channel at all")


class ChannelsRead(BaseModel):
    """How I am reached when the page is closed, in order."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "channels": [
                        {"kind": "voice", "address": "+84912345678", "quiet": None, "language": "vi", "able": True}
                    ],
                    "own": True,
                    "push_key": PUSH_KEY,
                    "kinds": ["push", "voice"],
                    "capturing": False,
                }
            ]
        }
    )

    channels: list[ChannelRead]
    own: bool = Field(description="False: I chose none, and this is what the hospital has noted")
    push_key: str = Field(description="The public key (VAPID) that a browser subscribes with")
    kinds: list[str] = Field(description="What this installation can send")
    capturing: bool = Field(description="Nothing goes outside: development or demonstration")


class ChannelTestIn(Body):
    """Which of my channels to try."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"kind": "voice"}]})

    kind: ChannelKind | None = Field(None, description="Without it all of them")


class ChannelTestRead(BaseModel):
    """How many test messages are on their way."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"sent": 1}]})

    sent: int


_SAID_AS: Final = {
    "completed": "ended",
    "busy": "failed",
    "no-answer": "failed",
    "rejected": "failed",
    "declined": "failed",
    "canceled": "failed",
    "cancelled": "failed",
    "undelivered": "failed",
    "unreachable": "failed",
}
"""What providers call the same thing; a call that nobody took is made again."""


class GatewayEvent(BaseModel):
    """What a gateway says of a call or a text message. Unknown fields are ignored."""

    model_config = ConfigDict(
        extra="ignore",
        hide_input_in_errors=True,
        json_schema_extra={
            "examples": [
                {
                    "key": "offer:01a20a03-a608-7c77-a1f3-5be0927dd4a6:voice",
                    "event": "keypress",
                    "digit": "1",
                }
            ]
        },
    )

    key: str | None = Field(None, max_length=300, description="`key` of the request that began it")
    id: str | None = Field(
        None,
        max_length=200,
        validation_alias=AliasChoices("id", "call_id", "callId", "message_id", "SMSID"),
        description="What the gateway called it in its answer",
    )
    event: Literal["keypress", "ringing", "answered", "delivered", "ended", "failed"] | None = Field(
        None,
        description="Without it, a digit is a keypress and everything else is a delivery. `busy`, `no-answer`, "
        "`rejected`, `canceled` and the like are taken as `failed`, `completed` as `ended`",
    )
    digit: Annotated[str, StringConstraints(max_length=8)] | None = Field(
        None, validation_alias=AliasChoices("digit", "digits", "Digits", "dtmf"), description="The key pressed"
    )
    reason: Line | None = Field(None, description="Why it failed")

    @field_validator("event", mode="before")
    @classmethod
    def _as_providers_say_it(cls, said: Any) -> Any:
        if not isinstance(said, str):
            return said
        word = re.sub(r"[\s_]+", "-", said.strip().lower())
        return _SAID_AS.get(word, word)


class SpokenRead(BaseModel):
    """What the gateway says next in the call."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "say": "Có ca hội chẩn cần bạn trả lời. Mức cam, Bàn trực Tim mạch. Bấm 1 để nhận.",
                    "keys": {"1": "accept", "2": "decline", "3": "again"},
                    "end": False,
                }
            ]
        }
    )

    say: str
    keys: dict[str, str] = Field(description="Keys that may be pressed now, and what they mean")
    end: bool = Field(description="Hang up after saying it")


def digit_of(event: GatewayEvent) -> str | None:
    """Return the key that was pressed, if that is what happened."""
    pressed = (event.digit or "").strip()
    if event.event not in (None, "keypress") or not re.fullmatch(r"[0-9*#]", pressed[-1:]):
        return None
    return pressed[-1]
