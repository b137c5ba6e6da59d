"""What is wrong with a body, in plain Vietnamese and English: what it is, and what to do about it.

`explain` puts one Pydantic error into words, `complaints` a whole list of them as a problem's `errors`, `warning` a
doubt about something that was accepted. None of them repeats what was sent: it may be the patient's.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from app.models.clinical import Doubt

Language: TypeAlias = Literal["vi", "en"]
Sentence: TypeAlias = tuple[str, str]

_LANGUAGE: Final[Mapping[str, int]] = {"vi": 0, "en": 1}

# Names as they stand above the field on the screen; other fields go by their name in the contract.
_FIELDS: Final[Mapping[str, Sentence]] = {
    "pulse": ("Mạch", "Pulse"),
    "systolic": ("Huyết áp tâm thu", "Systolic pressure"),
    "diastolic": ("Huyết áp tâm trương", "Diastolic pressure"),
    "respiration": ("Nhịp thở", "Respiration"),
    "temperature": ("Nhiệt độ", "Temperature"),
    "spo2": ("SpO₂", "SpO₂"),
    "spo2_scale": ("Thang SpO₂ của NEWS2", "NEWS2 SpO₂ scale"),
    "on_oxygen": ("Thở oxy", "Oxygen"),
    "oxygen_l_min": ("Lưu lượng oxy", "Oxygen flow"),
    "consciousness": ("Ý thức", "Consciousness"),
    "taken_at": ("Giờ đo", "Time taken"),
    "written_at": ("Giờ viết", "Time of writing"),
    "telephone": ("Cuộc gọi", "The call"),
    "asked_at": ("Giờ hỏi", "The time of asking"),
    "answered_at": ("Giờ trả lời", "The time of the answer"),
    "answered_by": ("Bác sĩ đã trả lời", "The doctor who answered"),
    "answered_by_name": ("Tên bác sĩ đã trả lời", "The name of the doctor who answered"),
    "vitals": ("Sinh hiệu", "Vital signs"),
    "specialty": ("Chuyên khoa", "Specialty"),
    "urgency": ("Mức khẩn", "Urgency"),
    "question": ("Câu hỏi cụ thể", "The specific question"),
    "situation": ("Tình huống", "Situation"),
    "background": ("Bệnh sử", "Background"),
    "assessment": ("Đánh giá", "Assessment"),
    "recommendation": ("Đề nghị", "Recommendation"),
    "kind_of_help": ("Cần giúp về", "Kind of help"),
    "patient": ("Người bệnh", "Patient"),
    "label": ("Tên hoặc mã tạm", "Name or temporary code"),
    "sex": ("Giới", "Sex"),
    "birth_date": ("Ngày sinh", "Birth date"),
    "age_years": ("Tuổi", "Age"),
    "age_months": ("Tuổi theo tháng", "Age in months"),
    "weight_kg": ("Cân nặng", "Weight"),
    "identifiers": ("Giấy tờ", "Identifiers"),
    "system": ("Loại giấy tờ", "Kind of identifier"),
    "value": ("Số giấy tờ", "Identifier"),
    "diagnosis": ("Chẩn đoán", "Diagnosis"),
    "code": ("Mã ICD-10", "ICD-10 code"),
    "safety": ("Thông tin an toàn", "Safety facts"),
    "allergies": ("Dị ứng", "Allergies"),
    "anticoagulant": ("Thuốc chống đông", "Anticoagulant"),
    "pregnancy": ("Thai kỳ", "Pregnancy"),
    "weight": ("Cân nặng", "Weight"),
    "state": ("Tình trạng", "State"),
    "text": ("Nội dung", "Text"),
    "reason": ("Lý do", "Reason"),
    "note": ("Ghi chú", "Note"),
    "summary": ("Tóm tắt", "Summary"),
    "conclusion": ("Kết luận", "Conclusion"),
    "plan": ("Hướng điều trị tiếp", "Further treatment"),
    "decision": ("Quyết định", "Decision"),
    "result": ("Kết quả", "Result"),
    "coming": ("Có đến hay không", "Coming or not"),
    "understood": ("Đã hiểu hay chưa", "Understood or not"),
    "opinion": ("Là ý kiến hội chẩn", "Is an opinion"),
    "username": ("Tên đăng nhập", "User name"),
    "password": ("Mật khẩu", "Password"),
    "from": ("Giờ bắt đầu", "The start"),
    "to": ("Giờ kết thúc", "The end"),
    "start": ("Giờ bắt đầu", "The start"),
    "end": ("Giờ kết thúc", "The end"),
    "anchor": ("Mốc bắt đầu chu kỳ", "The anchor"),
    "every": ("Số đơn vị mỗi lượt", "Units of a turn"),
    "turns": ("Lượt trực", "Turn"),
    "windows": ("Khung giờ", "Window"),
    "days": ("Thứ trong tuần", "Weekdays"),
    "rotation": ("Chu kỳ đổi lượt", "The rotation"),
    "priority": ("Ưu tiên", "Priority"),
    "role": ("Vai trò", "Role"),
    "roles": ("Vai trò", "Roles"),
    "required_roles": ("Vai trò bắt buộc", "Required roles"),
    "doctor": ("Bác sĩ", "The doctor"),
    "by": ("Người thay", "The substitute"),
    "head": ("Người phụ trách lịch", "The head of the rota"),
    "zone": ("Múi giờ", "The zone"),
    "rest_hours": ("Giờ nghỉ tối thiểu", "Hours of rest"),
    "shifts": ("Ca trực", "Shift"),
    "date": ("Ngày", "The date"),
    "changes": ("Thay đổi", "Change"),
    "version": ("Phiên bản", "Version"),
}

_TIME_FORM: Final = (
    "{field} cần ngày, giờ và múi giờ, ví dụ 2026-11-24T03:02:00+07:00.",
    "{field} needs a date, a time and a zone, for example 2026-11-24T03:02:00+07:00.",
)
_DATE_FORM: Final = (
    "{field} không phải là một ngày. Ghi năm-tháng-ngày, ví dụ 1968-05-17.",
    "{field} is not a date. Write year-month-day, for example 1968-05-17.",
)
_NUMBER: Final = (
    "{field} cần một con số, không kèm chữ hay đơn vị. Nếu chưa có, để trống.",
    "{field} needs a number, without words or units. Leave it empty when there is none.",
)
_WHOLE: Final = ("{field} cần số nguyên, không có phần thập phân.", "{field} needs a whole number.")
_YES_NO: Final = ("{field}: chọn có (true) hoặc không (false).", "{field}: choose true or false.")
_CHOICE: Final = ("{field}: chọn một trong {expected}.", "{field}: choose one of {expected}.")
_MISSING: Final = ("Thiếu {field_lower}. Cần điền trước khi gửi.", "{field} is missing. Fill it in to send.")
_TEXT: Final = ("{field} cần là chữ.", "{field} needs text.")
_TOO_LONG: Final = (
    "{field} dài quá giới hạn. Tối đa {limit} ký tự.",
    "{field} is too long. At most {limit} characters.",
)
_TOO_SHORT: Final = ("{field} ngắn quá. Ít nhất {limit} ký tự.", "{field} is too short. At least {limit} characters.")
_OBJECT: Final = (
    "{field} cần là một đối tượng JSON với các trường của nó.",
    "{field} needs a JSON object with its fields.",
)
_LIST: Final = ("{field} cần là một danh sách.", "{field} needs a list.")
_ID: Final = (
    "{field} không phải là một mã định danh. Chọn lại từ danh sách.",
    "{field} is not an identifier. Choose again from the list.",
)
_JSON: Final = (
    "Nội dung gửi không phải JSON đọc được. Không có gì được lưu.",
    "What was sent is not readable JSON. Nothing was stored.",
)
_LEAST: Final = (
    "{field} ngoài giới hạn. Nhập số từ {limit} trở lên.",
    "{field} is out of range. Enter {limit} or more.",
)
_MOST: Final = (
    "{field} ngoài giới hạn. Nhập số không quá {limit}.",
    "{field} is out of range. Enter {limit} or less.",
)
_SURROGATE: Final = (
    "{field} có ký tự hỏng, không lưu được. Xóa ký tự đó rồi gửi lại.",
    "{field} has a broken character that cannot be stored. Delete it and send again.",
)
_UNKNOWN: Final = (
    "{field} chưa đúng. Kiểm tra lại rồi gửi; chưa có gì được lưu.",
    "{field} is not right. Check it and send again; nothing was stored.",
)

_SENTENCES: Final[Mapping[str, Sentence]] = {
    # Ours
    "needed": _MISSING,
    "number_range": (
        "{field} ngoài giới hạn. Nhập số từ {low} đến {high}, ví dụ {example}.",
        "{field} is out of range. Enter {low} to {high}, for example {example}.",
    ),
    "number_type": _NUMBER,
    "number_finite": _NUMBER,
    "number_whole": _WHOLE,
    "number_ambiguous": (
        "{field}: dấu chấm hoặc phẩy này có thể là phần thập phân hoặc hàng nghìn. Ghi lại, ví dụ 3,5 hoặc 3500.",
        "{field}: this point or comma can mean decimals or thousands. Write it again, for example 3.5 or 3500.",
    ),
    "temperature_fahrenheit": (
        "Nhiệt độ này giống độ F. Ghi theo °C{converted}.",
        "This temperature looks like Fahrenheit. Give °C{converted}.",
    ),
    "pressure_cmhg": (
        "Huyết áp này giống cmHg. Ghi theo mmHg ({mmhg}).",
        "This pressure looks like cmHg. Give mmHg ({mmhg}).",
    ),
    "weight_grams": (
        "Cân nặng này giống gam. Ghi theo kg ({kilograms}).",
        "This weight looks like grams. Give kg ({kilograms}).",
    ),
    "weight_needed": (
        "Người bệnh dưới {years} tuổi cần cân nặng (kg). Nếu không cân được, chọn cân nặng: không rõ.",
        "A patient under {years} needs a weight (kg). If nobody can weigh them, set the safety fact weight to unknown.",
    ),
    "vitals_empty": (
        "Chưa có chỉ số nào. Nhập ít nhất một sinh hiệu.",
        "No value is given. Enter at least one vital sign.",
    ),
    "diastolic_not_below": (
        "Huyết áp tâm trương phải thấp hơn tâm thu ({systolic}). Kiểm tra hai số có bị đảo không.",
        "The diastolic pressure must be below the systolic ({systolic}). Check whether the two are swapped.",
    ),
    "oxygen_on_air": (
        "Ghi thở khí trời nhưng có lưu lượng oxy ({flow} l/phút). Chọn thở oxy hoặc xóa lưu lượng.",
        "Breathing air, but with an oxygen flow ({flow} l/min). Choose oxygen, or remove the flow.",
    ),
    "time_form": _TIME_FORM,
    "time_zone": (
        "{field} thiếu múi giờ, nên không biết là giờ nào. Thêm +07:00 (giờ Việt Nam) hoặc Z (UTC).",
        "{field} has no time zone, so it could be any hour. Add +07:00 (Vietnam) or Z (UTC).",
    ),
    "date_form": _DATE_FORM,
    "taken_in_future": (
        "Giờ đo ở tương lai. Kiểm tra ngày, giờ đo và đồng hồ của máy.",
        "The time taken lies in the future. Check the date, the time and this device's clock.",
    ),
    "taken_too_long_ago": (
        "Giờ đo đã quá {days} ngày. Kiểm tra ngày đo.",
        "The time taken is more than {days} days ago. Check the date.",
    ),
    "told_in_future": (
        "{field} ở tương lai. Kiểm tra ngày, giờ và đồng hồ của máy.",
        "{field} lies in the future. Check date, time and this device's clock.",
    ),
    "told_too_long_ago": (
        "{field} đã quá {days} ngày. Kiểm tra ngày; ca cũ hơn thì ghi vào hồ sơ giấy.",
        "{field} is more than {days} days ago. Check the date; older cases belong into the paper file.",
    ),
    "told_before_asked": (
        "Giờ trả lời sớm hơn giờ hỏi. Kiểm tra hai giờ có bị đảo không.",
        "The answer is earlier than the question. Check whether the two times are swapped.",
    ),
    "told_by_one": (
        "Chọn bác sĩ đã trả lời, hoặc ghi tên nếu không có trong danh sách; chỉ một trong hai.",
        "Choose the doctor who answered, or write the name if they are not listed; exactly one of the two.",
    ),
    "born_in_future": ("Ngày sinh ở tương lai. Kiểm tra lại ngày.", "The birth date lies in the future. Check it."),
    "born_too_long_ago": (
        "Theo ngày sinh, người bệnh hơn {years} tuổi. Kiểm tra năm sinh.",
        "By the birth date the patient is over {years}. Check the year.",
    ),
    "age_disagrees": (
        "{field} không khớp ngày sinh (theo ngày sinh là {age}). Sửa một trong hai.",
        "{field} does not agree with the birth date (which makes it {age}). Correct one of them.",
    ),
    "age_months_disagree": (
        "Tuổi theo tháng không khớp {years} tuổi. Ghi toàn bộ tuổi theo tháng, từ {first} đến {last}.",
        "The age in months does not agree with {years} years. Give the whole age in months, {first} to {last}.",
    ),
    "specialty_form": (
        "Chuyên khoa cần là mã, ví dụ K04. Chọn lại từ danh sách.",
        "The specialty must be a code such as K04. Choose again from the list.",
    ),
    "icd10_form": (
        "Mã ICD-10 chưa đúng dạng, ví dụ I21.1. Chỉ một mã; chẩn đoán khác ghi bằng chữ.",
        "This is not an ICD-10 code such as I21.1. One code only; write other diagnoses in words.",
    ),
    "one_of": ("Cần đúng một trong hai: {fields}.", "Exactly one of these is needed: {fields}."),
    "nothing_to_change": ("Không có gì để sửa. Gửi ít nhất một trường.", "Nothing to change. Send at least one field."),
    "text_control": (
        "{field} có ký tự điều khiển ({code}, vị trí {position}). Xóa ký tự đó rồi gửi lại.",
        "{field} has a control character ({code}, position {position}). Delete it and send again.",
    ),
    "text_marks": (
        "{field} có quá nhiều dấu trên một chữ (vị trí {position}). Gõ lại chữ đó.",
        "{field} has too many marks on one letter (position {position}). Type it again.",
    ),
    "text_too_long": (
        "{field} dài {length} ký tự, tối đa {limit}. Rút ngắn, hoặc ghi phần còn lại vào thảo luận.",
        "{field} has {length} characters, at most {limit}. Shorten it, or write the rest into the discussion.",
    ),
    "end_not_after_start": ("{field} phải sau giờ bắt đầu.", "{field} must be after the start."),
    "time_reach": ("{field}: chỉ từ năm 1970 đến năm 2200.", "{field}: only from the year 1970 to 2200."),
    "too_long_a_time": ("{field}: nhiều nhất {days} ngày.", "{field}: at most {days} days."),
    "anchor_form": (
        "{field} cần ngày giờ địa phương, không kèm múi giờ, ví dụ 2026-01-05T08:00.",
        "{field} needs a local date and time without a zone, for example 2026-01-05T08:00.",
    ),
    "hour_form": ("{field} cần giờ trong ngày, ví dụ 20:00.", "{field} needs a time of day, for example 20:00."),
    "zone_form": ("{field} cần múi giờ IANA, ví dụ Asia/Ho_Chi_Minh.", "{field} needs an IANA zone."),
    "rotation_needed": (
        "Có nhiều lượt nên cần chu kỳ đổi lượt (rotation).",
        "Several turns need a rotation that says when they change.",
    ),
    "twice": ("Một người có hai lần trong cùng lượt.", "The same person is twice in one turn."),
    "only_with_replace": ("Người thay chỉ dùng khi thay ca (replace).", "A substitute goes with `replace` only."),
    "replaced_by_oneself": ("Người thay phải là người khác.", "The substitute must be somebody else."),
    "role_not_named": ("Lịch tạm này không nêu vai trò đó.", "The temporary rota does not name this role."),
    "shift_outside": ("Ca này nằm ngoài lịch tạm.", "This shift lies outside the temporary rota."),
    "only_when_worked": ("Chỉ ngày làm bù mới theo thứ khác.", "Only a worked day follows another weekday."),
    "exchange_overlaps": (
        "Ca đổi lại trùng giờ với ca được đưa ra.",
        "The duty in return overlaps the duty that is offered.",
    ),
    "settings_stay": (
        "Thiết lập chỉ sửa được, không có mã và không xóa.",
        "Settings have no id and are never deleted.",
    ),
    # Pydantic's own
    "missing": _MISSING,
    "extra_forbidden": (
        "Không có trường {name}. Kiểm tra tên trường; không có gì bị bỏ qua âm thầm.",
        "There is no field {name}. Check its name; nothing is dropped silently.",
    ),
    "string_type": _TEXT,
    "string_sub_type": _TEXT,
    "string_unicode": _SURROGATE,
    "string_too_long": _TOO_LONG,
    "string_too_short": _TOO_SHORT,
    "int_type": _NUMBER,
    "int_parsing": _NUMBER,
    "int_parsing_size": _NUMBER,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "decimal_type": _NUMBER,
    "decimal_parsing": _NUMBER,
    "bool_type": _YES_NO,
    "bool_parsing": _YES_NO,
    "literal_error": _CHOICE,
    "enum": _CHOICE,
    "uuid_type": _ID,
    "uuid_parsing": _ID,
    "uuid_version": _ID,
    "is_instance_of": _ID,
    "dict_type": _OBJECT,
    "mapping_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "dataclass_type": _OBJECT,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "too_long": ("{field}: nhiều nhất {limit} mục.", "{field}: at most {limit} entries."),
    "too_short": ("{field}: ít nhất {limit} mục.", "{field}: at least {limit} entries."),
    "json_invalid": _JSON,
    "json_type": _JSON,
    "recursion_loop": _JSON,
    "date_type": _DATE_FORM,
    "date_parsing": _DATE_FORM,
    "date_from_datetime_parsing": _DATE_FORM,
    "date_from_datetime_inexact": _DATE_FORM,
    "datetime_type": _TIME_FORM,
    "datetime_parsing": _TIME_FORM,
    "datetime_from_date_parsing": _TIME_FORM,
    "datetime_object_invalid": _TIME_FORM,
    "timezone_naive": (
        "{field} thiếu múi giờ. Thêm +07:00 (giờ Việt Nam) hoặc Z (UTC).",
        "{field} has no time zone. Add +07:00 (Vietnam) or Z (UTC).",
    ),
    "timezone_aware": _TIME_FORM,
    "greater_than_equal": _LEAST,
    "greater_than": _LEAST,
    "less_than_equal": _MOST,
    "less_than": _MOST,
}

_WARNINGS: Final[Mapping[str, Sentence]] = {
    "unusual": (
        "{field} ngoài khoảng thường gặp ({low} đến {high}). Đo lại hoặc kiểm tra số đã nhập.",
        "{field} is outside what is usual ({low} to {high}). Measure again, or check what was entered.",
    ),
    "zero": (
        "{field} là 0, nghĩa là không đo được trên người bệnh. Nếu chưa đo, để trống.",
        "{field} is 0, which says there is none. If it was not measured, leave it empty.",
    ),
    "oxygen_without_flow": (
        "Ghi thở oxy nhưng lưu lượng là 0. Kiểm tra nguồn oxy hoặc số đã nhập.",
        "On oxygen, but the flow is 0. Check the supply, or what was entered.",
    ),
    "taken_days_ago": ("Đo từ {days} ngày trước. Kiểm tra ngày đo.", "Taken {days} days ago. Check the date."),
    "device_clock_ahead": (
        "Đồng hồ của máy gửi chạy nhanh; dùng giờ của máy chủ.",
        "The sending device's clock is ahead; the server's time is used.",
    ),
    "device_clock_behind": (
        "Giờ viết trên máy gửi đã quá 7 ngày; dùng giờ của máy chủ.",
        "By the sending device this was written over 7 days ago; the server's time is used.",
    ),
    "pregnant_male": (
        "Ghi mang thai nhưng giới là nam. Kiểm tra lại cả hai.",
        "Recorded as pregnant and as male. Check both.",
    ),
    "identifier_cccd": ("CCCD thường có 12 chữ số. Kiểm tra lại.", "A CCCD number has 12 digits. Check it."),
    "identifier_cmnd": ("CMND cũ thường có 9 chữ số. Kiểm tra lại.", "An old CMND number has 9 digits. Check it."),
    "identifier_bhyt": (
        "Thẻ BHYT thường có 15 ký tự (2 chữ, 13 số) hoặc 10 chữ số. Kiểm tra lại.",
        "A BHYT card has 15 characters (2 letters, 13 digits), or 10 digits. Check it.",
    ),
    "identifier_passport": (
        "Số hộ chiếu thường có 6 đến 9 chữ và số. Kiểm tra lại.",
        "A passport number has 6 to 9 letters and digits. Check it.",
    ),
}
_DOUBTFUL: Final = ("{field}: kiểm tra lại.", "{field}: check this.")

# Where FastAPI says that an error came from; nothing that the sender could correct.
_SOURCES: Final = frozenset({"body", "query", "path", "header", "cookie"})
_LIMITS: Final = ("limit", "max_length", "min_length", "ge", "gt", "le", "lt")
_MOST_COMPLAINTS: Final = 50
_LONGEST_NAME: Final = 60


def explain(error: Mapping[str, Any], language: Language) -> str:
    """Say in one or two sentences what is wrong with a field; `error` is one entry of `ValidationError.errors()`.

    An error type that is not known here gets a general sentence, never Pydantic's own words.
    """
    kind = str(error.get("type", ""))
    sentence = _SENTENCES.get(kind, _UNKNOWN)
    ctx = error.get("ctx") or {}
    names = _inside(error.get("loc") or ())
    words = {name: _said(value, language) for name, value in ctx.items()}
    words |= {
        "limit": next((_said(ctx[name], language) for name in _LIMITS if name in ctx), "?"),
        "expected": _choices(str(ctx.get("expected", "?"))),
        "converted": f" ({words['celsius']})" if ctx.get("celsius") is not None else "",
        "age": _age(ctx, language),
    }
    return _fill(sentence, names, words, language)


def complaints(errors: Iterable[Mapping[str, Any]], language: Language) -> list[dict[str, str]]:
    """Make the `errors` of a problem document: field as a dotted path, detail in words; the first 50 of them."""
    return [
        {"field": path(error.get("loc") or ()), "detail": explain(error, language)}
        for error, _ in zip(errors, range(_MOST_COMPLAINTS), strict=False)
    ]


def warning(doubt: Doubt, language: Language) -> dict[str, str]:
    """Put a doubt into words, as `{field, detail}`."""
    sentence = _WARNINGS.get(doubt.code, _DOUBTFUL)
    words = {name: _said(value, language) for name, value in doubt.ctx.items()}
    return {"field": doubt.field, "detail": _fill(sentence, doubt.field.split("."), words, language)}


def path(loc: Sequence[str | int]) -> str:
    """Write a place as a dotted path, `vitals.0.temperature`; safe to send back, whatever names the sender made up."""
    return ".".join(_safe(str(part)) for part in _inside(loc))


def _inside(loc: Sequence[str | int]) -> Sequence[str | int]:
    return loc[1:] if loc and loc[0] in _SOURCES else loc


def _fill(sentence: Sentence, names: Sequence[str | int], words: Mapping[str, str], language: Language) -> str:
    field = _name(names, language)
    # A sentence that needs a word nobody gave must still be a sentence.
    return sentence[_LANGUAGE[language]].format_map(
        _Words(
            words,
            field=field,
            field_lower=field if field.startswith(("SpO", "ICD", "NEWS")) else field[:1].lower() + field[1:],
            name=_safe(str(names[-1])) if names else "?",
        )
    )


class _Words(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"


def _name(names: Sequence[str | int], language: Language) -> str:
    """Name the innermost field that has a name; a place in a list goes by the list's name and its number from 1."""
    for place in range(len(names) - 1, -1, -1):
        part = names[place]
        if isinstance(part, int) or part.isdigit():
            continue
        known = _FIELDS.get(part)
        name = known[_LANGUAGE[language]] if known else _safe(part)
        after = names[place + 1] if place + 1 < len(names) else None
        return name if after is None else f"{name} {int(after) + 1}"
    return ("Nội dung gửi", "What was sent")[_LANGUAGE[language]]


def _said(value: Any, language: Language) -> str:
    """Write a number as the language writes it, with a decimal comma in Vietnamese and no separator of thousands."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _safe(str(value))
    plain = f"{value:.10g}"
    return plain.replace(".", ",") if language == "vi" else plain


def _choices(expected: str) -> str:
    """Turn Pydantic's "'red', 'orange' or 'green'" into "red, orange, green"."""
    return ", ".join(quoted or number for quoted, number in re.findall(r"'([^']*)'|\b([0-9]+)\b", expected))


def _age(ctx: Mapping[str, Any], language: Language) -> str:
    months = "months" in ctx
    count = ctx.get("months" if months else "years", "?")
    unit = (("tháng", "months") if months else ("tuổi", "years"))[_LANGUAGE[language]]
    return f"{count} {unit}"


def _safe(text: str) -> str:
    """Keep made-up names short, printable and encodable."""
    shown = "".join(character if character.isprintable() else "\ufffd" for character in text[:_LONGEST_NAME])
    return shown if len(text) <= _LONGEST_NAME else f"{shown}…"
