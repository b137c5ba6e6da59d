"""Web push: RFC 8030 over httpx, encrypted for the browser alone (RFC 8291), signed by the house (VAPID, RFC 8292)."""

import base64
import os
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit

import http_ece
import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02
from pydantic_core import to_json

from app.channels.port import Receipt, Undelivered, post
from app.clock import Clock
from app.services.outside.notices import CLEAR
from app.services.outside.sending import Outgoing

SIGNED_FOR: Final = timedelta(hours=12)
"""RFC 8292 allows 24 h."""
CLEARED_FOR: Final = timedelta(hours=1)
GONE: Final = frozenset({404, 410})
"""What a push service says of a subscription that has ended (RFC 8030, 7.3). Of no other channel does it mean that."""


class WebPush:
    """Pushes to browsers that subscribed with this house's public key."""

    def __init__(self, private_key: str, subject: str, client: httpx.AsyncClient, clock: Clock) -> None:
        """Sign with this key as this `subject`, a mailto: or https: address of whoever runs the house."""
        self._vapid = Vapid02.from_string(private_key)
        self._subject = subject
        self._client = client
        self._clock = clock

    @property
    def public_key(self) -> str:
        """What a browser needs to subscribe."""
        return public_key_of(self._vapid.private_key)

    async def send(self, out: Outgoing) -> Receipt:
        """Push one notice; a later one about the same thing takes its place, on the way and on the screen."""
        keys = out.keys or {}
        try:
            body = self._encrypted(payload(out), keys)
        except (KeyError, TypeError, ValueError, http_ece.ECEException):
            raise Undelivered("the subscription's keys are broken", again=False, gone=True) from None
        ttl = CLEARED_FOR if out.kind == CLEAR else out.ttl
        headers = self._signed(out.address) | {
            "Content-Type": "application/octet-stream",
            "Content-Encoding": "aes128gcm",
            "TTL": str(int(ttl.total_seconds())),
            "Urgency": "high" if out.urgent else "normal",
            "Topic": topic(out.about),
        }
        try:
            answer = await post(self._client, out.address, body, headers)
        except Undelivered as error:
            error.gone = error.status in GONE
            raise
        return Receipt(answer.headers.get("location"))

    def _signed(self, endpoint: str) -> dict[str, str]:
        parts = urlsplit(endpoint)
        claims = {
            "sub": self._subject,
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int((self._clock.now() + SIGNED_FOR).timestamp()),
        }
        signed: dict[str, str] = self._vapid.sign(claims)
        return signed

    def _encrypted(self, content: bytes, keys: dict[str, Any]) -> bytes:
        encrypted: bytes = http_ece.encrypt(
            content,
            salt=os.urandom(16),
            private_key=ec.generate_private_key(ec.SECP256R1()),
            dh=unpadded(str(keys["p256dh"])),
            auth_secret=unpadded(str(keys["auth"])),
            version="aes128gcm",
        )
        return encrypted


def payload(out: Outgoing) -> bytes:
    """What the service worker gets: words for the screen, and how loudly to show them. Nothing about a patient."""
    if out.kind == CLEAR:
        return to_json({"v": 1, "clear": True, "tag": topic(out.about)})
    return to_json(
        {
            "v": 1,
            "kind": out.kind,
            "tag": topic(out.about),
            "title": out.rendered.title,
            "body": out.rendered.text,
            "lang": out.language,
            "loud": out.loud,
            "drill": out.drill,
            "url": "/",  # where whoever it is begins: a doctor's desk, a coordinator's board
            "answer": f"/a/{out.answer}" if out.answer else None,
        }
    )


def topic(about: str) -> str:
    """A short name for what a push is about: at most 32 characters of URL-safe base64 (RFC 8030), and no identifier."""
    return base64.urlsafe_b64encode(sha256(about.encode()).digest())[:24].decode()


def new_private_key() -> str:
    """Make a key for this installation: the private number of P-256, as URL-safe base64."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()


def public_key_of(key: ec.EllipticCurvePrivateKey) -> str:
    """Return the public half as browsers take it: an uncompressed point, URL-safe base64."""
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


def unpadded(value: str) -> bytes:
    """Read URL-safe base64 with or without its padding."""
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
