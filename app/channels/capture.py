"""The capture: keeps what would have been sent, word for word, and sends nothing. Development and the demonstration."""

from app.channels.port import Receipt
from app.services.outside.sending import Outgoing


class Capture:
    """Takes the place of every channel."""

    async def send(self, out: Outgoing) -> Receipt:
        """Keep it with its notice; `GET /dev/outbox` shows it."""
        rendered = out.rendered
        kept = {
            "to": out.address,
            "title": rendered.title,
            "text": rendered.text,
            "spoken": rendered.spoken if out.channel == "voice" else None,
            "menu": dict(rendered.menu) if out.channel == "voice" else None,
            "answer": f"/a/{out.answer}" if out.answer else None,
            "ttl_s": int(out.ttl.total_seconds()),
            "urgent": out.urgent,
            "drill": out.drill,
        }
        return Receipt(f"captured-{out.notice_id}", {name: value for name, value in kept.items() if value is not None})
