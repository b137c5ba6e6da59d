"""The consultation record in words: the boxes of form 27/BV2, and the whole as plain text.

A Vietnamese document, whatever the language of the screen. Times are those of Vietnam.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from app.models import clinical
from app.models.clinical import WARD_ZONE
from app.models.consultation import Consultation
from app.schemas.consultation import label as name_of_patient

Json = dict[str, Any]

NOT_RECORDED = "(chưa ghi)"
SEX = {"male": "Nam", "female": "Nữ", "other": "Khác"}
URGENCY = {"red": "Đỏ", "orange": "Cam", "yellow": "Vàng", "green": "Xanh"}
PART = {
    "requester": "bác sĩ yêu cầu",
    "colleague": "bác sĩ bên yêu cầu",
    "assigned": "bác sĩ trả lời",
    "team": "kíp báo động đỏ",
    "invited": "được mời",
    "former": "đã bàn giao",
}
RESULT = {
    "treated_locally": "Điều trị tại chỗ",
    "transferred": "Đã chuyển viện",
    "transfer_avoided": "Tránh được chuyển viện",
    "diagnosis_changed": "Đổi chẩn đoán",
    "died": "Tử vong",
}
DUE = {"24h": "24 giờ", "7d": "7 ngày", "discharge": "Ra viện"}
SAFETY = {"allergies": "Dị ứng", "anticoagulant": "Thuốc chống đông", "pregnancy": "Mang thai", "weight": "Cân nặng"}
SAFETY_STATE = {"value": "có", "none": "không", "unknown": "không rõ", "not_asked": "chưa hỏi"}
SIDE = {"asking": "bên yêu cầu", "answering": "bên tư vấn"}
LETTER = {"alert": "A", "confusion": "C", "voice": "V", "pain": "P", "unresponsive": "U"}


# --- The form -------------------------------------------------------------------------------------------------------


def fields(case: Consultation, annex: Json, health_department: str | None) -> list[Json]:
    """Return the boxes of the form in its order; what nobody recorded has no value."""
    return [
        {"key": key, "label": label, "value": value or None}
        for key, label, value in _boxes(case, annex, health_department)
    ]


def _boxes(case: Consultation, annex: Json, health_department: str | None) -> Iterator[tuple[str, str, str | None]]:
    standing = case.conclusion
    yield "health_department", "Sở Y tế", health_department
    yield "hospital", "Bệnh viện", case.hospital_name
    yield "ward", "Khoa", case.ward_name
    yield "record_number", "Số hồ sơ", case.number
    yield "admission_number", "Số vào viện", None
    yield "patient_name", "Họ tên người bệnh", name_of_patient(case)
    yield "age", "Tuổi", age(case)
    yield "sex", "Nam/nữ", SEX.get(case.sex)
    yield "treated_from", "Đã điều trị từ ngày", None
    yield "treated_to", "Đến ngày", None
    yield "bed", "Số giường", None
    yield "room", "Buồng", None
    yield "diagnosis", "Chẩn đoán", _diagnosis(case)
    yield "consulted_at", "Hội chẩn lúc", at(annex["started_at"])
    yield "chair", "Chủ tọa", _chair(case, annex)
    yield "secretary", "Thư ký", _person(case.requester_name, case.hospital_name, case.requester_licence)
    yield "members", "Thành viên tham gia", _members(case, annex)
    yield (
        "summary",
        "Tóm tắt quá trình diễn biến bệnh, quá trình điều trị và chăm sóc người bệnh",
        standing.summary if standing else None,
    )
    yield "conclusion", "Kết luận (sau khi đã khám lại và thảo luận)", _with_decision(standing) if standing else None
    yield "further_treatment", "Hướng điều trị tiếp", standing.plan if standing else None
    yield "signed_on", "Ngày", at(standing.at) if standing else None
    yield "secretary_signature", "Chữ ký thư ký", None
    yield "chair_signature", "Chữ ký chủ tọa", None
    yield "patient_informed", "Người bệnh được thông báo", None


def age(case: Consultation) -> str | None:
    """Return the age at the request as a ward says it: years, or months under two years."""
    if case.age_months is not None and case.age_months < 24:
        return f"{case.age_months} tháng"
    if case.age_years is not None:
        return str(case.age_years) if case.age_years else "dưới 1 tuổi"
    if case.birth_date is None:
        return f"{case.age_months} tháng" if case.age_months is not None else None
    day = clinical.ward_day(case.created_at)
    if case.birth_date > day:
        return None
    known = clinical.age_on(case.birth_date, day)
    return str(known.years) if known.years >= 2 else f"{known.in_months} tháng"


def entered_afterwards(told: Json) -> str:
    """Say when it was asked and answered by telephone, by whom, when it was entered, and who has confirmed it."""
    confirmed = f"{told['confirmed_by_name']} xác nhận lúc {at(told['confirmed_at'])}" if told["confirmed_at"] else None
    return (
        f"Hỏi qua điện thoại lúc {at(told['asked_at'])}; {told['answered_by_name']} trả lời lúc "
        f"{at(told['answered_at'])}. {told['entered_by_name']} nhập lúc {at(told['entered_at'])}; "
        f"{confirmed or 'chưa có người xác nhận'}."
    )


def at(instant: datetime | None) -> str | None:
    """Write an instant as the form does, in Vietnam's time: 03 giờ 06, ngày 24/11/2026."""
    return instant.astimezone(WARD_ZONE).strftime("%H giờ %M, ngày %d/%m/%Y") if instant else None


def _diagnosis(case: Consultation) -> str | None:
    code = f"({case.diagnosis_code})" if case.diagnosis_code else ""
    return " ".join(filter(None, (case.diagnosis_text, code))) or None


def _chair(case: Consultation, annex: Json) -> str | None:
    """Who concluded; before that, who holds the case."""
    standing, chair = case.conclusion, _chair_id(case)
    name = standing.author_name if standing else case.holder_name
    if name is None:
        return None
    hospital = next((p["hospital_name"] for p in annex["people"] if p["user"] == chair), None)
    return _person(name, hospital, standing.author_licence if standing else case.holder_licence)


def _chair_id(case: Consultation) -> UUID | None:
    return case.conclusion.author_id if case.conclusion else case.holder_id


def _members(case: Consultation, annex: Json) -> str | None:
    named_above = (case.requester_id, _chair_id(case))
    others = [
        f"{_person(p['name'], p['hospital_name'], p['licence'])}, {PART.get(p['role'], p['role'])}"
        for p in annex["people"]
        if p["user"] not in named_above
    ]
    return "; ".join(others) or None


def _person(name: str, hospital: str | None, licence: str | None) -> str:
    named = f"{name} ({hospital})" if hospital else name
    return f"{named}, số GPHN {licence}" if licence else f"{named}, số GPHN {NOT_RECORDED}"


def _with_decision(standing: Any) -> str:
    return f"{standing.conclusion}\nQuyết định: {standing.decision}" if standing.decision else str(standing.conclusion)


# --- The whole as text ----------------------------------------------------------------------------------------------


def as_text(record: Json) -> str:
    """Write the record as plain text, for a hospital's own file."""
    return "\n".join(_lines(record)) + "\n"


def _lines(record: Json) -> Iterator[str]:
    annex = record["annex"]
    if record["drill"]:
        yield "DIỄN TẬP. KHÔNG PHẢI NGƯỜI BỆNH THẬT."
    if record["demo"]:
        yield "DỮ LIỆU THỬ. KHÔNG DÙNG CHO NGƯỜI BỆNH."
    yield record["title"]
    yield "Hội chẩn từ xa" + (" (BẢN NHÁP, chưa kết luận)" if record["state"] == "draft" else "")
    yield "Mẫu 27/BV2"
    for box in record["fields"]:
        yield f"{box['label']}: {box['value'] or NOT_RECORDED}"
    yield "Ý kiến tư vấn. Bác sĩ điều trị quyết định và chịu trách nhiệm."
    yield ""
    yield "PHỤ LỤC HỘI CHẨN TỪ XA"
    yield f"Bệnh viện yêu cầu: {annex['asking_hospital']}"
    yield f"Bệnh viện tư vấn: {', '.join(annex['answering_hospitals']) or NOT_RECORDED}"
    yield f"Chuyên khoa: {annex['specialty']}. Mức khẩn: {URGENCY[annex['urgency']]}. Hình thức: {_channels(annex)}."
    yield f"Bắt đầu: {at(annex['started_at']) or NOT_RECORDED}. Kết thúc: {at(annex['ended_at']) or NOT_RECORDED}."
    if annex["telephone"]:
        yield entered_afterwards(annex["telephone"])
    if "outside_agreement" in annex["warnings"]:
        yield "Gọi ngoài thỏa thuận hợp tác vì cấp cứu."
    yield from _asked(annex)
    yield from _section(
        "Diễn biến thời gian",
        [f"{_clock(r['at'])}  {r['text']}. {r['by_name'] or 'Hệ thống'}" for r in annex["timeline"]],
    )
    yield from _section("Ý kiến hội chẩn", [line for o in annex["opinions"] for line in _opinion(o)])
    yield from _section("Trao đổi qua điện thoại", [line for c in annex["calls"] for line in _call(c)])
    yield from _section("Sinh hiệu và NEWS2", [_vitals(v) for v in annex["vitals"]])
    replaced = [c for c in annex["conclusions"] if c["superseded"]]
    yield from _section(
        "Bản kết luận đã thay", [f"{_clock(c['at'])}  {c['conclusion']} {c['plan']} {c['by_name']}" for c in replaced]
    )
    current = [c for c in annex["conclusions"] if not c["superseded"]]
    yield from _section("Đọc lại kết luận", [_read_back(r) for c in current for r in c["read_backs"]])
    yield from _section("Kết quả do bệnh viện yêu cầu báo lại", [_outcome_line(o) for o in annex["outcomes"]])


def _asked(annex: Json) -> Iterator[str]:
    asked = annex["request"]
    yield f"Câu hỏi: {asked['question'] or NOT_RECORDED}"
    for label, name in (
        ("Hiện tại", "situation"),
        ("Bệnh sử", "background"),
        ("Đánh giá", "assessment"),
        ("Đề nghị", "recommendation"),
    ):
        if asked[name]:
            yield f"{label}: {asked[name]}"
    told = (
        f"{label}: {SAFETY_STATE.get(found['state'], found['state'])}"
        + (f" ({found['text']})" if found.get("text") else "")
        for name, label in SAFETY.items()
        if (found := annex["safety"].get(name))
    )
    yield ". ".join(told)


def _section(title: str, lines: list[str]) -> Iterator[str]:
    yield ""
    yield title.upper()
    yield from lines or ["Không có."]


def _opinion(o: Json) -> Iterator[str]:
    mark = " [đã sửa, xem ý kiến sau]" if o["superseded_by"] else ""
    yield f"{_clock(o['at'])}  {o['author_name']}: {o['text']}{mark}"
    yield f"    dựa trên: {_vitals(o['vitals']) if o['vitals'] else 'chưa có sinh hiệu'}"
    for back in o["read_backs"]:
        yield f"    đọc lại: {_read_back(back)}"
    if not o["read_backs"] and not o["superseded_by"]:
        yield "    đọc lại: chưa"


def _read_back(r: Json) -> str:
    said = f". {r['text']}" if r["text"] else ""
    done = {True: ". Ý kiến trước đã được thực hiện", False: ". Ý kiến trước chưa thực hiện", None: ""}
    understood = "đã hiểu" if r["understood"] else "chưa rõ"
    return f"{_clock(r['at'])}  {r['by_name']}: {understood}{said}{done[r['done_already']]}"


def _call(c: Json) -> Iterator[str]:
    """What was said by telephone, marked as such: typed by one side, confirmed by the other or not."""
    yield f"{_clock(c['at'])}  Qua điện thoại, {SIDE[c['side']]} ghi: {c['text'] or NOT_RECORDED} {c['by_name']}"
    confirmed = f"{_clock(c['confirmed_at'])}  {c['confirmed_by_name']}" if c["confirmed_at"] else "chưa"
    yield f"    bên kia xác nhận: {confirmed}"


def _channels(annex: Json) -> str:
    return ", ".join({"text": "nhắn tin", "telephone": "điện thoại"}[c] for c in annex["channel"])


def _outcome_line(o: Json) -> str:
    said = f". {o['text']}" if o["text"] else ""
    return f"{DUE[o['at']]}: {RESULT[o['result']]}{said}. {o['by_name']}, {_clock(o['reported_at'])}"


def _vitals(v: Json) -> str:
    """One set with its units; what was not measured is a dash, never a zero."""
    oxygen = {True: "có oxy", False: "khí trời", None: "–"}[v["on_oxygen"]]
    if v["oxygen_l_min"] is not None:
        oxygen = f"oxy {_number(v['oxygen_l_min'])} l/phút"
    news2 = v["news2"]
    total = {"complete": news2["total"], "not_applicable": "không dùng"}.get(news2["state"], "chưa đủ")
    return (
        f"{_clock(v['taken_at'])}  thở {_number(v['respiration'])}/phút, SpO₂ {_number(v['spo2'])} % ({oxygen}), "
        f"HA {_number(v['systolic'])}/{_number(v['diastolic'])} mmHg, mạch {_number(v['pulse'])}/phút, "
        f"ý thức {LETTER.get(v['consciousness'], '–')}, nhiệt độ {_number(v['temperature'])} °C, NEWS2 {total}"
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:g}".replace(".", ",")


def _clock(instant: datetime) -> str:
    return instant.astimezone(WARD_ZONE).strftime("%H:%M:%S %d/%m/%Y")
