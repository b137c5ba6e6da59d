"""Every setting, read from the environment. The README lists them; a test compares the two."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MOST_PROCESSES = 64


def _data_home() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "hoichan"


class Settings(BaseSettings):
    """`DATABASE_URL` and `REDIS_URL` as everywhere; the rest with the prefix `HOICHAN_`."""

    model_config = SettingsConfigDict(env_prefix="HOICHAN_", extra="ignore", populate_by_name=True)

    database_url: str | None = Field(
        None, validation_alias="DATABASE_URL", description="PostgreSQL to use; without it the embedded one runs"
    )
    redis_url: str | None = Field(
        None,
        validation_alias="REDIS_URL",
        description="Redis or Valkey that wakes other processes (default: PostgreSQL)",
    )
    data_dir: Path = Field(default_factory=_data_home, description="Where the embedded database and demo accounts live")
    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on")
    public_url: str | None = Field(None, description="The address that browsers use, for the Origin check")
    trusted_proxies: str = Field("", description="Comma-separated addresses whose X-Forwarded-* headers are believed")
    processes: int = Field(1, ge=1, le=MOST_PROCESSES, description="Serving processes on this port")
    pool_size: int = Field(20, ge=2, le=200, description="Database connections of one process")
    session_hours: int = Field(
        24 * 14, ge=1, description="Hours until a sign-in that nobody uses ends; one that is used is prolonged"
    )
    token_hours: int = Field(12, ge=1, description="Hours until a bearer token ends")
    failed_sign_ins: int = Field(10, ge=1, description="Failed sign-ins per account and address in 5 minutes")
    failed_sign_ins_address: int = Field(100, ge=1, description="Failed sign-ins per address in 5 minutes")
    heartbeat_s: int = Field(25, ge=1, description="Seconds between pings that carry stream heads")
    body_limit: int = Field(1_000_000, ge=10_000, description="Largest request body, bytes")
    channels: Literal["live", "capture"] = Field(
        "live",
        description="`capture`: messages are kept for /dev/outbox and nothing goes outside (the demo always does)",
    )
    push_hosts: str = Field(
        "fcm.googleapis.com,*.push.services.mozilla.com,*.push.apple.com,*.notify.windows.com",
        description="Push services that devices may name",
    )
    vapid_private_key: str | None = Field(
        None, repr=False, description="Signs web pushes (default: made at the first start and kept in the database)"
    )
    vapid_subject: str | None = Field(
        None, description="mailto: or https: address of whoever runs the house, told to push services"
    )
    smtp_url: str | None = Field(None, repr=False, description="smtp://user:pass@host:587?starttls or smtps://…")
    mail_from: str | None = Field(None, description="Sender of e-mails")
    sms_url: str | None = Field(None, repr=False, description="Gateway for text messages")
    sms_template: str | None = Field(None, repr=False, description="Body for the SMS gateway, JSON or form")
    sms_ok: str = Field("", description="Pattern that a good answer of the SMS gateway matches")
    voice_url: str | None = Field(None, repr=False, description="Gateway for telephone calls")
    voice_template: str | None = Field(None, repr=False, description="Body for the voice gateway, JSON or form")
    voice_ok: str = Field("", description="Pattern that a good answer of the voice gateway matches")
    voice_cancel_url: str | None = Field(None, repr=False, description="Where a call that rings is ended")
    gateway_secret: str = Field("", repr=False, description="Signs requests to the gateways, and their callbacks")
    gateway_headers: dict[str, str] = Field(
        default_factory=dict, repr=False, description="Headers for gateways that have none of their own, a JSON object"
    )
    sms_headers: dict[str, str] | None = Field(
        None, repr=False, description="Headers for the SMS gateway, a JSON object (default: `HOICHAN_GATEWAY_HEADERS`)"
    )
    voice_headers: dict[str, str] | None = Field(
        None,
        repr=False,
        description="Headers for the voice gateway, a JSON object (default: `HOICHAN_GATEWAY_HEADERS`)",
    )
    watch_people: Path | None = Field(None, description="Whom `hoichan watch` telephones (TOML)")
    reachability: Literal["auto", "on", "off"] = Field(
        "auto", description="«Are you there?» 15 min before a duty: on, off, or auto (on, except in the demo)"
    )
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")
