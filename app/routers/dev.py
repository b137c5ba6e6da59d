"""The outbox of development and the demonstration: what would have been sent, and keys pressed in captured calls.

A house that is no demonstration and captures its messages holds real people's numbers and links that answer for them:
only somebody on its own machine sees them.
"""

from collections.abc import Mapping
from html import escape
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic_core import from_json

from app.errors import Invalid, NotFound
from app.models.channel import ChannelKind, NoticeState
from app.models.working_hours import ZONE
from app.realtime.house import House
from app.routers.auth import is_from_this_machine
from app.routers.edge import HouseDep, json_response
from app.routers.outside import press
from app.routers.pages import button, page
from app.services.outside import outbox

CHANNELS: Mapping[str, str] = {
    ChannelKind.PUSH: "Thông báo trên máy / Push",
    ChannelKind.SMS: "Tin nhắn / SMS",
    ChannelKind.VOICE: "Gọi điện / Call",
    ChannelKind.EMAIL: "E-mail",
}
STATES: Mapping[str, str] = {
    NoticeState.WAITING: "chờ gửi / waits",
    NoticeState.SENT: "đã gửi / sent",
    NoticeState.DELIVERED: "đã đến / delivered",
    NoticeState.ANSWERED: "đã trả lời / answered",
    NoticeState.FAILED: "không gửi được / failed",
    NoticeState.STOPPED: "không cần nữa / no longer needed",
}

router = APIRouter(prefix="/dev/outbox", include_in_schema=False)


@router.get("")
async def read(request: Request, house: HouseDep, about: str | None = None, user: UUID | None = None) -> Response:
    """Show what would have been sent, newest first: JSON, or a page for a browser. 404 where nobody may see it."""
    _only_captured(house, request)
    async with house.work(None) as work:
        items = await outbox.captured(work, about=about, who=user)
    if "text/html" in request.headers.get("accept", ""):
        return _page(items, demo=house.demo)
    return json_response({"items": items})


@router.post("/{notice_id}/keypress")
async def keypress(notice_id: UUID, request: Request, house: HouseDep) -> Response:
    """Press a key in a captured call: `{"key": "1"}`. It takes the way of a real one."""
    _only_captured(house, request)
    key = await _key(request)
    async with house.work(None) as work:
        notice = await outbox.one(work, notice_id)
    if notice is None or notice.channel != ChannelKind.VOICE or notice.sent_at is None:
        raise NotFound
    said, keys, end = await press(house, notice, key)
    if "text/html" in request.headers.get("accept", ""):
        return RedirectResponse("/dev/outbox", 303)
    return json_response({"say": said[notice.language == "en"], "keys": keys, "end": end})


def _only_captured(house: House, request: Request) -> None:
    if not house.outside.capturing or not (house.demo or is_from_this_machine(request)):
        raise NotFound


async def _key(request: Request) -> str:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    sent: Any = None
    try:
        sent = from_json(await request.body()) if kind == "application/json" else await request.form()
        key = str(sent["key"])
    except (ValueError, LookupError, TypeError):
        raise Invalid("key", "Chọn một phím.", "Choose a key.") from None
    if len(key) != 1 or key not in "0123456789*#":
        raise Invalid("key", "Chọn một phím từ 0 đến 9.", "Choose a key from 0 to 9.")
    return key


def _page(items: list[dict[str, Any]], *, demo: bool) -> HTMLResponse:
    body = "".join(_card(item) for item in items) or '<p class="sub">Chưa có tin nào. / Nothing yet.</p>'
    words = '<p class="sub">Không có gì được gửi ra ngoài. / Nothing is sent outside.</p>'
    return page("Tin gửi ra ngoài (giữ lại)", words + body, demo=demo)


def _card(item: dict[str, Any]) -> str:
    sent = item["would_send"] or {}
    at = item["at"].astimezone(ZONE).strftime("%H:%M:%S %d/%m")
    channel, state = CHANNELS.get(item["channel"], item["channel"]), STATES.get(item["state"], item["state"])
    head = f"{at} · {channel} · {item['who'] or sent.get('to', '')} · {state}"
    words = sent.get("spoken") or " – ".join(filter(None, (sent.get("title"), sent.get("text"))))
    keys = ""
    if item["channel"] == ChannelKind.VOICE and item["state"] in ("sent", "delivered"):
        buttons = "".join(
            button("key", key, f"Bấm {key} / Press {key}", kind="btn o") for key in sent.get("menu") or {}
        )
        keys = f'<form class="row wrap" method="post" action="/dev/outbox/{item["id"]}/keypress">{buttons}</form>'
    link = f'<p><a href="{escape(sent["answer"])}">{escape(sent["answer"])}</a></p>' if sent.get("answer") else ""
    return (
        f'<section class="card stack-s"><p class="cap">{escape(head)}</p><p>{escape(words)}</p>{link}{keys}</section>'
    )
