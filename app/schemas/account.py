"""Signing in, and what the signed-in account is told about itself."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.models.user import Role
from app.schemas.body import Body

Password = Annotated[str, Field(min_length=1, max_length=256, repr=False)]
Username = Annotated[str, Field(min_length=1, max_length=120)]


class SignIn(Body):
    """Open a browser session."""

    username: Username = Field(description="Case and white space around it do not count")
    password: Password

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"username": "tn-capcuu-1", "password": "ga-sen-tre-nui-mua-42"}]}
    )


class TokenForm(BaseModel):
    """The password form of OAuth 2 (RFC 6749, 4.3): what a program sends to get a token."""

    username: Username
    password: Password
    grant_type: Literal["password"] | None = None
    scope: str = ""
    client_id: str | None = None
    client_secret: str | None = Field(None, repr=False)

    model_config = ConfigDict(
        hide_input_in_errors=True,
        json_schema_extra={
            "examples": [
                {"grant_type": "password", "username": "tn-capcuu-1", "password": "ga-sen-tre-nui-mua-42"},
            ]
        },
    )


class TokenRead(BaseModel):
    """A bearer token; it is shown once and can be revoked at once."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 (the kind of token, not a secret)
    expires_in: int = Field(description="Seconds")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "access_token": "lDrQq0aWnW3tP1bXyT8m1zHq6vJcE2uR9sKfG4hN7oA",
                    "token_type": "bearer",
                    "expires_in": 43200,
                }
            ]
        }
    )


class PasswordChange(Body):
    """Replace one's own password."""

    current: Password
    new: Password = Field(description="At least 12 characters, not the user name, not one that everybody tries")

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"current": "k7mq-x3rd-9wpt-2hvn", "new": "mưa rào trên mái tôn cũ"}]}
    )


class DeskDutyRead(BaseModel):
    """A desk where I am on duty now."""

    desk: UUID
    desk_name: str
    specialty: str
    roles: list[str]
    until: datetime = Field(description="When the last of these duties ends, UTC")


class MeRead(BaseModel):
    """The signed-in account."""

    id: UUID
    username: str
    name: str
    role: Role
    hospital: UUID | None
    hospital_name: str | None
    ward: UUID | None
    ward_name: str | None
    ward_phone: str | None
    licence: str | None
    phone: str | None
    specialties: list[str] = Field(description="Codes that I may take responsibility in")
    desks: list[DeskDutyRead] = Field(description="Where I am on duty now")
    board: list[UUID] = Field(description="Hospitals whose board I may watch on the stream")
    must_change_password: bool = Field(description="Nothing but a new password and signing out is possible")
    demo: bool = Field(description="Not for patients")
    server_time: datetime = Field(description="UTC")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "019aa1c2-5f00-7000-8000-000000000101",
                    "username": "bm-timmach-1",
                    "name": "BS trực Tim mạch 1",
                    "role": "specialist",
                    "hospital": "019aa1c2-5f00-7000-8000-000000000001",
                    "hospital_name": "BV Bạch Mai",
                    "ward": None,
                    "ward_name": None,
                    "ward_phone": None,
                    "licence": "000101/DEMO-CCHN",
                    "phone": "024 000 101",
                    "specialties": ["K04"],
                    "desks": [
                        {
                            "desk": "019aa1c2-5f00-7000-8000-000000000011",
                            "desk_name": "Bàn trực Tim mạch",
                            "specialty": "K04",
                            "roles": ["primary", "red_team"],
                            "until": "2026-11-24T00:00:00Z",
                        }
                    ],
                    "board": [],
                    "must_change_password": False,
                    "demo": True,
                    "server_time": "2026-11-23T20:08:20Z",
                }
            ]
        }
    )


class ColleagueRead(BaseModel):
    """A requesting doctor of the caller's ward."""

    user: UUID
    name: str
    online: bool = Field(description="Whether a device of theirs is connected now")


class ColleagueList(BaseModel):
    """Everybody of the ward who may answer for its cases, the caller included, by name."""

    items: list[ColleagueRead]

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "user": "019aa1c2-5f00-7000-8000-000000000201",
                            "name": "BS Khoa Cấp cứu 1",
                            "online": True,
                        }
                    ]
                }
            ]
        }
    )
