"""Accounts: made, given a new password, changed by their owner, and closed.

Each change is a fact in the account's chain.
An account is never deleted: its name stands in cases. Deactivating ends its sessions and its duty with the same commit.
What changes duty locks as everybody does: cases, then rotas, then the account, and all chains at once at the end.
"""

import re
from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.errors import Invalid, Unauthenticated
from app.identifiers import new_id
from app.models.desk import Desk
from app.models.event import StreamHead
from app.models.organization import Organization, OrganizationKind, Ward
from app.models.specialty import Specialty
from app.models.user import Role, User, UserSpecialty
from app.policy import Action, allow, readable_stream
from app.schemas.account import DeskDutyRead, MeRead
from app.services.cases import departures
from app.services.facts.events import record_about
from app.services.people import passwords
from app.services.people.sessions import revoke
from app.services.people.sign_in import Attempt, Guard, account_name
from app.services.rostering.duty import compile_duty, duty_of_doctor
from app.services.rostering.duty_watch import after_compile
from app.services.rostering.gaps import Said
from app.services.rostering.rota_people import all_rotas, lock_rotas, rotas_of
from app.work import Work

CHANGED: Final = "account.changed"


class AccountError(ValueError):
    """An account cannot be made or changed as asked; says why in both languages."""

    def __init__(self, vi: str, en: str) -> None:
        """Keep the sentence for the command line."""
        super().__init__(f"{vi} / {en}")


async def me(work: Work, *, demo: bool) -> MeRead:
    """Who I am, where I am on duty now, and which boards I may watch."""
    allow(work, Action.MANAGE_OWN_ACCOUNT)
    subject = work.subject
    return MeRead(
        id=subject.id,
        username=subject.username,
        name=subject.name,
        role=Role(subject.role),
        hospital=subject.hospital_id,
        hospital_name=subject.hospital_name,
        ward=subject.ward_id,
        ward_name=subject.ward_name,
        ward_phone=subject.ward_phone,
        licence=subject.licence,
        phone=subject.phone,
        specialties=sorted(subject.specialties),
        desks=await _desks_now(work),
        board=[
            hospital
            for hospital in (subject.hospital_id,)
            if hospital is not None and readable_stream(subject, f"hospital:{hospital}")
        ],
        must_change_password=subject.must_change_password,
        demo=demo,
        server_time=work.now,
    )


async def change_password(work: Work, guard: Guard, current: str, new: str, address: str) -> None:
    """Replace one's own password, and end one's other sessions with the same commit.

    Raises Invalid (the present password is wrong, or the new one is no good), TooManyAttempts, and Unauthenticated when
    the account was changed meanwhile.
    """
    allow(work, Action.MANAGE_OWN_ACCOUNT)
    subject = work.subject
    old = await work.session.scalar(select(User.password_hash).where(User.id == subject.id, User.active))
    # As in signing in: no connection is held while passwords are hashed.
    await work.session.rollback()
    passwords.refuse_weak(new, subject.username)
    attempt = Attempt(f"password of {subject.id}", address)
    async with guard.turn(attempt):
        if not (await passwords.check(current, old)).fits:
            guard.failed(attempt)
            raise Invalid("current", "Mật khẩu hiện tại chưa đúng.", "The present password is not right.")
    if (await passwords.check(new, old)).fits:
        raise Invalid("new", "Mật khẩu mới phải khác mật khẩu cũ.", "The new password must differ from the old one.")
    hashed = await passwords.hash_password(new)
    replaced = await work.session.scalar(
        update(User)
        .where(User.id == subject.id, User.active, User.password_hash == old)
        .values(password_hash=hashed, must_change_password=False)
        .returning(User.id)
    )
    if replaced is None:
        raise Unauthenticated
    await revoke(work, subject.id, but=subject.session_id)
    await _record(work, subject.id, "password_changed")


async def tell_of_sign_out_everywhere(work: Work, sessions: int) -> None:
    """Record that somebody ended all their sessions: a reason to ask whether a device was lost."""
    await _record(work, work.subject.id, "signed_out_everywhere", sessions=sessions)


async def tell_of_channels(work: Work, kinds: Collection[str]) -> None:
    """Record how somebody wants to be reached from now on: the kinds, never an address."""
    await _record(work, work.subject.id, "channels_changed", kinds=list(kinds))


async def add_account(
    work: Work,
    username: str,
    name: str,
    role: str,
    hospital: str | None = None,
    *,
    ward: str | None = None,
    specialties: Collection[str] = (),
) -> str:
    """Make an account and return its one-time password, which must be changed at the first sign-in.

    `hospital` and `ward` are keys of the network file; everybody but the platform's operator belongs to a hospital.
    Licence and telephone come with the network file, by the same user name.
    Raises AccountError.
    """
    username = account_name(username)
    if not _USERNAME.fullmatch(username):
        raise AccountError(
            f"Tên đăng nhập «{username}» không dùng được: chữ thường, số và . _ - ở giữa, nhiều nhất 64 ký tự.",
            f"User name '{username}' cannot be used: lower-case letters, digits and . _ - inside, at most 64.",
        )
    if role not in set(Role):
        raise AccountError(f"Không có vai trò «{role}».", f"There is no role '{role}'.")
    if await work.session.scalar(select(User.id).where(func.lower(User.username) == username)):
        raise AccountError(f"Đã có tài khoản «{username}».", f"Account '{username}' exists already.")
    password = passwords.one_time()
    user = User(
        id=new_id(work.now),
        username=username,
        password_hash=await passwords.hash_password(password),
        must_change_password=True,
        name=" ".join(name.split()) or username,
        role=role,
        hospital_id=await _hospital(work, role, hospital),
        ward_id=None,
        licence=None,
        phone=None,
        email=None,
        active=True,
        demo=False,
        created_at=work.now,
    )
    user.ward_id = await _ward(work, ward, user.hospital_id)
    codes = await _codes(work, role, specialties)
    work.session.add(user)
    await work.session.flush()
    work.session.add_all(UserSpecialty(user_id=user.id, specialty=code) for code in codes)
    await work.session.flush()
    await _record(work, user.id, "created", username=username, role=role, hospital=user.hospital_id)
    return password


async def reset_account(work: Work, username: str, *, reactivate: bool = False) -> str:
    """Give an account a new one-time password, end its sessions, and return the password. Raises AccountError."""
    if reactivate:
        await lock_rotas(work, await all_rotas(work))
    user = await _locked(work, username)
    if not user.active and not reactivate:
        raise AccountError(f"Tài khoản «{username}» đã ngừng.", f"Account '{username}' is deactivated.")
    back, user.active = not user.active, True
    password = passwords.one_time()
    user.password_hash = await passwords.hash_password(password)
    user.must_change_password = True
    await work.session.flush()
    await revoke(work, user.id)
    if back:
        await compile_duty(work)
        await after_compile(work, await rotas_of(work, user.id), [await _fact(work, user.id, "reactivated")])
    else:
        await _record(work, user.id, "password_reset")
    return password


async def deactivate_account(work: Work, username: str) -> None:
    """Close an account: no sign-in, no session, no socket and no duty after this commit. Raises AccountError."""
    await departures.lock_cases(work, (await _named(work, username)).id)
    await lock_rotas(work, await all_rotas(work))
    user = await _locked(work, username)
    if not user.active:
        raise AccountError(
            f"Tài khoản «{username}» đã ngừng từ trước.", f"Account '{username}' is deactivated already."
        )
    user.active = False
    await work.session.flush()
    await revoke(work, user.id)
    work.barred.append(("user", str(user.id)))
    await compile_duty(work)
    await departures.release(work, user.id)
    await after_compile(work, await rotas_of(work, user.id), [await _fact(work, user.id, "deactivated")])


_USERNAME: Final = re.compile(r"[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?")


async def _desks_now(work: Work) -> list[DeskDutyRead]:
    duties = await duty_of_doctor(work, work.subject.id, work.now)
    desks = await work.session.scalars(select(Desk).where(Desk.id.in_({duty.owner_id for duty in duties})))
    found = []
    for desk in sorted(desks, key=lambda desk: desk.name):
        here = [duty for duty in duties if duty.owner_id == desk.id]
        found.append(
            DeskDutyRead(
                desk=desk.id,
                desk_name=desk.name,
                specialty=desk.specialty,
                roles=[duty.role for duty in here],
                until=max(duty.end for duty in here),
            )
        )
    return found


async def _hospital(work: Work, role: str, key: str | None) -> UUID | None:
    if key is None:
        if role == Role.OPERATOR:
            return None
        raise AccountError(f"Vai trò «{role}» cần bệnh viện.", f"Role '{role}' needs a hospital.")
    if role == Role.OPERATOR:
        raise AccountError("Người vận hành không thuộc bệnh viện nào.", "An operator belongs to no hospital.")
    found = await work.session.scalar(
        select(Organization.id).where(Organization.key == key, Organization.kind == OrganizationKind.HOSPITAL)
    )
    if found is None:
        raise AccountError(f"Không có bệnh viện «{key}».", f"There is no hospital '{key}'.")
    return found


async def _ward(work: Work, key: str | None, hospital_id: UUID | None) -> UUID | None:
    if key is None:
        return None
    found = await work.session.scalar(select(Ward.id).where(Ward.key == key, Ward.hospital_id == hospital_id))
    if found is None:
        raise AccountError(f"Bệnh viện này không có khoa «{key}».", f"This hospital has no ward '{key}'.")
    return found


async def _codes(work: Work, role: str, specialties: Collection[str]) -> list[str]:
    codes = sorted(set(specialties))
    if role == Role.SPECIALIST and not codes:
        raise AccountError("Bác sĩ hội chẩn cần chuyên khoa.", "A specialist needs at least one specialty.")
    known = set(await work.session.scalars(select(Specialty.code).where(Specialty.code.in_(codes))))
    for code in codes:
        if code not in known:
            raise AccountError(f"Không có chuyên khoa {code}.", f"There is no specialty {code}.")
    return codes


async def _named(work: Work, username: str, *, lock: bool = False) -> User:
    chosen = select(User).where(func.lower(User.username) == account_name(username))
    if lock:  # not its key: a case that rings this account refers to it meanwhile and waits for nothing
        chosen = chosen.with_for_update(key_share=True).execution_options(populate_existing=True)
    user = await work.session.scalar(chosen)
    if user is None:
        raise AccountError(f"Không có tài khoản «{username}».", f"There is no account '{username}'.")
    return user


async def _locked(work: Work, username: str) -> User:
    return await _named(work, username, lock=True)


async def _fact(work: Work, user_id: UUID, change: str, **data: object) -> Said:
    """A change of an account, to be recorded; the chain begins with the account."""
    chain = f"user:{user_id}"
    row = {"name": chain, "head": 0, "chain_seq": 0, "chain_hash": b""}
    await work.session.execute(insert(StreamHead).values(row).on_conflict_do_nothing())
    return chain, CHANGED, {"user": user_id, "change": change, **data}


async def _record(work: Work, user_id: UUID, change: str, **data: object) -> None:
    await record_about(work, *await _fact(work, user_id, change, **data))
