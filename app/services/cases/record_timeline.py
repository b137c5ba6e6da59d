"""Facts of a case as the sentences of its record's timeline, Vietnamese."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from app.models.callout import BY_TELEPHONE
from app.models.clinical import WARD_ZONE
from app.services.cases.record_words import DUE, RESULT, URGENCY

Json = dict[str, Any]
Words = Callable[[Json], str | None]

REASON = {
    "procedure": "đang làm thủ thuật",
    "wrong_specialty": "không đúng chuyên khoa",
    "busy": "đang giữ ca đỏ khác",
    "other": "lý do khác",
    "cannot": "không đến được",
    "taken": "đã có người nhận",
    "cancelled": "yêu cầu đã hủy",
    "concluded": "đã kết luận",
    "superseded": "đổi mức khẩn",
    "stood_down": "trưởng kíp báo không cần đến",
    "request": "yêu cầu mới",
    "urgency_raised": "nâng mức khẩn",
    "forwarded": "chuyển tiếp",
    "assigned": "điều phối phân công",
    "hand_over": "bàn giao",
    "not_on_duty": "không phải phiên trực",
    "silent": "người giữ ca chưa lên tiếng",
    "overdue": "quá hạn trả lời",
    "shift_end": "hết phiên trực, chưa bàn giao",
    "heard": "người giữ ca đã lên tiếng",
    "held": "đang giữ ca",
    "off_duty": "hết ca trực",
    "not_me": "không phải người đã trả lời qua điện thoại",
    "telephone": "chờ xác nhận cuộc gọi",
    "rerouted": "chuyển bàn trực khác",
    "second_specialty": "hỏi thêm chuyên khoa",
    "unanswered": "không ai nhận",
    "holder_gone": "tài khoản người giữ ca đã đóng",
}


def words_of(event_type: str, data: Mapping[str, Any] | None) -> str | None:
    """Put one fact into words; None for facts that the record tells elsewhere or need not tell.

    A fact whose data are past their retention still is a line: that it happened remains.
    """
    words = _FACTS.get(event_type)
    return words(dict(data or {})) if words else None


def _why(d: Json) -> str:
    reason = d.get("reason")
    said = [REASON.get(reason, reason) if isinstance(reason, str) else None, d.get("text"), d.get("said")]
    words = ": ".join(s for s in said if s)
    return f" ({words})" if words else ""


def _doctor(verb: str, quiet: str | None = None) -> Words:
    """`quiet`: what it is called where nothing rings and a telephone call is to be confirmed."""
    return lambda d: f"{quiet if quiet and _is_quiet(d) else verb}: {d.get('doctor_name', '…')}{_why(d)}"


def _is_quiet(d: Json) -> bool:
    return (d.get("callout") or {}).get("reason") == BY_TELEPHONE


def _requested(d: Json) -> str:
    asked = d.get("consultation") or {}
    level = URGENCY.get(asked.get("urgency", ""))
    told = asked.get("telephone")
    words = f"Nhập ca đã hỏi qua điện thoại lúc {_at(told['asked_at'])}" if told else "Gửi yêu cầu"
    return f"{words}, mức {level}" if level else words


def _at(instant: str) -> str:
    return datetime.fromisoformat(instant).astimezone(WARD_ZONE).strftime("%H:%M %d/%m/%Y")


def _raised(d: Json) -> str:
    level = f" lên {URGENCY.get(d['urgency'], d['urgency'])}" if d.get("urgency") else ""
    return f"Nâng mức khẩn{level}" + (f": {d['reason']}" if d.get("reason") else "")


def _rung(d: Json) -> str:
    desk = d.get("desk_name") or "bàn trực"
    hospital = (d.get("callout") or {}).get("hospital_name")
    return f"Gọi {desk}" + (f", {hospital}" if hospital else "") + _why(d)


def _part(verb: str) -> Words:
    def words(d: Json) -> str:
        user = d.get("user")
        name = next((p.get("name") for p in d.get("participants") or () if p.get("user") == user), None)
        return f"{verb}: {name or '…'}"

    return words


def _message(d: Json) -> str | None:
    said = d.get("message") or {}
    if not said.get("opinion"):
        return None
    return "Sửa ý kiến hội chẩn" if said.get("supersedes") else "Ghi ý kiến hội chẩn"


def _understood(d: Json) -> str:
    said = d.get("read_back") or {}
    if "understood" not in said:
        return "Bên yêu cầu đọc lại"
    return f"Bên yêu cầu đọc lại: {'đã hiểu' if said['understood'] else 'chưa rõ'}"


def _unread(d: Json) -> str:
    if d.get("changed"):
        return "Ý kiến đã sửa: gọi khoa yêu cầu đọc lại"
    reached = {0: "khoa yêu cầu", 1: "điện thoại khoa", 2: "điều phối bên yêu cầu"}.get(d.get("step", 0), "…")
    return f"Chưa đọc lại ý kiến: gọi {reached}"


def _concluded(d: Json) -> str:
    return "Sửa kết luận (bản trước vẫn giữ)" if (d.get("conclusion") or {}).get("supersedes") else "Kết luận"


def _outcome(d: Json) -> str:
    told = d.get("outcome") or {}
    when, result = DUE.get(told.get("at", "")), RESULT.get(told.get("result", ""))
    return f"Báo kết quả {when}: {result}" if when and result else "Báo kết quả"


_FACTS: Mapping[str, Words] = {
    "consultation.requested": _requested,
    "consultation.updated": lambda _: "Bổ sung, sửa thông tin",
    "consultation.urgency_raised": _raised,
    "consultation.handed_over": lambda d: f"Bàn giao ca cho {d.get('holder_name', '…')}",
    "consultation.concluded": _concluded,
    "consultation.silent": lambda d: (
        f"{REASON.get(d.get('why', ''), 'Gọi lại').capitalize()}: {d.get('holder_name', '…')}"
    ),
    "call.recorded": lambda _: "Ghi cuộc gọi điện thoại",
    "call.confirmed": lambda _: "Xác nhận cuộc gọi điện thoại",
    "advice.unread": _unread,
    "ward.owner_named": lambda d: f"Người phụ trách bên yêu cầu: {d.get('user_name', '…')}",
    "duty.disputed": lambda d: f"Báo không phải phiên trực: {d.get('doctor_name', '…')}",
    "consultation.closed": lambda _: "Đóng ca",
    "consultation.cancelled": lambda d: "Hủy yêu cầu" + (f": {d['reason']}" if d.get("reason") else ""),
    "vitals.recorded": lambda _: "Ghi sinh hiệu",
    "callout.opened": _rung,
    "offer.made": _doctor("Đổ chuông", "Nhờ xác nhận cuộc gọi"),
    "offer.delivered": _doctor("Lời mời đến máy"),
    "offer.undelivered": _doctor("Lời mời chưa đến máy sau 30 giây"),
    "offer.seen": _doctor("Lời mời được xem"),
    "offer.expired": _doctor("Hết lượt chuông"),
    "offer.accepted": lambda d: (
        f"{'Xác nhận cuộc gọi và nhận ca' if _is_quiet(d) else 'Tiếp nhận'}: {d.get('doctor_name', '…')}"
    ),
    "offer.declined": _doctor("Từ chối"),
    "offer.withdrawn": _doctor("Thôi gọi"),
    "escalation.exhausted": lambda d: (
        f"{'Nhờ điều phối tìm người xác nhận' if _is_quiet(d) else 'Hết các nấc, gọi điều phối'} "
        f"(lần {d.get('round', '…')})"
    ),
    "attendance.answered": lambda d: (
        f"{d.get('doctor_name', '…')}: {'đến được' if d.get('coming') else 'không đến được'}"
    ),
    "team.stood_down": _doctor("Trưởng kíp báo không cần đến"),
    "participant.joined": _part("Tham gia"),
    "participant.left": _part("Rời ca"),
    "message.posted": _message,
    "advice.read_back": _understood,
    "outcome.reported": _outcome,
    "record.signed": lambda _: "Ký biên bản",
    "record.addendum_added": lambda _: "Bổ sung biên bản",
    "attachment.added": lambda _: "Thêm tệp",
}
