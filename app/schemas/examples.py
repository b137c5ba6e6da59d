"""One night as the examples of the contract tell it: a heart attack at a district hospital, asked at 03:05.

A test holds each example to the model that it illustrates.
"""

from typing import Any, Final

from app.schemas.requests import REQUEST_EXAMPLE

CASE_ID: Final = "01a20a03-a608-7d2e-9c55-2f60b1a4d803"
CALLOUT_ID: Final = "01a20a03-a608-7b10-8e21-0c44d5a9f312"
OFFER_ID: Final = "01a20a03-a608-7c77-a1f3-5be0927dd4a6"
VITALS_ID: Final = "01a20a03-a608-7e41-8b92-c6d3f0a51e97"
DESK_ID: Final = "01a1949e-d680-7a01-9b3c-6f1d20c4e811"
CENTRAL_ID: Final = "01a1949e-d680-7101-8a55-31b7c9d2e044"
ASKING_ID: Final = "01a1949e-d680-7102-9f08-7cc1d4ab6e15"
WARD_ID: Final = "01a1949e-d680-7203-8d41-aa90b2c7f526"
REQUESTER_ID: Final = "01a1949e-d680-7301-b6e9-10f2d38c4b57"
FIRST_ID: Final = "01a1949e-d680-7302-a7d4-94c0e1b5f268"
SECOND_ID: Final = "01a1949e-d680-7303-8c13-d7e6a2f09b79"
OPINION_ID: Final = "01a20a09-8208-7e15-b0a7-6d1f93c2e48a"
CONCLUSION_ID: Final = "01a20a0c-4d90-7f26-9be8-2a3c5d7e1f9b"

CENTRAL: Final = "BV Trung ương Thái Nguyên"
ASKING: Final = "BVĐK Mộc Châu"
REQUESTER: Final = "BS Khoa Cấp cứu BVĐK Mộc Châu 1"
FIRST: Final = "BS trực Tim mạch 1"
SECOND: Final = "BS trực Tim mạch 2"
DESK: Final = "Bàn trực Tim mạch"

_VITALS: Final[dict[str, Any]] = {
    "id": VITALS_ID,
    "taken_at": "2026-11-23T20:02:00Z",
    "recorded_at": "2026-11-23T20:05:41Z",
    "recorded_by_name": REQUESTER,
    "pulse": 52,
    "systolic": 94,
    "diastolic": 60,
    "respiration": 22,
    "temperature": 36.6,
    "spo2": 93,
    "spo2_scale": 1,
    "on_oxygen": True,
    "oxygen_l_min": 3.0,
    "consciousness": "alert",
    "warnings": [],
    "news2": {
        "total": 8,
        "state": "complete",
        "band": "high",
        "parts": {
            "respiration": 2,
            "spo2": 2,
            "oxygen": 2,
            "systolic": 2,
            "pulse": 0,
            "consciousness": 0,
            "temperature": 0,
        },
        "missing": [],
        "scale": 1,
        "suggests": "red",
        "why_not": None,
    },
}

_OFFER: Final[dict[str, Any]] = {
    "id": OFFER_ID,
    "doctor": FIRST_ID,
    "doctor_name": FIRST,
    "role": "primary",
    "step": 0,
    "state": "accepted",
    "reason": None,
    "reason_text": None,
    "made_at": "2026-11-23T20:05:41Z",
    "delivered_at": "2026-11-23T20:05:42Z",
    "seen_at": "2026-11-23T20:05:50Z",
    "undelivered": False,
    "expired_at": None,
    "answered_at": "2026-11-23T20:06:20Z",
    "answered_via": "client",
    "attendance": None,
}

_CALLOUT: Final[dict[str, Any]] = {
    "id": CALLOUT_ID,
    "desk": DESK_ID,
    "desk_name": DESK,
    "desk_phone": "0208 000 104",
    "hospital": CENTRAL_ID,
    "hospital_name": CENTRAL,
    "specialty": "K04",
    "urgency": "orange",
    "state": "accepted",
    "step": 0,
    "steps_total": 5,
    "round": 0,
    "next_due_at": None,
    "opened_at": "2026-11-23T20:05:41Z",
    "ended_at": "2026-11-23T20:06:20Z",
    "reason": "request",
    "offers": [_OFFER],
    "ladder": [
        {
            "step": step,
            "who": [who],
            "at": "2026-11-23T20:05:41Z" if step == 0 else None,
            "started": step == 0,
            "doctors": [{"doctor": doctor, "doctor_name": name}],
        }
        for step, (who, doctor, name) in enumerate(
            (
                ("primary", FIRST_ID, FIRST),
                ("backup", SECOND_ID, SECOND),
                ("head_of_shift", "01a1949e-d680-7304-91b5-e08c47a6d2f3", "Trưởng tua trực Tim mạch"),
                ("leadership", "01a1949e-d680-7305-85d0-3f72c9e16a48", "Trực lãnh đạo"),
                ("coordinator", "01a1949e-d680-7306-a2f7-6b1e0d94c58a", "Điều phối viên"),
            )
        )
    ],
}

CONCLUSION: Final[dict[str, Any]] = {
    "event_id": CONCLUSION_ID,
    "at": "2026-11-23T20:15:08Z",
    "by": FIRST_ID,
    "by_name": FIRST,
    "by_licence": "000003/DEMO-CCHN",
    "summary": "Nam 58 tuổi, đau ngực giờ thứ 2, ST chênh lên thành dưới, huyết áp 94/60.",
    "conclusion": "Nhồi máu cơ tim cấp thành dưới, sốc tim giai đoạn sớm.",
    "plan": "1. Tenecteplase 35 mg tĩnh mạch. 2. Chuyển BV Trung ương Thái Nguyên ngay sau bơm.",
    "decision": "Chuyển viện sau bơm",
    "supersedes": None,
}

READ_BACK: Final[dict[str, Any]] = {
    "event_id": OPINION_ID,
    "by": REQUESTER_ID,
    "by_name": REQUESTER,
    "understood": True,
    "text": "Tenecteplase 35 mg tiêm tĩnh mạch một lần, rồi chuyển.",
    "at": "2026-11-23T20:12:40Z",
    "done_already": None,
}

CALL: Final[dict[str, Any]] = {
    "id": "01a20a0b-7f30-7c02-8d55-90ab37e1c6d4",
    "at": "2026-11-23T20:13:00Z",
    "by": REQUESTER_ID,
    "by_name": REQUESTER,
    "side": "asking",
    "text": "Hỏi lại liều: 35 mg, một lần.",
    "recorded_at": "2026-11-23T20:14:10Z",
    "confirmed_by": FIRST_ID,
    "confirmed_by_name": FIRST,
    "confirmed_at": "2026-11-23T20:14:30Z",
}
UNREAD: Final[dict[str, Any]] = {
    "event_id": CONCLUSION_ID,
    "opinion_at": "2026-11-23T20:15:08Z",
    "step": -1,
    "due_at": "2026-11-23T20:20:08Z",
}

MESSAGE: Final[dict[str, Any]] = {
    "event_id": OPINION_ID,
    "n": 9,
    "text": "Tiêu sợi huyết ngay nếu không chống chỉ định: tenecteplase 35 mg, một lần, tĩnh mạch.",
    "opinion": True,
    "author": FIRST_ID,
    "author_name": FIRST,
    "author_hospital_name": CENTRAL,
    "at": "2026-11-23T20:12:05Z",
    "written_at": None,
    "supersedes": None,
    "superseded_by": None,
    "vitals_id": VITALS_ID,
}


def _case() -> dict[str, Any]:
    asked = REQUEST_EXAMPLE
    return {
        "id": CASE_ID,
        "number": "HC-0412",
        "version": 12,
        "view": "full",
        "status": "concluded",
        "urgency": "orange",
        "specialty": "K04",
        **{name: asked[name] for name in ("question", "situation", "background", "assessment", "recommendation")},
        "kind_of_help": "treatment",
        "patient": {
            "label": "MC-017",
            "sex": "male",
            "birth_date": None,
            "age_years": 58,
            "age_months": None,
            "weight_kg": 64.0,
            "identifiers": asked["patient"]["identifiers"],
        },
        "diagnosis": asked["diagnosis"],
        "safety": {name: {"text": "", **fact} for name, fact in asked["safety"].items()},
        "vitals": [_VITALS],
        "news2": _VITALS["news2"],
        "hospital": ASKING_ID,
        "hospital_name": ASKING,
        "ward": WARD_ID,
        "ward_name": "Khoa Cấp cứu",
        "ward_phone": "0212 000 110",
        "requester": REQUESTER_ID,
        "requester_name": REQUESTER,
        "requester_phone": "0212 000 111",
        "requester_licence": "000226/DEMO-CCHN",
        "holder": FIRST_ID,
        "holder_name": FIRST,
        "holder_licence": "000003/DEMO-CCHN",
        "held_since": "2026-11-23T20:06:20Z",
        "heard_at": "2026-11-23T20:14:30Z",
        "ward_owner": REQUESTER_ID,
        "ward_owner_name": REQUESTER,
        "callouts": [_CALLOUT],
        "participants": [
            {
                "user": user,
                "name": name,
                "role": role,
                "hospital_name": hospital,
                "joined_at": joined,
                "left_at": None,
                "attendance": None,
                "delivered_n": 12,
                "seen_n": 12,
            }
            for user, name, role, hospital, joined in (
                (REQUESTER_ID, REQUESTER, "requester", ASKING, "2026-11-23T20:05:41Z"),
                (FIRST_ID, FIRST, "assigned", CENTRAL, "2026-11-23T20:06:20Z"),
            )
        ],
        "warnings": [],
        "answer_due_at": "2026-11-23T20:20:41Z",
        "answered_at": "2026-11-23T20:12:05Z",
        "written_at": "2026-11-23T20:05:40Z",
        "created_at": "2026-11-23T20:05:41Z",
        "updated_at": "2026-11-23T20:15:08Z",
        "concluded_at": "2026-11-23T20:15:08Z",
        "closed_at": None,
        "cancelled_at": None,
        "cancel_reason": None,
        "conclusion": CONCLUSION,
        "conclusions": [CONCLUSION],
        "outcomes": [],
        "read_backs": [READ_BACK],
        "calls": [CALL],
        "unread": [UNREAD],
        "outcome_due_at": "2026-11-24T20:15:08Z",
        "telephone": None,
        "drill": False,
        "demo": False,
        "may": ["record_vitals", "post_message", "read_back", "invite", "report_outcome"],
    }


def _ringing() -> dict[str, Any]:
    """The same case a few seconds after the request, as its offer shows it."""
    offer = _OFFER | {"state": "made", "seen_at": None, "answered_at": None}
    minutes = ("05", "10", "14", "17", "20")
    ladder = [step | {"at": f"2026-11-23T20:{at}:41Z"} for step, at in zip(_CALLOUT["ladder"], minutes, strict=True)]
    callout = _CALLOUT | {
        "state": "ringing",
        "ended_at": None,
        "next_due_at": "2026-11-23T20:10:41Z",
        "offers": [offer],
        "ladder": ladder,
    }
    nobody = dict.fromkeys(
        ("holder", "holder_name", "holder_licence", "held_since", "heard_at", "answered_at", "concluded_at")
    )
    card = _case() | nobody | {"version": 4, "view": "card", "status": "ringing", "callouts": [callout], "may": []}
    card |= {"participants": [], "conclusion": None, "conclusions": [], "read_backs": [], "outcome_due_at": None}
    card |= {"calls": [], "unread": []}
    return card | {
        "updated_at": "2026-11-23T20:05:42Z",
        "patient": card["patient"] | {"birth_date": None, "identifiers": []},
    }


CASE: Final = _case()
CARD: Final = _ringing()

HEADER: Final[dict[str, Any]] = {
    "consultation_id": CASE_ID,
    **{
        name: CARD[name]
        for name in (
            *("id", "number", "version", "status", "urgency", "specialty", "hospital", "hospital_name", "ward_name"),
            *("requester_name", "holder", "holder_name", "held_since", "answer_due_at", "answered_at", "created_at"),
            *("updated_at", "concluded_at", "outcome_due_at", "warnings", "drill", "telephone"),
        )
    },
    "sex": "male",
    "age_years": 58,
    "age_months": None,
    "diagnosis_code": "I21.1",
    "quiet": False,
    "exhausted": False,
    "ringing": [
        {
            "doctor": FIRST_ID,
            "doctor_name": FIRST,
            "role": "primary",
            "delivered_at": "2026-11-23T20:05:42Z",
            "seen_at": None,
            "undelivered": False,
        }
    ],
    "next_names": [SECOND],
    "callout_id": CALLOUT_ID,
    "desk": DESK_ID,
    "desk_name": DESK,
    "answering_hospital": CENTRAL_ID,
    "answering_hospital_name": CENTRAL,
    "step": 0,
    "steps_total": 5,
    "round": 0,
    "next_due_at": "2026-11-23T20:10:41Z",
}

CASE_HEADER: Final = HEADER | {"view": "header", "may": [], "demo": False, "callouts": [], "participants": []}

OFFER: Final[dict[str, Any]] = {
    "offer_id": OFFER_ID,
    "consultation_id": CASE_ID,
    "callout_id": CALLOUT_ID,
    "desk": DESK_ID,
    "desk_name": DESK,
    "step": 0,
    "role": "primary",
    "state": "made",
    "made_at": "2026-11-23T20:05:41Z",
    "due_at": "2026-11-23T20:10:41Z",
    "delivered_at": "2026-11-23T20:05:42Z",
    "seen_at": None,
    "expired_at": None,
    "attendance": None,
    "doctor": FIRST_ID,
    "doctor_name": FIRST,
    "quiet": False,
    "may_accept": True,
    "leader_name": None,
    "card": CARD,
}

FACT: Final[dict[str, Any]] = {
    "n": 5,
    "id": "01a20a04-3e60-7a48-8c15-b7d9e0f2a364",
    "type": "offer.accepted",
    "at": "2026-11-23T20:06:20Z",
    "by": FIRST_ID,
    "by_name": FIRST,
    "d": {
        "consultation_id": CASE_ID,
        "offer_id": OFFER_ID,
        "callout_id": CALLOUT_ID,
        "doctor": FIRST_ID,
        "doctor_name": FIRST,
        "role": "primary",
        "step": 0,
        "holder": FIRST_ID,
        "holder_name": FIRST,
        "at": "2026-11-23T20:06:20Z",
    },
}

OPINION: Final = MESSAGE | {"vitals": _VITALS, "read_backs": [READ_BACK]}

RECORD: Final[dict[str, Any]] = {
    "form": "27/BV2",
    "title": "TRÍCH BIÊN BẢN HỘI CHẨN",
    "state": "final",
    "made_at": "2026-11-23T20:16:00Z",
    "consultation_id": CASE_ID,
    "number": "HC-0412",
    "version": 12,
    "status": "concluded",
    "demo": False,
    "drill": False,
    "health_department": "Sở Y tế Sơn La",
    "fields": [
        {"key": "hospital", "label": "Bệnh viện", "value": ASKING},
        {"key": "patient_name", "label": "Họ tên người bệnh", "value": "MC-017"},
        {"key": "bed", "label": "Số giường", "value": None},
        {"key": "chair", "label": "Chủ tọa", "value": f"{FIRST} ({CENTRAL}), số GPHN 000003/DEMO-CCHN"},
        {
            "key": "conclusion",
            "label": "Kết luận (sau khi đã khám lại và thảo luận)",
            "value": CONCLUSION["conclusion"],
        },
    ],
    "missing": ["bed"],
    "annex": {
        "asking_hospital": ASKING,
        "answering_hospitals": [CENTRAL],
        "specialty": "Tim mạch",
        "urgency": "orange",
        "channel": ["text", "telephone"],
        "requested_at": "2026-11-23T20:05:41Z",
        "started_at": "2026-11-23T20:06:20Z",
        "answered_at": "2026-11-23T20:12:05Z",
        "ended_at": "2026-11-23T20:15:08Z",
        "patient_informed": None,
        "files": [],
        "warnings": [],
        "people": [
            {
                "user": REQUESTER_ID,
                "name": REQUESTER,
                "role": "requester",
                "hospital_name": ASKING,
                "licence": "000226/DEMO-CCHN",
                "joined_at": "2026-11-23T20:05:41Z",
                "left_at": None,
            }
        ],
        "request": {
            name: REQUEST_EXAMPLE[name]
            for name in ("question", "situation", "background", "assessment", "recommendation")
        },
        "safety": CASE["safety"],
        "vitals": [_VITALS],
        "timeline": [
            {
                "n": 5,
                "at": "2026-11-23T20:06:20Z",
                "by_name": FIRST,
                "type": "offer.accepted",
                "text": f"Tiếp nhận: {FIRST}",
            }
        ],
        "opinions": [OPINION],
        "conclusions": [CONCLUSION | {"superseded": False, "read_backs": []}],
        "calls": [CALL],
        "telephone": None,
        "outcomes": [],
    },
    "text": "TRÍCH BIÊN BẢN HỘI CHẨN\nSố hồ sơ: HC-0412\n…",
}
