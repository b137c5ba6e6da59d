"""Passwords: kept as Argon2id, checked in threads, and refused when they are the first that anybody would try.

The parameters are pwdlib's, which are the second recommended option of RFC 9106 (64 MiB, 3 passes): about a fifth of a
second of one core. Few are hashed at a time, so that a crowd signing in at the change of shift cannot starve a ring.
"""

import asyncio
import os
import re
import secrets
import string
import unicodedata
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import argon2
from pwdlib import PasswordHash
from pwdlib.exceptions import PwdlibError

from app.errors import Invalid

LEAST: Final = 12
MOST: Final = 256
AT_ONCE: Final = max(1, min(4, (os.cpu_count() or 2) - 1))
"""How many passwords are hashed at a time: one core is left for the calls."""

_HASHER: Final = PasswordHash.recommended()
_THREADS: Final = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="passwords")


@dataclass(frozen=True, slots=True)
class Checked:
    """Whether a password fits; `rehashed` when its hash was made with parameters that are no longer ours."""

    fits: bool
    rehashed: str | None = None


def unusable() -> str:
    """Return a hash that no password fits, and that takes as long to check as any other."""
    salt, digest = (
        b64encode(secrets.token_bytes(length)).rstrip(b"=").decode()
        for length in (argon2.DEFAULT_RANDOM_SALT_LENGTH, argon2.DEFAULT_HASH_LENGTH)
    )
    memory, time, lanes = argon2.DEFAULT_MEMORY_COST, argon2.DEFAULT_TIME_COST, argon2.DEFAULT_PARALLELISM
    return f"$argon2id$v=19$m={memory},t={time},p={lanes}${salt}${digest}"


_NOBODYS: Final = unusable()


async def hash_password(password: str) -> str:
    """Return what may be stored of a password."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _HASHER.hash, _normal(password))


async def check(password: str, hashed: str | None) -> Checked:
    """Compare a password with a stored hash; without one (there is no such account) take as long, and say no."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _check, _normal(password), hashed)


def refuse_weak(password: str, username: str, field: str = "new") -> None:
    """Raise Invalid unless the password is long enough and not one that everybody tries (NIST SP 800-63B, 5.1.1.2)."""
    normal = _normal(password)
    if len(normal) < LEAST:
        raise Invalid(field, f"Cần ít nhất {LEAST} ký tự.", f"At least {LEAST} characters are needed.")
    if len(password) > MOST:
        raise Invalid(field, f"Nhiều nhất {MOST} ký tự.", f"At most {MOST} characters.")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in normal):
        raise Invalid(field, "Có ký tự không gõ lại được.", "It has characters that cannot be typed again.")
    folded = _folded(normal)
    name = _folded(username)
    if folded == name or (len(name) >= _TELLING and name in folded and len(folded.replace(name, "")) < LEAST // 2):
        raise Invalid(field, "Mật khẩu không được là tên đăng nhập.", "The password must not be the user name.")
    if len(set(folded)) < _TELLING or len(set(_EVERYBODYS.sub("", folded))) < _TELLING:
        raise Invalid(field, "Mật khẩu này quá dễ đoán.", "This password is too easy to guess.")


def one_time() -> str:
    """Make a password to be told by telephone and replaced at once: 16 unmistakable characters, 79 bits."""
    letters = [secrets.choice(_UNMISTAKABLE) for _ in range(16)]
    return "-".join("".join(letters[at : at + 4]) for at in range(0, 16, 4))


_UNMISTAKABLE: Final = "".join(sorted(set(string.ascii_lowercase + string.digits) - set("0o1il")))
_TELLING: Final = 4
_EVERYBODYS: Final = re.compile(
    # What remains without these words, digits and signs must still be something of one's own.
    "passwords?|passw0rd|p@ssw0rd|matkhau|admin(istrator)?|qwerty(uiop)?|asdfgh(jkl)?|zxcvbn(m)?|abcdef(gh)?|letmein|"
    "welcome|iloveyou|hoichan|benhvien|bacsi|dieuduong|capcuu|bachmai|vietnam|vietnamese|hanoi|saigon|hospital|doctor|"
    "consultation|hotline|xinchao|anhyeuem|emyeuanh|khongbiet|abc|xyz|[^a-z]"
)


def _check(password: str, hashed: str | None) -> Checked:
    try:
        fits, rehashed = _HASHER.verify_and_update(password, hashed or _NOBODYS)
    except PwdlibError:
        # The stored text is no hash of ours: as if there were no account.
        _HASHER.verify(password, _NOBODYS)
        return Checked(fits=False)
    return Checked(fits and hashed is not None, rehashed)


def _normal(password: str) -> str:
    """One form for what looks the same, whatever keyboard it was typed on; a lone surrogate fits no password."""
    return unicodedata.normalize("NFC", password[: 2 * MOST].encode("utf-8", "replace").decode())


def _folded(text: str) -> str:
    """Without case and tone marks: «Mật khẩu» is «matkhau»."""
    bare = "".join(c for c in unicodedata.normalize("NFD", text.casefold()) if not unicodedata.combining(c))
    return "".join(bare.replace("đ", "d").split())
