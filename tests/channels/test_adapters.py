"""What really leaves the house, through real sockets: encrypted, signed, with one key, and nothing about a patient."""

import base64
import email
import email.policy
import hmac
import json
import os
import ssl
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import http_ece
import httpx
import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from py_vapid import Vapid02

from app.channels.gateway import Gateway, Route, Signer, fill, without_marks
from app.channels.port import Undelivered
from app.channels.smtp import Smtp
from app.channels.ways import ways_out
from app.channels.web_push import WebPush, new_private_key, public_key_of
from app.clock import FakeClock
from app.config import Settings
from app.services.outside.notice_texts import render
from app.services.outside.sending import Outgoing
from tests.channels.fakes import Provider, mail_server, provider
from tests.hotline import NIGHT

WORDS = {"urgency": "orange", "desk_name": "Bàn trực Tim mạch", "at": NIGHT.isoformat()}
CLOCK = FakeClock(NIGHT)


def outgoing(channel: str, address: str, kind: str = "offer", **more: object) -> Outgoing:
    values = {
        "notice_id": uuid4(),
        "key": "offer:1:2",
        "kind": kind,
        "about": "offer:1",
        "channel": channel,
        "address": address,
        "keys": None,
        "language": "vi",
        "rendered": render(kind, WORDS),
        "urgent": True,
        "loud": True,
        "drill": False,
        "ttl": timedelta(minutes=5),
    }
    return Outgoing(**values | more)


@pytest.fixture
def there() -> Iterator[Provider]:
    with provider() as fake:
        yield fake


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as made:
        yield made


class Browser:
    """A device with a subscription: it alone can read what is pushed."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.secret = os.urandom(16)

    @property
    def keys(self) -> dict[str, str]:
        return {
            "p256dh": public_key_of(self.key),
            "auth": base64.urlsafe_b64encode(self.secret).rstrip(b"=").decode(),
        }

    def read(self, body: bytes) -> dict[str, object]:
        found: dict[str, object] = json.loads(
            http_ece.decrypt(body, private_key=self.key, auth_secret=self.secret, version="aes128gcm")
        )
        return found


async def test_a_push_is_encrypted_for_the_browser_alone_signed_and_urgent(there: Provider, client: httpx.AsyncClient):
    browser, push = Browser(), WebPush(new_private_key(), "mailto:it@bv.example", client, CLOCK)
    await push.send(outgoing("push", f"{there.url}/sub/1", keys=browser.keys, answer="t" * 22))
    [got] = there.received
    assert got.headers["ttl"] == "300"
    assert got.headers["urgency"] == "high"
    assert got.headers["content-encoding"] == "aes128gcm"
    assert len(got.headers["topic"]) <= 32
    assert "Tim mạch".encode() not in got.body
    assert "hội chẩn".encode() not in got.body
    said = browser.read(got.body)
    assert said["title"] == "Có ca hội chẩn cần bạn trả lời"
    assert said["answer"] == "/a/" + "t" * 22
    assert said["loud"] is True
    scheme, _, token = got.headers["authorization"].partition(" t=")
    assert scheme == "vapid"
    token, _, key = token.partition(",k=")
    assert key == push.public_key
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["aud"] == there.url
    assert claims["sub"] == "mailto:it@bv.example"
    assert 0 < claims["exp"] - NIGHT.timestamp() <= 24 * 3600
    assert Vapid02.verify(got.headers["authorization"])


async def test_a_later_push_about_the_same_takes_the_place_of_the_first_and_a_clearing_one_says_nothing(
    there: Provider, client: httpx.AsyncClient
):
    browser, push = Browser(), WebPush(new_private_key(), "mailto:it@bv.example", client, CLOCK)
    await push.send(outgoing("push", f"{there.url}/sub/1", keys=browser.keys))
    await push.send(outgoing("push", f"{there.url}/sub/1", kind="clear", keys=browser.keys))
    first, clear = there.received
    assert first.headers["topic"] == clear.headers["topic"]
    assert browser.read(clear.body) == {"v": 1, "clear": True, "tag": clear.headers["topic"]}


@pytest.mark.parametrize(
    ("status", "again", "gone"), [(404, False, True), (410, False, True), (429, True, False), (503, True, False)]
)
async def test_what_a_push_service_refuses_is_tried_again_or_the_device_is_gone(
    there: Provider, client: httpx.AsyncClient, status: int, *, again: bool, gone: bool
):
    there.answer = lambda _, __: (status, {})
    push = WebPush(new_private_key(), "mailto:it@bv.example", client, CLOCK)
    with pytest.raises(Undelivered) as refused:
        await push.send(outgoing("push", f"{there.url}/sub/1", keys=Browser().keys))
    assert (refused.value.again, refused.value.gone) == (again, gone)
    assert there.url not in refused.value.why


@pytest.mark.parametrize("channel", ["sms", "voice"])
@pytest.mark.parametrize(
    ("status", "again"), [(401, True), (403, True), (404, True), (410, True), (429, True), (503, True), (400, False)]
)
async def test_what_a_gateway_refuses_never_says_that_a_number_is_gone(
    there: Provider, client: httpx.AsyncClient, channel: str, status: int, *, again: bool
):
    there.answer = lambda _, __: (status, {})
    gateway = Gateway(Route(there.url, "{}"), Signer("", CLOCK), client, path=f"/gateway/{channel}")
    with pytest.raises(Undelivered) as refused:
        await gateway.send(outgoing(channel, "+84912345678"))
    assert (refused.value.again, refused.value.gone) == (again, False)


async def test_a_subscription_with_broken_keys_is_no_fault_and_not_tried_again(client: httpx.AsyncClient):
    push = WebPush(new_private_key(), "mailto:it@bv.example", client, CLOCK)
    with pytest.raises(Undelivered) as refused:
        await push.send(outgoing("push", "http://127.0.0.1:1/", keys={"p256dh": "AAAA", "auth": "AAAA"}))
    assert refused.value.again is False


async def test_a_call_carries_its_words_its_keys_one_key_of_its_own_and_a_signature(
    there: Provider, client: httpx.AsyncClient
):
    signer = Signer("s3cret", CLOCK)
    route = Route(f"{there.url}/call", '{"to": "{to}", "say": "{text}", "menu": {keys}, "hook": "{callback}"}')
    voice = Gateway(route, signer, client, path="/gateway/voice", public_url="https://h.example")
    out = outgoing("voice", "+84912345678")
    receipt = await voice.send(out)
    assert receipt.provider_id == "call-1"
    [got] = there.received
    assert got.json["to"] == "+84912345678"
    assert got.json["say"].endswith("Bấm 1 để nhận. Bấm 2 nếu không nhận được. Bấm 3 để nghe lại.")
    assert got.json["menu"] == {"1": "accept", "2": "decline", "3": "again"}
    assert got.json["hook"].startswith(f"https://h.example/gateway/voice?n={out.notice_id}&t=")
    assert got.headers["idempotency-key"] == "offer:1:2"
    signed = hmac.new(b"s3cret", got.headers["x-hoichan-timestamp"].encode() + b"." + got.body, sha256).hexdigest()
    assert got.headers["x-hoichan-signature"] == f"sha256={signed}"
    assert signer.is_ours(got.body, got.headers["x-hoichan-timestamp"], got.headers["x-hoichan-signature"])


async def test_a_call_that_rings_is_ended_where_the_gateway_can(there: Provider, client: httpx.AsyncClient):
    route = Route(f"{there.url}/call", "{}")
    signer = Signer("s3cret", CLOCK)
    ends = Gateway(route, signer, client, path="/gateway/voice", cancel_url=f"{there.url}/cancel")
    await ends.send(outgoing("voice", "+84912345678", kind="hangup", provider_id="call-7"))
    assert [(r.path, r.json["id"]) for r in there.received] == [("/cancel", "call-7")]
    cannot = Gateway(route, signer, client, path="/gateway/voice")
    await cannot.send(outgoing("voice", "+84912345678", kind="hangup", provider_id="call-7"))
    assert len(there.received) == 1


async def test_templates_fit_json_and_form_gateways_and_escape_what_they_are_filled_with():
    words = {"to": "+84912345678", "to_local": "0912345678", "text": 'Nói "có" & xuống\ndòng', "key": "k"}
    body, kind = fill('{"Phone": "{to_local}", "Content": "{text}"}', words, {})
    assert kind == "application/json"
    assert json.loads(body) == {"Phone": "0912345678", "Content": words["text"]}
    body, kind = fill("to={to}&content={text_ascii}", words | {"text_ascii": without_marks("Trả lời ngay, Đỏ")}, {})
    assert kind == "application/x-www-form-urlencoded"
    assert body == b"to=%2B84912345678&content=Tra+loi+ngay%2C+Do"


async def test_a_gateway_that_says_200_and_means_no_is_not_believed(there: Provider, client: httpx.AsyncClient):
    there.answer = lambda _, __: (200, {"CodeResult": "99"})
    sms = Gateway(Route(there.url, "{}", ok='"CodeResult":\\s*"100"'), Signer("", CLOCK), client, path="/gateway/sms")
    with pytest.raises(Undelivered) as refused:
        await sms.send(outgoing("sms", "+84912345678"))
    assert refused.value.again
    there.answer = lambda _, __: (200, {"CodeResult": "100", "SMSID": "abc"})
    assert (await sms.send(outgoing("sms", "+84912345678"))).provider_id == "abc"


@pytest.mark.parametrize(
    ("own", "sms", "voice"),
    [
        ({}, "both", "both"),
        ({"voice_headers": {"X-Key": "voice"}}, "both", "voice"),
        ({"sms_headers": {}, "voice_headers": {"X-Key": "voice"}}, None, "voice"),
        ({"sms_headers": {"X-Key": "sms"}}, "sms", "both"),
    ],
)
async def test_each_provider_gets_the_headers_that_are_meant_for_it(
    there: Provider, client: httpx.AsyncClient, own: dict[str, dict[str, str]], sms: str | None, voice: str
):
    settings = Settings(sms_url=there.url, voice_url=there.url, gateway_headers={"X-Key": "both"}, **own)
    ways = ways_out(settings, client, CLOCK, push_key=new_private_key(), capture=False)
    for kind in ("sms", "voice"):
        await ways.adapters[kind].send(outgoing(kind, "+84912345678"))
    assert [r.headers.get("x-key") for r in there.received] == [sms, voice]


async def test_an_e_mail_reaches_the_mail_server_with_an_identity_of_its_own():
    async with mail_server() as box:
        smtp = Smtp(f"smtp://127.0.0.1:{box.port}", "hoichan <hoichan@bv.example>", CLOCK)
        out = outgoing("email", "bs@bv.example.vn")
        await smtp.send(out)
        await smtp.send(out)
    first, second = (email.message_from_bytes(m, policy=email.policy.default) for m in box.mails)
    assert first["Subject"] == "Có ca hội chẩn cần bạn trả lời"
    assert first["Message-ID"] == second["Message-ID"] == "<offer.1.2@bv.example>"
    assert "Mức cam, Bàn trực Tim mạch" in first.get_content()


@pytest.mark.parametrize(("asked", "arrives", "secured"), [("", True, 1), ("?plain", True, 0), ("?starttls", False, 0)])
async def test_mail_is_encrypted_where_the_server_offers_it_and_only_to_a_known_server_where_that_is_asked_for(
    tmp_path: Path, asked: str, secured: int, *, arrives: bool
):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sink")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    now = datetime.now(UTC)
    signed = made.not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(key, SHA256())
    (tmp_path / "pem").write_bytes(
        signed.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(tmp_path / "pem")
    async with mail_server(tls) as box:
        smtp = Smtp(f"smtp://127.0.0.1:{box.port}{asked}", "h@bv.example", CLOCK)
        if arrives:
            await smtp.send(outgoing("email", "a@b.vn"))
            assert box.secured == secured
        else:
            with pytest.raises(Undelivered):
                await smtp.send(outgoing("email", "a@b.vn"))
        assert len(box.mails) == int(arrives)


@pytest.mark.parametrize(("code", "again"), [("450", True), ("550", False)])
async def test_a_mail_server_that_refuses_for_now_is_asked_again(code: str, *, again: bool):
    async with mail_server() as box:
        box.refuse = code
        with pytest.raises(Undelivered) as refused:
            await Smtp(f"smtp://127.0.0.1:{box.port}", "h@bv.example", CLOCK).send(outgoing("email", "a@b.vn"))
        assert refused.value.again is again
        assert "a@b.vn" not in refused.value.why


async def test_nobody_there_is_tried_again(client: httpx.AsyncClient):
    for adapter, out in (
        (
            WebPush(new_private_key(), "mailto:a@b.vn", client, CLOCK),
            outgoing("push", "http://127.0.0.1:1/", keys=Browser().keys),
        ),
        (
            Gateway(Route("http://127.0.0.1:1/", "{}"), Signer("", CLOCK), client, path="/"),
            outgoing("sms", "+84912345678"),
        ),
        (Smtp("smtp://127.0.0.1:1", "a@b.vn", CLOCK), outgoing("email", "a@b.vn")),
    ):
        with pytest.raises(Undelivered) as refused:
            await adapter.send(out)
        assert refused.value.again


async def test_the_demonstration_sends_nothing_outside_whatever_is_set(client: httpx.AsyncClient, there: Provider):
    settings = Settings(
        sms_url=there.url, voice_url=there.url, smtp_url="smtp://127.0.0.1:1", mail_from="a@b.vn", channels="live"
    )
    for capture, set_to in ((True, "live"), (False, "capture")):
        ways = ways_out(
            settings.model_copy(update={"channels": set_to}), client, CLOCK, push_key=new_private_key(), capture=capture
        )
        assert ways.capturing
        for kind, adapter in ways.adapters.items():
            assert (await adapter.send(outgoing(kind, "+84912345678"))).captured is not None
    assert there.received == []
    live = ways_out(settings, client, CLOCK, push_key=new_private_key(), capture=False)
    assert set(live.adapters) == {"push", "sms", "voice", "email"}
