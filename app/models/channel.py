"""How a doctor is reached away from the socket, and every message that was sent to them."""

from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class ChannelKind(StrEnum):
    """Web push, text message, telephone call, e-mail."""

    PUSH = "push"
    SMS = "sms"
    VOICE = "voice"
    EMAIL = "email"


class Channel(Base):
    """One way to reach one person, in the order that they chose; quiet hours give way to emergencies."""

    __tablename__ = "channel"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    kind: Mapped[str]
    address: Mapped[str] = mapped_column(comment="telephone number, e-mail address or push endpoint")
    keys: Mapped[dict[str, Any] | None] = mapped_column(comment="push: {p256dh, auth}")
    position: Mapped[int]
    quiet_from: Mapped[time | None] = mapped_column(comment="local time of the house; emergencies override")
    quiet_to: Mapped[time | None]
    language: Mapped[str] = mapped_column(server_default="vi", default="vi", comment="vi or en")
    added_at: Mapped[datetime]
    gone_at: Mapped[datetime | None] = mapped_column(comment="the push service says that the device is gone")

    __table_args__ = (Index("uq_channel_address", "user_id", "kind", "address", unique=True),)


class NoticeState(StrEnum):
    """A notice waits, is sent, perhaps arrives and is answered; or it fails, or is no longer needed."""

    WAITING = "waiting"
    SENT = "sent"
    DELIVERED = "delivered"
    ANSWERED = "answered"
    FAILED = "failed"
    STOPPED = "stopped"


SENDING_RESERVE = timedelta(seconds=30)
"""Longer than any send may take, so that no two processes send one notice at the same time."""
RETRIES = (timedelta(seconds=5), timedelta(seconds=15), timedelta(seconds=60))
MOST_ATTEMPTS = 12


class Notice(Base):
    """One message on one channel. At least once, with one key: the receiver can tell a repetition.

    `words` holds what the template needs and never anything about a patient.
    """

    __tablename__ = "notice"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True, comment="the same for every attempt, and sent along")
    kind: Mapped[str] = mapped_column(
        comment="the template: offer, reachability, gap, advice, alarm, duty, agreement, test, clear, hangup"
    )
    about: Mapped[str] = mapped_column(comment="offer:<id>, check:<id>, gap:<id>, consultation:<id>: stops together")
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"), comment="empty: a ward's telephone")
    channel_id: Mapped[UUID | None] = mapped_column(ForeignKey("channel.id", ondelete="SET NULL"))
    channel: Mapped[str] = mapped_column(comment="push, sms, voice or email")
    address: Mapped[str]
    language: Mapped[str] = mapped_column(default="vi")
    words: Mapped[dict[str, Any]]
    urgent: Mapped[bool]
    drill: Mapped[bool] = mapped_column(default=False)
    offer_id: Mapped[UUID | None] = mapped_column(comment="no foreign key: checking one would wait for the case's lock")
    consultation_id: Mapped[UUID | None]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(comment="when it is sent, or tried again")
    made_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    answer: Mapped[str | None] = mapped_column(comment="the key pressed, or the link's answer")
    provider_id: Mapped[str | None] = mapped_column(comment="what the gateway calls it", index=True)
    error: Mapped[str | None]
    captured: Mapped[dict[str, Any] | None] = mapped_column(
        comment="what would have gone out, where nothing goes outside: development and the demonstration"
    )

    __table_args__ = (
        Index("ix_notice_due", "due_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_notice_about", "about"),
        Index("ix_notice_made", "made_at"),
        Index("ix_notice_user_made", "user_id", "made_at"),
        Index(
            "ix_notice_offer_open",
            "offer_id",
            postgresql_where=text("offer_id IS NOT NULL AND state IN ('waiting', 'sent', 'delivered')"),
        ),
    )

    def claim(self, *, now: datetime) -> None:
        """One process sends it now; if that process dies, another tries again when the reserve is over."""
        self.attempts += 1
        self.due_at = now + SENDING_RESERVE

    def hold(self, until: datetime) -> None:
        """Not yet: the doctor's device has it, or sleeps; look again then."""
        self.due_at = until

    def failed(self, why: str, *, again: bool, now: datetime) -> None:
        """It did not go: tried again after 5, 15, 60, 60 … seconds while it is of use, or given up.

        What rings is tried for as long as it rings; anything else up to `MOST_ATTEMPTS` times.
        """
        self.error = why
        if self.state != NoticeState.WAITING:
            return
        if not again or (self.offer_id is None and self.attempts >= MOST_ATTEMPTS):
            self.state = NoticeState.FAILED
        else:
            self.due_at = now + RETRIES[min(self.attempts, len(RETRIES)) - 1]

    def stop(self) -> None:
        """What it asks has been answered, or matters no more."""
        self.state = NoticeState.STOPPED

    def deliver(self, *, now: datetime) -> None:
        """The network says that it arrived. That is no answer."""
        self.delivered_at = self.delivered_at or now
        if self.state == NoticeState.SENT:
            self.state = NoticeState.DELIVERED

    def undeliverable(self, why: str) -> None:
        """The network says that it will never arrive."""
        self.error = why
        if self.state in (NoticeState.SENT, NoticeState.DELIVERED):
            self.state = NoticeState.FAILED


class AnswerLink(Base):
    """A link that answers once for one person: an offer, or «are you there?». Kept only as its SHA-256."""

    __tablename__ = "answer_link"

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    about: Mapped[str] = mapped_column(comment="offer:<id> or check:<id>")
    notice_id: Mapped[UUID | None] = mapped_column(ForeignKey("notice.id", ondelete="CASCADE"), index=True)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    answer: Mapped[str | None] = mapped_column(comment="accept, decline or here")
