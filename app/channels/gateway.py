"""Text messages and telephone calls through any HTTP gateway: a template fits it, a signature proves who asks.

Every request carries `Idempotency-Key` (the notice's key: the same at each attempt), `X-Hoichan-Timestamp` and
`X-Hoichan-Signature: sha256=<hex>`, an HMAC-SHA256 over `timestamp.body` with `HOICHAN_GATEWAY_SECRET`. What comes back
(keys pressed, receipts) is signed in the same way, or comes to the callback address that the request named, which
carries a signature of its own for gateways that cannot sign.
"""

import hmac
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote_plus
from uuid import UUID

import httpx

from app.channels.port import Receipt, Undelivered, post
from app.clock import Clock
from app.services.outside.notices import HANGUP
from app.services.outside.sending import Outgoing

TOLERANCE: Final = timedelta(minutes=5)
CALLBACK_LIVES: Final = timedelta(minutes=15)
"""A call rings, is heard and is answered within this time."""
SMS_TEMPLATE: Final = '{"to": "{to}", "text": "{text}", "key": "{key}", "callback": "{callback}"}'
VOICE_TEMPLATE: Final = (
    '{"to": "{to}", "text": "{text}", "keys": {keys}, "language": "{language}", "key": "{key}", '
    '"callback": "{callback}"}'
)
CANCEL_TEMPLATE: Final = '{"id": "{id}", "key": "{key}"}'
MISSET: Final = frozenset({401, 403, 404, 410})
"""A wrong address or key of this house, or an account that is barred: soon mended, no fault of a doctor's number."""
_HOLE: Final = re.compile(r"\{(to|to_local|text|text_ascii|key|callback|language|keys|id|drill)\}")
_IDS: Final = ("id", "message_id", "messageId", "call_id", "callId", "SMSID", "tranId", "sid", "request_id")


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs what goes out and checks what comes in."""

    secret: str
    clock: Clock

    def headers(self, body: bytes) -> dict[str, str]:
        """Return the headers that prove who asks."""
        if not self.secret:
            return {}
        stamp = str(int(self.clock.now().timestamp()))
        return {"X-Hoichan-Timestamp": stamp, "X-Hoichan-Signature": f"sha256={self._mac(stamp, body)}"}

    def is_ours(self, body: bytes, stamp: str | None, signature: str | None) -> bool:
        """Whether a callback was signed with our secret within the last five minutes."""
        if not self.secret or stamp is None or signature is None or not self._fresh(stamp, TOLERANCE):
            return False
        return hmac.compare_digest(signature.removeprefix("sha256=").encode(), self._mac(stamp, body).encode())

    def callback(self, base: str, path: str, notice_id: UUID) -> str:
        """Return an address that only the gateway of this one notice knows, for a quarter of an hour."""
        stamp = str(int(self.clock.now().timestamp()))
        mac = self._mac(stamp, f"{path}?{notice_id}".encode())
        return f"{base.rstrip('/')}{path}?n={notice_id}&t={stamp}&s={mac}"

    def is_our_callback(self, path: str, notice_id: str, stamp: str, signature: str) -> bool:
        """Whether an address was made by `callback`, not long ago."""
        if not self.secret or not self._fresh(stamp, CALLBACK_LIVES):
            return False
        return hmac.compare_digest(signature.encode(), self._mac(stamp, f"{path}?{notice_id}".encode()).encode())

    def _mac(self, stamp: str, body: bytes) -> str:
        return hmac.new(self.secret.encode(), stamp.encode() + b"." + body, sha256).hexdigest()

    def _fresh(self, stamp: str, tolerance: timedelta) -> bool:
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
            return False
        return abs(self.clock.now() - datetime.fromtimestamp(int(stamp), UTC)) <= tolerance


@dataclass(frozen=True, slots=True)
class Route:
    """How one kind of message reaches one provider."""

    url: str
    template: str
    ok: str = ""
    """A pattern that the body of a good answer must match, for providers that answer 200 whatever happened."""
    headers: Mapping[str, str] = field(default_factory=dict)


class Gateway:
    """Text messages, or telephone calls with a menu of keys."""

    def __init__(
        self,
        route: Route,
        signer: Signer,
        client: httpx.AsyncClient,
        *,
        path: str,
        public_url: str | None = None,
        cancel_url: str | None = None,
    ) -> None:
        """Send by this route; answers come back to `path` under `public_url`; calls end at `cancel_url`."""
        self._route = route
        self._signer = signer
        self._client = client
        self._path = path
        self._public_url = public_url
        self._cancel_url = cancel_url

    async def send(self, out: Outgoing) -> Receipt:
        """Send one message, begin one call, or end one."""
        if out.kind == HANGUP:
            return await self._hang_up(out)
        text = out.rendered.spoken or out.rendered.text if out.channel == "voice" else out.rendered.text
        callback = ""
        if self._public_url and self._signer.secret:
            callback = self._signer.callback(self._public_url, self._path, out.notice_id)
        words = {
            "to": out.address,
            "to_local": "0" + out.address[3:] if out.address.startswith("+84") else out.address,
            "text": text,
            "text_ascii": without_marks(text),
            "key": out.key,
            "callback": callback,
            "language": out.language,
            "id": "",
            "drill": "true" if out.drill else "false",
        }
        answer = await self._post(self._route.url, self._route.template, words, dict(out.rendered.menu), out.key)
        return Receipt(provider_id_in(answer))

    async def _hang_up(self, out: Outgoing) -> Receipt:
        if self._cancel_url is None or out.provider_id is None:
            return Receipt(out.provider_id)  # the call ends when it is answered: its menu then says who has the case
        await self._post(self._cancel_url, CANCEL_TEMPLATE, {"id": out.provider_id, "key": out.key}, {}, out.key)
        return Receipt(out.provider_id)

    async def _post(
        self, url: str, template: str, words: Mapping[str, str], menu: Mapping[str, str], key: str
    ) -> httpx.Response:
        body, kind = fill(template, words, menu)
        headers = {**self._route.headers, "Content-Type": kind, "Idempotency-Key": key, **self._signer.headers(body)}
        try:
            answer = await post(self._client, url, body, headers)
        except Undelivered as error:
            error.again = error.again or error.status in MISSET
            raise
        if self._route.ok and not re.search(self._route.ok, answer.text):
            raise Undelivered("the gateway did not take it", again=True)
        return answer


def fill(template: str, words: Mapping[str, str], menu: Mapping[str, str]) -> tuple[bytes, str]:
    """Fill a template, JSON or form, each word escaped for where it stands; return the body and its type."""
    is_json = template.lstrip().startswith(("{", "["))

    def word(match: re.Match[str]) -> str:
        name = match.group(1)
        if name == "keys":
            listed = json.dumps(dict(menu), ensure_ascii=False)
            return listed if is_json else quote_plus(listed)
        value = words.get(name, "")
        return json.dumps(value, ensure_ascii=False)[1:-1] if is_json else quote_plus(value)

    body = _HOLE.sub(word, template).encode()
    return body, "application/json" if is_json else "application/x-www-form-urlencoded"


def provider_id_in(answer: httpx.Response) -> str | None:
    """Find what the gateway calls the message or call, wherever in its JSON answer it says so."""
    try:
        found = answer.json()
    except ValueError:
        return None
    return _id_in(found, depth=3)


def _id_in(found: Any, *, depth: int) -> str | None:
    if not isinstance(found, Mapping) or not depth:
        return None
    for name in _IDS:
        value = found.get(name)
        if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
            return str(value)[:200]
    return next((i for v in found.values() if (i := _id_in(v, depth=depth - 1)) is not None), None)


def without_marks(text: str) -> str:
    """Vietnamese without its marks: some brand names may send plain letters only, and a message then costs one."""
    spread = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D").replace("·", "-"))
    return "".join(c for c in spread if not unicodedata.combining(c)).encode("ascii", "ignore").decode()
