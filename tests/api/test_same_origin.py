"""Browsers: a cookie that scripts cannot read, and commands that must come from our own page."""

from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from tests.hotline import Hotline, Json
from tests.staff import Staff

COOKIE = "__Host-hoichan"
RED: Json = {"specialty": "K04", "urgency": "red"}


@pytest_asyncio.fixture(scope="module")
async def cookie(shared_hotline: Hotline, staff: Staff) -> str:
    """The session of a doctor who signed in on a page of ours."""
    account = staff["sonla-capcuu-1"].account
    answer = await shared_hotline.http.post(
        "/api/v1/auth/session",
        json={"username": account["username"], "password": account["password"]},
        headers={"Origin": own(shared_hotline)},
    )
    assert answer.status_code == 200, answer.text
    [set_cookie] = [c for c in answer.headers.get_list("set-cookie") if c.startswith(f"{COOKIE}=")]
    attributes = {part.strip().lower() for part in set_cookie.split(";")[1:]}
    assert {"httponly", "secure", "samesite=strict", "path=/"} <= attributes
    assert not any(a.startswith("domain=") for a in attributes)
    assert "access_token" not in answer.text
    return set_cookie.split(";")[0]


def own(hotline: Hotline) -> str:
    return f"http://127.0.0.1:{hotline.port}"


async def command(hotline: Hotline, cookie: str, **headers: str) -> httpx.Response:
    sent = {"Cookie": cookie, "Idempotency-Key": str(uuid4())}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    return await hotline.http.post("/api/v1/consultations", json=RED, headers=sent)


async def test_our_own_page_may_command(shared_hotline: Hotline, cookie: str) -> None:
    allowed = [{"Origin": own(shared_hotline)}, {"Sec_Fetch_Site": "same-origin"}, {"Sec_Fetch_Site": "none"}]
    for headers in allowed:
        assert (await command(shared_hotline, cookie, **headers)).status_code == 201, headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Origin": "http://["},
        {"Origin": "https://evil.example", "Sec_Fetch_Site": "same-origin"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
    ids=str,
)
async def test_another_site_may_not_command_with_the_cookie(
    shared_hotline: Hotline, staff: Staff, cookie: str, headers: dict[str, str]
) -> None:
    [before] = await staff.execute("SELECT count(*) AS n FROM consultation")
    for language, word in (("vi", "trang"), ("en", "site")):
        answer = await command(shared_hotline, cookie, Accept_Language=language, **headers)
        assert answer.status_code == 403
        assert answer.json()["type"] == "/problems/cross-site"
        assert word in answer.json()["title"]
    [after] = await staff.execute("SELECT count(*) AS n FROM consultation")
    assert after.n == before.n


async def test_another_site_may_not_sign_a_browser_in_or_out(
    shared_hotline: Hotline, staff: Staff, cookie: str
) -> None:
    foreign = {"Origin": "https://evil.example"}
    account = staff["sonla-capcuu-1"].account
    credentials = {"username": account["username"], "password": account["password"]}
    signed_in = await shared_hotline.http.post("/api/v1/auth/session", json=credentials, headers=foreign)
    assert signed_in.status_code == 403
    signed_out = await shared_hotline.http.delete("/api/v1/auth/session", headers=foreign | {"Cookie": cookie})
    assert signed_out.status_code == 403
    still = await shared_hotline.http.get("/api/v1/me", headers={"Cookie": cookie})
    assert still.status_code == 200


async def test_a_cookie_reads_from_anywhere_but_no_other_origin_is_let_at_the_answer(
    shared_hotline: Hotline, cookie: str
) -> None:
    answer = await shared_hotline.http.get("/api/v1/me", headers={"Cookie": cookie, "Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"


async def test_a_token_needs_no_origin_and_a_wrong_token_is_not_saved_by_a_cookie(
    shared_hotline: Hotline, staff: Staff, cookie: str
) -> None:
    person = staff["sonla-capcuu-1"]
    assert (await person.post("/consultations", RED)).status_code == 201
    answer = await shared_hotline.http.get("/api/v1/me", headers={"Cookie": cookie, "Authorization": "Bearer nonsense"})
    assert answer.status_code == 401


async def test_every_answer_carries_the_headers_that_protect_a_browser(shared_hotline: Hotline, cookie: str) -> None:
    for path in ("/", "/api/v1/me", "/api/v1/telephones", "/health", "/nothing-here"):
        answer = await shared_hotline.http.get(path, headers={"Cookie": cookie})
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert (await shared_hotline.http.get("/api/v1/me", headers={"Cookie": cookie})).headers[
        "cache-control"
    ] == "no-store"
