"""Every setting, read from the environment. The README lists them; a test compares the two."""

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


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
    pool_size: int = Field(20, ge=2, le=200, description="Database connections of one process")
    session_hours: int = Field(
        24 * 14, ge=1, description="Hours until a sign-in ends; on duty it never ends by idleness"
    )
    token_hours: int = Field(12, ge=1, description="Hours until a bearer token ends")
    failed_sign_ins: int = Field(10, ge=1, description="Failed sign-ins per account and address in 5 minutes")
    failed_sign_ins_address: int = Field(100, ge=1, description="Failed sign-ins per address in 5 minutes")
    heartbeat_s: int = Field(25, ge=1, description="Seconds between pings that carry stream heads")
    body_limit: int = Field(1_000_000, ge=10_000, description="Largest request body, bytes")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")
