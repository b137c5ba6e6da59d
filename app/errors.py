"""Named errors of the house: what went wrong, in both languages, and the HTTP status that says so.

Only `routers/problems.py` knows the wire format (RFC 9457). A template's braces are filled from the error's arguments,
which also travel as extra members of the problem.
"""

from typing import Any, ClassVar


class Problem(Exception):
    """Something a caller must be told. `type` is stable; the sentences may change."""

    status: ClassVar[int] = 400
    type: ClassVar[str] = "bad-request"
    title: ClassVar[tuple[str, str]] = ("Yêu cầu không hợp lệ", "Bad request")
    detail: ClassVar[tuple[str, str]] = ("", "")
    retry_after: ClassVar[int | None] = None

    def __init__(self, **extra: Any) -> None:
        """Keep what fills the sentence; values must be ready for JSON."""
        self.extra = extra
        super().__init__(self.type)

    def sentence(self, language: str) -> tuple[str, str]:
        """Return title and detail in `vi` or `en`."""
        index = 1 if language == "en" else 0
        return self.title[index], self.detail[index].format_map(_Blank(self.extra))


class _Blank(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "…"


class NotFound(Problem):
    """Absent, or not for this caller: the same answer."""

    status = 404
    type = "not-found"
    title = ("Không tìm thấy", "Not found")
    detail = ("Không có mục này, hoặc bạn không được xem.", "There is no such item, or it is not yours to see.")


class Unauthenticated(Problem):
    """No valid session or token."""

    status = 401
    type = "unauthenticated"
    title = ("Phiên làm việc đã kết thúc", "Your session has ended")
    detail = ("Đăng nhập để tiếp tục.", "Sign in to continue.")


class WrongCredentials(Problem):
    """User name and password do not match; says no more than that."""

    status = 401
    type = "wrong-credentials"
    title = ("Chưa đăng nhập được", "Not signed in")
    detail = ("Tên đăng nhập hoặc mật khẩu chưa đúng.", "User name or password is not right.")


class Forbidden(Problem):
    """The caller may know of the thing, but not do this to it."""

    status = 403
    type = "forbidden"
    title = ("Không được phép", "Not allowed")
    detail = ("Tài khoản của bạn không làm được việc này.", "Your account cannot do this.")


class PasswordChangeNeeded(Problem):
    """A one-time password must be replaced before anything else."""

    status = 403
    type = "password-change-needed"
    title = ("Đổi mật khẩu trước", "Change the password first")
    detail = (
        "Mật khẩu này dùng một lần. Đặt mật khẩu mới để tiếp tục.",
        "This password is for one use. Set a new one to go on.",
    )


class CrossSite(Problem):
    """A browser command that did not come from our own page."""

    status = 403
    type = "cross-site"
    title = ("Yêu cầu từ trang lạ", "Request from another site")
    detail = (
        "Lệnh bằng phiên trình duyệt phải đến từ chính trang này.",
        "Commands with a browser session must come from this site's own page.",
    )


class InsecureTransport(Problem):
    """A cookie session over plain HTTP from another machine."""

    status = 403
    type = "insecure-transport"
    title = ("Cần kết nối an toàn", "A secure connection is needed")
    detail = (
        "Chỉ mở phiên trình duyệt qua https, hoặc trên chính máy chủ.",
        "Browser sessions are opened over https only, or on the server itself.",
    )


class TooManyAttempts(Problem):
    """Too many failed sign-ins from here for this account, or from this address."""

    status = 429
    type = "too-many-attempts"
    title = ("Thử lại sau", "Try again later")
    detail = ("Sai quá nhiều lần. Thử lại sau {retry_s} giây.", "Too many failures. Try again in {retry_s} seconds.")


class KeyMissing(Problem):
    """A command without an Idempotency-Key."""

    status = 400
    type = "idempotency-key-missing"
    title = ("Thiếu Idempotency-Key", "Idempotency-Key is missing")
    detail = (
        "Mỗi lệnh cần tiêu đề Idempotency-Key (1 đến 200 ký tự ASCII).",
        "Every command needs an Idempotency-Key header (1 to 200 printable ASCII characters).",
    )


class KeyReused(Problem):
    """The same key with another command."""

    status = 422
    type = "idempotency-key-reused"
    title = ("Idempotency-Key đã dùng", "Idempotency-Key was used before")
    detail = ("Khóa này thuộc một lệnh khác.", "This key belongs to another command.")


class Invalid(Problem):
    """Bad input that only the service can see; names the fields."""

    status = 422
    type = "invalid"
    title = ("Còn mục cần sửa", "Something needs correcting")
    detail = ("{count} mục cần sửa.", "{count} to correct.")

    def __init__(self, field: str, vi: str, en: str) -> None:
        """Name the field and say what is wrong, in both languages."""
        super().__init__(count=1)
        self.errors = [(field, vi, en)]

    @classmethod
    def all(cls, errors: list[tuple[str, str, str]]) -> "Invalid":
        """Name several fields at once; `errors` must not be empty."""
        problem = cls(*errors[0])
        problem.extra["count"] = len(errors)
        problem.errors = errors
        return problem


class Stale(Problem):
    """An edit against a version that is not the present one any more."""

    status = 412
    type = "stale"
    title = ("Vừa được người khác sửa", "Somebody else has just edited this")
    detail = (
        "Nay là phiên bản {version}. Mở lại, xem thay đổi rồi lưu.",
        "It is at version {version} now. Open it again, look at what changed, and save.",
    )
    by: ClassVar[tuple[str, str]] = ("{by_name} vừa sửa. ", "{by_name} has just edited it. ")

    def __init__(self, *, version: int, by_name: str | None, **extra: Any) -> None:
        """Name the present version, and who made it; None where nobody did by name (a network file)."""
        super().__init__(version=version, by_name=by_name, **extra)

    def sentence(self, language: str) -> tuple[str, str]:
        """Say who it was, where that is known."""
        title, detail = super().sentence(language)
        if self.extra.get("by_name"):
            detail = self.by[1 if language == "en" else 0].format_map(self.extra) + detail
        return title, detail


class InTheWay(Problem):
    """What may not overlap would overlap; says with what."""

    status = 409
    type = "in-the-way"
    title = ("Trùng với mục đã có", "Something is in the way")
    detail = (
        "{who}: đã có mục cùng loại từ {from_local} đến {to_local}. Sửa mục đó, hoặc xóa trước.",
        "{who}: there is one of the same kind already, from {from_local} to {to_local}. Edit or delete that.",
    )


class NotOnThisRota(Problem):
    """The doctor may not be on this rota."""

    status = 409
    type = "not-on-this-rota"
    title = ("Không trực được ở đây", "Cannot be on duty here")
    detail = (
        "{doctor_name} không thuộc bệnh viện, không có chuyên khoa hoặc không giữ được vai trò này.",
        "{doctor_name} is not of this hospital, lacks the specialty, or cannot have this role.",
    )


class NotFree(Problem):
    """The doctor is on duty or on leave at that time."""

    status = 409
    type = "not-free"
    title = ("Không rảnh vào giờ đó", "Not free at that time")
    detail = (
        "{doctor_name} đã có ca trực hoặc nghỉ phép từ {from_local} đến {to_local}.",
        "{doctor_name} is on duty or on leave from {from_local} to {to_local}.",
    )


class DutyMoved(Problem):
    """The duty that is to be swapped is not that doctor's any more."""

    status = 409
    type = "duty-moved"
    title = ("Ca trực đã đổi", "The duty has moved")
    detail = (
        "{doctor_name} không còn giữ trọn ca từ {from_local} đến {to_local}.",
        "{doctor_name} does not hold the whole duty from {from_local} to {to_local} any more.",
    )


class SwapWithoutEffect(Problem):
    """What stands above swaps (an override, a temporary rota) would leave the duty where it is, or to nobody."""

    status = 409
    type = "swap-without-effect"
    title = ("Đổi trực sẽ không có hiệu lực", "The swap would have no effect")
    detail = (
        "Ca từ {from_local} đến {to_local} do một thay đổi riêng hoặc lịch tạm định: nhờ người phụ trách lịch đổi.",
        "A change of its own or a temporary rota decides the duty from {from_local} to {to_local}: ask its head.",
    )


class NoLongerOpen(Problem):
    """A swap or a leave that was answered already, or has begun."""

    status = 409
    type = "no-longer-open"
    title = ("Đã có kết quả", "Already answered")
    detail = ("Mục này {state_words}.", "This {state_words}.")


class ImportRefused(Problem):
    """A file with errors: nothing of it was imported; `errors` lists them by line."""

    status = 422
    type = "import-refused"
    title = ("Chưa nhập được", "Not imported")
    detail = (
        "Chưa có gì được nhập. Sửa từng dòng rồi gửi lại.",
        "Nothing was imported. Correct each line and send it again.",
    )


class Taken(Problem):
    """Somebody else holds the case."""

    status = 409
    type = "taken"
    title = ("Đã có người nhận trước", "Someone else accepted first")
    detail = ("{holder_name} đã tiếp nhận lúc {at_local}.", "{holder_name} accepted at {at_local}.")


class WrongState(Problem):
    """The case is not in a state in which this can be done."""

    status = 409
    type = "wrong-state"
    title = ("Không làm được lúc này", "Not possible now")
    detail = ("Ca đang ở trạng thái «{status}».", "The case is «{status}».")


class NotRinging(WrongState):
    """Nothing rings for this doctor in this case."""

    type = "not-ringing"
    detail = ("Ca này không còn đổ chuông cho bạn.", "This case no longer rings for you.")


class NotEligible(Problem):
    """The doctor may not take responsibility in this specialty, or the duty has ended."""

    status = 409
    type = "not-eligible"
    title = ("Không tiếp nhận được", "Cannot accept")
    detail = (
        "Cần bác sĩ có chuyên khoa {specialty_vi}. Hãy phân công người khác.",
        "A doctor with the specialty {specialty_en} is needed. Assign somebody else.",
    )


class AtCapacity(Problem):
    """The doctor holds as many cases as they can; a red or orange case is taken all the same."""

    status = 409
    type = "at-capacity"
    title = ("Đang giữ đủ số ca", "You hold as many cases as you can")
    detail = (
        "Bạn đang giữ {held} ca, tối đa {capacity}. Kết luận hoặc bàn giao một ca trước; ca này vẫn chờ bạn.",
        "You hold {held} cases, at most {capacity}. Conclude one or hand one over first; this one waits for you.",
    )


class NotForward(Problem):
    """A ladder goes up only: the step asked for has been reached already."""

    status = 409
    type = "not-forward"
    title = ("Nấc này đã qua", "This step has been reached already")
    detail = ("Đang ở nấc {step}. Chỉ chuyển lên nấc sau.", "It is at step {step}. Only later steps can be taken.")


class MustAct(Problem):
    """A coordinator cannot silence a case that nobody holds, or whose holder says nothing."""

    status = 409
    type = "must-act"
    title = ("Ca đang chờ bác sĩ", "The case waits for a doctor")
    detail = (
        "Điều phối viên không từ chối được: hãy phân công một bác sĩ.",
        "A coordinator cannot decline: assign a doctor.",
    )


class Confirmed(Problem):
    """A conversation by telephone that was confirmed already."""

    status = 409
    type = "confirmed"
    title = ("Đã xác nhận rồi", "Confirmed already")
    detail = ("{by_name} đã xác nhận cuộc gọi này.", "{by_name} has confirmed this call.")


class NotADrill(Problem):
    """Only a drill can turn out to be real."""

    status = 409
    type = "not-a-drill"
    title = ("Ca này là thật", "This case is real")
    detail = ("Ca này không phải diễn tập.", "This case is no drill.")


class CheckOver(Problem):
    """«Are you there?» about a duty that has ended."""

    status = 409
    type = "check-over"
    title = ("Ca trực đã hết", "This duty is over")
    detail = ("Không còn gì phải trả lời.", "There is nothing left to answer.")


class NotByEmail(Problem):
    """An answer to «are you there?» that proves only that an e-mail was read somewhere."""

    status = 409
    type = "not-by-email"
    title = ("E-mail chưa đủ", "E-mail is not enough")
    detail = (
        "Trả lời trong ứng dụng, bằng phím khi có cuộc gọi, hoặc bằng liên kết trong tin nhắn.",
        "Answer in the application, by a key in the call, or by the link in the text message.",
    )


class AgreementOverlaps(Problem):
    """Two agreements of the same two parties for one specialty at one time."""

    status = 409
    type = "agreement-overlaps"
    title = ("Trùng thời hạn", "The terms overlap")
    detail = (
        "Hai bên đã có thỏa thuận cho {specialty} từ {since} đến {until}: «{named}».",
        "The two parties have an agreement for {specialty} from {since} to {until}: “{named}”.",
    )


class AgreementEnded(Problem):
    """What has ended is not changed any more."""

    status = 409
    type = "agreement-ended"
    title = ("Thỏa thuận đã hết hạn", "The agreement has ended")
    detail = ("Lập thỏa thuận mới thay vì sửa thỏa thuận cũ.", "Make a new one instead of changing the old one.")


class NoAgreement(Problem):
    """A routine request outside any agreement."""

    status = 409
    type = "no-agreement"
    title = ("Chưa có thỏa thuận", "No agreement")
    detail = (
        "Bệnh viện chưa có thỏa thuận cho chuyên khoa này. Có thể hỏi: {could_ask}.",
        "Your hospital has no agreement for this specialty. You could ask: {could_ask}.",
    )


class NobodyToRing(Problem):
    """There is no desk and no coordinator to ring: telephone."""

    status = 409
    type = "nobody-to-ring"
    title = ("Không có bàn trực nào để gọi", "No desk to ring")
    detail = (
        "Gọi điện thoại theo danh bạ. Yêu cầu chưa được gửi.",
        "Use the telephone list. The request was not sent.",
    )


class TooLarge(Problem):
    """More than this house reads at once."""

    status = 413
    type = "too-large"
    title = ("Nội dung quá lớn", "The body is too large")
    detail = ("Tối đa {limit} byte.", "At most {limit} bytes.")


class DatabaseAway(Problem):
    """The database does not answer. A commit whose answer was lost may be stored; only asking again tells."""

    status = 503
    type = "unavailable"
    title = ("Máy chủ tạm gián đoạn", "Temporarily unavailable")
    detail = (
        "Chưa rõ đã lưu hay chưa. Máy sẽ gửi lại với cùng khóa, không lưu hai lần. Gấp thì gọi điện thoại.",
        "It may or may not have been stored. Send it again with the same key. If it is urgent, telephone.",
    )
    retry_after = 2
