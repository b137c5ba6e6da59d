"""The page behind a single-use link: what is asked, and buttons. Opening it answers nothing."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from pydantic_core import from_json

from app.errors import NotFound, Problem
from app.models.channel import AnswerLink
from app.realtime.house import House
from app.routers.auth import address_of
from app.routers.edge import HouseDep, json_response
from app.routers.outside import answer
from app.routers.pages import button, page, paragraph
from app.services.cases import outside_answers
from app.services.cases.outside_answers import ALREADY, OVER, Asked, Sentence
from app.services.outside import answer_links
from app.services.people.sign_in import Attempt

router = APIRouter(include_in_schema=False)
GUESSER = "answer link"
TITLES: Mapping[str, Sentence] = {
    "offer": ("Có ca hội chẩn cần bạn trả lời", "A consultation needs your answer"),
    "check": ("Bạn có mặt để trực không?", "Are you there for your duty?"),
}
NO_LINK: Sentence = ("Liên kết không dùng được", "This link cannot be used")
GONE: Sentence = (
    "Liên kết đã quá 24 giờ, hoặc địa chỉ bị thiếu. Mở hoichan để xem có gì đang chờ bạn không.",
    "The link is more than 24 hours old, or its address is incomplete. Open hoichan to see what waits for you.",
)
BUTTONS: Mapping[str, str] = {
    "accept": "Tôi nhận ca này / I accept",
    "decline": "Tôi không nhận được / I cannot",
    "here": "Tôi có mặt / I am here",
}
OPEN = '<p><a class="btn o" href="/">Mở hoichan / Open hoichan</a></p>'


@router.get("/a/{token}")
async def show(token: str, request: Request, house: HouseDep) -> Response:
    """Show what is asked, with buttons; nothing about the patient stands here."""
    try:
        link = await _link(token, request, house)
    except Problem as problem:
        return _no_link(problem, request, house)
    async with house.work(None) as work:
        asked = Asked(link.user_id, link.about)
        over = ALREADY if link.used_at else await outside_answers.state(work, asked)
    if _wants_json(request):
        return json_response({"about": asked.kind, "choices": () if over else asked.choices, "said": over})
    return _page(asked, over, demo=house.demo)


@router.post("/a/{token}")
async def give(token: str, request: Request, house: HouseDep) -> Response:
    """Answer, once, as the doctor whom the link was made for: `accept`, `decline` or `here`."""
    try:
        link = await _link(token, request, house)
    except Problem as problem:
        return _no_link(problem, request, house)
    asked = Asked(link.user_id, link.about)
    chosen = await _chosen(request)
    if link.used_at:
        said, done = ALREADY, False
    elif chosen in asked.choices:
        said, done = await answer(house, lambda work: outside_answers.by_link(work, link, chosen))
    else:
        if _wants_json(request):
            return json_response({"done": False, "said": OVER}, 422)
        return _page(asked, None, demo=house.demo)
    if _wants_json(request):
        return json_response({"done": done, "said": said}, 200 if done else 409)
    return _page(asked, said, demo=house.demo)


async def _link(token: str, request: Request, house: House) -> AnswerLink:
    """Find the link; whoever guesses is told to stop after a few wrong ones.

    A right one is answered whatever came before it: a whole hospital may share one address, and no number of tries
    finds a token of 128 bits.
    """
    async with house.work(None) as work:
        link = await answer_links.find(work, token)
    if link is None:
        attempt = Attempt(GUESSER, address_of(request))
        house.guard.admit(attempt)
        house.guard.failed(attempt)
        raise NotFound
    return link


def _no_link(problem: Problem, request: Request, house: House) -> Response:
    """Say to a person, in words, that nothing can be answered here and where to look instead; to a program as ever."""
    if _wants_json(request):
        raise problem
    said = GONE if isinstance(problem, NotFound) else (problem.sentence("vi")[1], problem.sentence("en")[1])
    shown = page(NO_LINK[0], _status(said) + OPEN, status=problem.status, demo=house.demo)
    if "retry_s" in problem.extra:
        shown.headers["Retry-After"] = str(problem.extra["retry_s"])
    return shown


async def _chosen(request: Request) -> str:
    sent: Any
    try:
        if _sends_json(request):
            sent = from_json(await request.body())
        else:
            sent = await request.form()
    except ValueError:
        return ""
    found = sent.get("answer") if isinstance(sent, Mapping) else None
    return found if isinstance(found, str) else ""


def _sends_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def _wants_json(request: Request) -> bool:
    """A program asks for it, or speaks it; a person's browser does neither."""
    return "application/json" in request.headers.get("accept", "") or _sends_json(request)


def _status(said: Sentence) -> str:
    return f'<section class="card stack" role="status">{paragraph(*said)}</section>'


def _page(asked: Asked, over: Sentence | None, *, demo: bool) -> HTMLResponse:
    title = TITLES.get(asked.kind, TITLES["offer"])
    if over is not None:
        body = _status(over)
    else:
        buttons = "".join(
            button("answer", choice, BUTTONS[choice], kind="btn o xl blk" if choice == "decline" else "btn p xl blk")
            for choice in asked.choices
        )
        body = (
            f'<p class="sub" lang="en">{title[1]}</p>'
            f'<form class="card stack" method="post">{buttons}</form>'
            f'<p class="cap">Liên kết này chỉ dùng một lần, cho riêng bạn. / This link works once, for you alone.</p>'
        )
    return page(title[0], body + OPEN, demo=demo)
