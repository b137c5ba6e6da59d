"""The network file, line by line: hospitals, desks, people, rotas and agreements. docs/network-file.md is its manual.

One JSON object a line, so that every complaint has a line number. `kind` says what a line is. A name that the format
does not know is refused, and a field that a line does not mention stays as it is.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, TypeAdapter
from pydantic_core import PydanticCustomError

from app.models.rota_format import HOME_ZONE, read_zone
from app.models.rota_rules import DESK_ROLES, HOSPITAL_ROLES, RotaError
from app.models.user import Role
from app.schemas.body import Body
from app.schemas.text import Label, Line, needed
from app.schemas.times import CalendarDate, read_instant

Key: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$")]
"""What a file calls a thing by: lower-case ASCII, digits, and `. _ -` inside."""

Code: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2,12}$")]
FacilityCode: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{5}$")]
Name: TypeAlias = Annotated[Label, AfterValidator(needed)]
Weekday: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
RotaRole: TypeAlias = Literal["primary", "backup", "head_of_shift", "red_team", "leadership", "coordinator"]


def _zone(name: str) -> str:
    try:
        read_zone(name)
    except RotaError:
        raise PydanticCustomError("zone_form", "An IANA zone is needed") from None
    return name


def _local_midnight(value: Any) -> datetime:
    """Read a date as the midnight at which it begins in Vietnam, anything else as an instant with its zone."""
    try:
        day = date.fromisoformat(value) if isinstance(value, str) and len(value) == len("2024-04-14") else None
    except ValueError:
        day = None
    if day is not None:
        return read_instant(datetime(day.year, day.month, day.day, tzinfo=read_zone(HOME_ZONE)))
    return read_instant(value)


Zone: TypeAlias = Annotated[str, AfterValidator(_zone)]
Moment: TypeAlias = Annotated[datetime, BeforeValidator(_local_midnight)]


class SpecialtyLine(Body):
    """A specialty: the Ministry's K-code where there is one, and its names."""

    kind: Literal["specialty"]
    code: Code
    vi: Name
    en: Name
    active: bool = True


class _Party(Body):
    key: Key
    name: Name
    short_name: Name
    province: Label | None = None
    former_province: Label | None = None
    phone: Label | None = None


class DepartmentLine(_Party):
    """A health department (Sở Y tế): in agreements it stands for its member hospitals."""

    kind: Literal["department"]


class HospitalLine(_Party):
    """A hospital; `fallback_desks` are rung for red and orange cases outside any agreement."""

    kind: Literal["hospital"]
    department: Key | None = None
    facility_code: FacilityCode | None = None
    technical_level: Label | None = None
    legacy_tier: Label | None = None
    aliases: list[Name] = Field(default_factory=list)
    fallback_desks: list[Key] = Field(default_factory=list)
    active: bool = True


class WardLine(Body):
    """A ward that asks."""

    kind: Literal["ward"]
    key: Key
    hospital: Key
    name: Name
    phone: Label | None = None


class DeskLine(Body):
    """A desk: one specialty at one hospital that answers."""

    kind: Literal["desk"]
    key: Key
    hospital: Key
    specialty: Code
    name: Name
    phone: Label | None = None
    active: bool = True


class PersonLine(Body):
    """An account. The file holds no password: each person gets one from `hoichan account reset`."""

    kind: Literal["person"]
    username: Key
    name: Name
    role: Role
    hospital: Key | None = None
    ward: Key | None = None
    specialties: list[Code] = Field(default_factory=list)
    licence: Label | None = None
    phone: Label | None = None
    email: Line | None = None
    capacity: Annotated[int, Field(ge=0, le=1000)] | None = None


class RotationBody(Body):
    """How turns change: at `anchor` + k × `every` units of wall-clock time."""

    unit: Literal["hour", "day", "week"]
    every: Annotated[int, Field(ge=1, le=1000)] = 1
    anchor: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?$")]


class WindowBody(Body):
    """Hours in which a layer is on."""

    days: list[Weekday] = Field(default_factory=list)
    start: Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    end: Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    plus_days: Annotated[int, Field(ge=0, le=31)] | None = None


class LayerBody(Body):
    """Who is usually on in one role; `turns` lists user names."""

    role: RotaRole
    priority: Annotated[int, Field(ge=-1000, le=1000)] = 0
    on: Literal["any", "ordinary", "holiday"] = "any"
    turns: Annotated[list[list[Key]], Field(min_length=1)]
    rotation: RotationBody | None = None
    windows: list[WindowBody] | None = None


class RotaLine(Body):
    """The whole rota of a desk or of a hospital: its layers in the file replace those it had."""

    kind: Literal["rota"]
    desk: Key | None = None
    hospital: Key | None = None
    zone: Zone = HOME_ZONE
    head: Key | None = None
    required_roles: list[RotaRole] = Field(default_factory=list)
    layers: list[LayerBody] = Field(default_factory=list)

    @property
    def possible_roles(self) -> tuple[str, ...]:
        """The roles that a rota of this owner can have."""
        return DESK_ROLES if self.desk is not None else HOSPITAL_ROLES


class HolidayLine(Body):
    """A date that is off although the calendar says otherwise, or is worked; without `hospital`, everywhere."""

    kind: Literal["holiday"]
    day: CalendarDate
    type: Literal["off", "working"]
    as_day: Weekday | None = Field(default=None, alias="as")
    hospital: Key | None = None


class AgreementLine(Body):
    """One specialty that one party answers for another, `from` ≤ t < `to`; without `to` it has no end."""

    kind: Literal["agreement"]
    asking: Key
    answering: Key
    specialty: Code
    rank: Annotated[int, Field(ge=1, le=1000)] = 1
    start: Moment = Field(alias="from")
    end: Moment | None = Field(default=None, alias="to")
    desks: Annotated[list[Key], Field(min_length=1)]
    title: Line = ""


NetworkLine: TypeAlias = Annotated[
    SpecialtyLine
    | DepartmentLine
    | HospitalLine
    | WardLine
    | DeskLine
    | PersonLine
    | RotaLine
    | HolidayLine
    | AgreementLine,
    Field(discriminator="kind"),
]
LINE: Final[TypeAdapter[NetworkLine]] = TypeAdapter(NetworkLine)

KINDS: Final = ("specialty", "department", "hospital", "ward", "desk", "person", "rota", "holiday", "agreement")


# What is wrong with a line, in words

Sentence: TypeAlias = tuple[str, str]

_WORDS: Final[Mapping[str, Sentence]] = {
    "missing": ("Thiếu mục này.", "This is missing."),
    "needed": ("Mục này cần có nội dung.", "This must be filled in."),
    "extra_forbidden": ("Định dạng không có tên này.", "The format does not know this name."),
    "literal_error": ("Phải là một trong: {expected}.", "Must be one of: {expected}."),
    "enum": ("Phải là một trong: {expected}.", "Must be one of: {expected}."),
    "union_tag_invalid": (
        f"Không có loại dòng này. Các loại: {', '.join(KINDS)}.",
        f"There is no such kind of line. The kinds: {', '.join(KINDS)}.",
    ),
    "union_tag_not_found": ("Thiếu kind: dòng này là gì?", "kind is missing: what is this line?"),
    "string_type": ("Phải là chuỗi.", "Must be a string."),
    "int_type": ("Phải là số nguyên.", "Must be a whole number."),
    "int_parsing": ("Phải là số nguyên.", "Must be a whole number."),
    "int_from_float": ("Phải là số nguyên.", "Must be a whole number."),
    "bool_type": ("Phải là true hoặc false.", "Must be true or false."),
    "bool_parsing": ("Phải là true hoặc false.", "Must be true or false."),
    "list_type": ("Phải là danh sách.", "Must be a list."),
    "model_type": ("Phải là đối tượng JSON.", "Must be a JSON object."),
    "model_attributes_type": ("Phải là đối tượng JSON.", "Must be a JSON object."),
    "too_short": ("Cần ít nhất {min_length} mục.", "Needs at least {min_length}."),
    "greater_than_equal": ("Ít nhất là {ge}.", "At least {ge}."),
    "less_than_equal": ("Nhiều nhất là {le}.", "At most {le}."),
    "string_pattern_mismatch": ("Không đúng dạng {pattern}", "Does not have the form {pattern}"),
    "text_too_long": ("Dài {length} ký tự, nhiều nhất {limit}.", "Has {length} characters, at most {limit}."),
    "text_control": ("Ký tự không lưu được: {code}, vị trí {position}.", "Cannot be stored: {code} at {position}."),
    "text_marks": ("Quá nhiều dấu trên một chữ.", "Too many marks on one letter."),
    "date_form": ("Cần một ngày, ví dụ 2024-04-14.", "Needs a date such as 2024-04-14."),
    "time_form": (
        "Cần một ngày (2024-04-14), hoặc ngày giờ có múi giờ.",
        "Needs a date (2024-04-14), or a date and time with a zone.",
    ),
    "time_zone": ("Thiếu múi giờ, ví dụ +07:00.", "The zone is missing, for example +07:00."),
    "zone_form": ("Cần múi giờ IANA, ví dụ Asia/Ho_Chi_Minh.", "Needs an IANA zone such as Asia/Ho_Chi_Minh."),
}
_OTHERWISE: Final = ("Giá trị không dùng được.", "This value cannot be used.")


def in_words(error: Mapping[str, Any]) -> Sentence:
    """Say what is wrong with a field; `error` is one entry of `ValidationError.errors()`."""
    ctx = {name: str(value) for name, value in (error.get("ctx") or {}).items()}
    vi, en = _WORDS.get(str(error["type"]), _OTHERWISE)
    return vi.format(**ctx), en.format(**ctx)


def path(loc: Sequence[str | int]) -> str:
    """Where in the line, dotted, without the kind that Pydantic puts in front."""
    inside = loc[1:] if loc and loc[0] in KINDS else loc
    return ".".join(str(part) for part in inside) or "kind"
