"""Which ways out an installation has, as its settings say."""

import httpx
import structlog

from app.channels.capture import Capture
from app.channels.gateway import SMS_TEMPLATE, VOICE_TEMPLATE, Gateway, Route, Signer
from app.channels.port import Adapter, Outside
from app.channels.smtp import Smtp
from app.channels.web_push import WebPush
from app.clock import Clock
from app.config import Settings
from app.models.channel import ChannelKind

log = structlog.get_logger()
VOICE_PATH = "/gateway/voice"
SMS_PATH = "/gateway/sms"


def ways_out(settings: Settings, client: httpx.AsyncClient, clock: Clock, *, push_key: str, capture: bool) -> Outside:
    """Build the adapters. With `capture` (always in the demo) nothing goes outside, whatever else is set."""
    kept = Capture()
    push = WebPush(push_key, subject_of(settings), client, clock)
    if capture or settings.channels == "capture":
        if not capture:
            log.warning("HOICHAN_CHANNELS=capture: messages are kept and nothing goes outside")
        return Outside(dict.fromkeys(ChannelKind, kept), kept, push.public_key, capturing=True)
    adapters: dict[str, Adapter] = {ChannelKind.PUSH: push}
    signer = Signer(settings.gateway_secret, clock)
    if settings.sms_url:
        headers = _headers(settings, settings.sms_headers)
        route = Route(settings.sms_url, settings.sms_template or SMS_TEMPLATE, settings.sms_ok, headers)
        adapters[ChannelKind.SMS] = Gateway(route, signer, client, path=SMS_PATH, public_url=settings.public_url)
    if settings.voice_url:
        headers = _headers(settings, settings.voice_headers)
        route = Route(settings.voice_url, settings.voice_template or VOICE_TEMPLATE, settings.voice_ok, headers)
        adapters[ChannelKind.VOICE] = Gateway(
            route,
            signer,
            client,
            path=VOICE_PATH,
            public_url=settings.public_url,
            cancel_url=settings.voice_cancel_url,
        )
    if settings.smtp_url and settings.mail_from:
        adapters[ChannelKind.EMAIL] = Smtp(settings.smtp_url, settings.mail_from, clock)
    return Outside(adapters, kept, push.public_key)


def _headers(settings: Settings, own: dict[str, str] | None) -> dict[str, str]:
    """The way's own headers where it has any, and else those of all gateways."""
    return settings.gateway_headers if own is None else own


def subject_of(settings: Settings) -> str:
    """Whom a push service may write to about this house's pushes."""
    if settings.vapid_subject:
        return settings.vapid_subject
    if settings.mail_from:
        return f"mailto:{settings.mail_from.rpartition('<')[2].rstrip('>')}"
    return settings.public_url or "mailto:hoichan@localhost"
