"""E-mail: one message through the SMTP server of `HOICHAN_SMTP_URL`."""

import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

import aiosmtplib

from app.channels.port import TIMEOUT_S, Receipt, Undelivered
from app.clock import Clock
from app.services.outside.sending import Outgoing

PORTS: Final = {"smtp": 587, "smtps": 465}


class Smtp:
    """Sends by SMTP: `smtp://user:pass@host:587?starttls` or `smtps://user:pass@host`."""

    def __init__(self, url: str, sender: str, clock: Clock, *, tls: ssl.SSLContext | None = None) -> None:
        """Read the address: TLS from the start with `smtps`, STARTTLS or nothing where `?starttls` asks for it.

        Otherwise STARTTLS is used if the server offers it, whatever its certificate: better than none (RFC 7435);
        `?plain` is for a server that offers what it cannot do.
        """
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError("HOICHAN_SMTP_URL: smtp://user:pass@host:587?starttls")
        wanted = dict(parse_qsl(parts.query, keep_blank_values=True))
        self._host = parts.hostname
        self._port = parts.port or PORTS[parts.scheme]
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._from_the_start = parts.scheme == "smtps"
        self._proven = self._from_the_start or "starttls" in wanted
        self._start_tls = False if self._from_the_start or "plain" in wanted else "starttls" in wanted or None
        self._sender = sender
        self._clock = clock
        self._tls = tls

    async def send(self, out: Outgoing) -> Receipt:
        """Send one message; its Message-ID is made of the notice's key, so that a repetition can be told."""
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = out.address
        message["Subject"] = out.rendered.title
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = f"<{out.key.replace(':', '.')}@{self._sender.rpartition('@')[2].rstrip('>')}>"
        message["Auto-Submitted"] = "auto-generated"
        if out.urgent:
            message["X-Priority"] = "1"
        message.set_content(out.rendered.text)
        try:
            await aiosmtplib.send(
                message,
                hostname=self._host,
                port=self._port,
                username=self._user,
                password=self._password,
                use_tls=self._from_the_start,
                start_tls=self._start_tls,
                validate_certs=self._proven,
                tls_context=self._tls,
                timeout=TIMEOUT_S,
            )
        except aiosmtplib.SMTPResponseException as error:
            raise Undelivered(f"SMTP {error.code}", again=error.code < 500) from None
        except aiosmtplib.SMTPRecipientsRefused as error:
            again = all(refused.code < 500 for refused in error.recipients)
            raise Undelivered("SMTP recipient refused", again=again) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Undelivered(type(error).__name__, again=True) from None
        except ValueError as error:  # an address that no header takes
            raise Undelivered(type(error).__name__, again=False) from None
        return Receipt()
