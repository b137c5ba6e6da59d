"""What gateways tell of calls and text messages: keys pressed, receipts, ends. Every word of it is signed."""

from typing import Annotated, Any
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from app.channels.gateway import Signer
from app.channels.ways import SMS_PATH, VOICE_PATH
from app.errors import NotFound, Unauthenticated
from app.models.channel import ChannelKind, Notice
from app.realtime.house import House
from app.routers.edge import HouseDep
from app.routers.outside import press
from app.routers.problems import problems
from app.schemas.channels import GatewayEvent, SpokenRead, digit_of
from app.services.cases import outside_answers
from app.services.outside import receipts

router = APIRouter(tags=["gateways"])
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": GatewayEvent.model_json_schema(),
                "example": {
                    "key": "offer:01a20a03-a608-7c77-a1f3-5be0927dd4a6:voice",
                    "event": "keypress",
                    "digit": "1",
                },
            }
        },
    }
}
_ERRORS = problems(401, 404, 413, 422)

Stamp = Annotated[
    str | None, Header(alias="X-Hoichan-Timestamp", description="Seconds since 1970, at most 5 minutes off")
]
Signature = Annotated[
    str | None,
    Header(alias="X-Hoichan-Signature", description="`sha256=` and the HMAC-SHA256 of `timestamp.body`, in hex"),
]
Called = Annotated[str | None, Query(alias="n", description="In the callback address of a call: which one")]
CalledAt = Annotated[str | None, Query(alias="t", description="In the callback address of a call: when it began")]
CalledBy = Annotated[str | None, Query(alias="s", description="In the callback address of a call: its signature")]


@router.post(VOICE_PATH, summary="A call: a key was pressed, or it ended", responses=_ERRORS, openapi_extra=_BODY)
async def voice(
    request: Request,
    house: HouseDep,
    stamp: Stamp = None,
    signature: Signature = None,
    called: Called = None,
    called_at: CalledAt = None,
    called_by: CalledBy = None,
) -> SpokenRead:
    """Take what the voice gateway says of a call, and return what the call says next.

    A request is signed with the gateway's secret, or comes to the callback address that the call was begun with. A
    repeated keypress is answered and does nothing twice. An answered call without a key is no answer.
    """
    named = await _admit(request, house, (VOICE_PATH, called, called_at, called_by), stamp, signature)
    event = await _event(request)
    notice = await _notice(house, event, named)
    key = digit_of(event)
    if key is None:
        await _receipt(house, notice, event)
        return SpokenRead(say="", keys={}, end=event.event in ("ended", "failed"))
    if notice.channel != ChannelKind.VOICE:
        raise NotFound  # nobody pressed a key in a text message
    said, keys, end = await press(house, notice, key)
    return SpokenRead(say=said[notice.language == "en"], keys=keys, end=end)


@router.post(SMS_PATH, status_code=204, summary="A text message: receipt", responses=_ERRORS, openapi_extra=_BODY)
async def sms(
    request: Request,
    house: HouseDep,
    stamp: Stamp = None,
    signature: Signature = None,
    called: Called = None,
    called_at: CalledAt = None,
    called_by: CalledBy = None,
) -> None:
    """Take a delivery receipt. Delivery is no answer."""
    named = await _admit(request, house, (SMS_PATH, called, called_at, called_by), stamp, signature)
    event = await _event(request)
    await _receipt(house, await _notice(house, event, named), event)


async def _admit(
    request: Request,
    house: House,
    callback: tuple[str, str | None, str | None, str | None],
    stamp: str | None,
    signature: str | None,
) -> str | None:
    """Admit what is signed, and return which notice the address names, if the address was signed for that notice."""
    signer = Signer(house.settings.gateway_secret, house.clock)
    path, called, called_at, called_by = callback
    if called and called_at and called_by and signer.is_our_callback(path, called, called_at, called_by):
        return called
    if signer.is_ours(await request.body(), stamp, signature):
        return None  # the body says of which notice it speaks; nobody has signed what the address says
    raise Unauthenticated


async def _event(request: Request) -> GatewayEvent:
    body = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "application/x-www-form-urlencoded":
            return GatewayEvent.model_validate(dict(parse_qsl(body.decode("utf-8", "replace"))))
        return GatewayEvent.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_input=False)) from None


async def _notice(house: House, event: GatewayEvent, called: str | None) -> Notice:
    try:
        notice_id = UUID(called) if called else None
    except ValueError:
        raise NotFound from None
    if notice_id is None and not event.key and not event.id:
        raise NotFound
    async with house.work(None) as work:
        return await outside_answers.notice_called(work, notice_id=notice_id, key=event.key, provider_id=event.id)


async def _receipt(house: House, notice: Notice, event: GatewayEvent) -> None:
    async with house.work(None) as work:
        await receipts.note(work, notice.id, event.event or "delivered", event.reason)
        await house.commit(work)
