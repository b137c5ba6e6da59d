"""The rehearsal: what it makes of real rows, that it notices loss and doubling, and one run against a real server."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.config import Settings
from app.rehearsal import rehearse
from app.rehearsal.company import Account, cast, read_accounts
from app.rehearsal.ears import Ears, Envelope
from app.rehearsal.specialties import suggest
from app.rehearsal.stories import Story, choose_stories
from app.rehearsal.visits import Visit, read_visits
from tests.conftest import a_copy
from tests.hotline import load, open_hotline

SAMPLE = Path(__file__).parent.parent / "bench" / "data" / "visits.csv"
NOW = datetime(2026, 11, 24, 3, 2, tzinfo=UTC)


def visit(**cells: str) -> Visit:
    return Visit("7", {"Diagnosis in ED": "Unstable angina", "KTAS_expert": "2", **cells})


def test_the_sample_has_every_quirk_of_the_full_table() -> None:
    visits = read_visits(SAMPLE)
    assert len(visits) >= 30
    assert {v.urgency for v in visits} == {"red", "orange", "yellow", "green"}
    cells = {(column, value) for v in visits for column, value in v.cells.items()}
    assert ("NRS_pain", "#BOÞ!") in cells
    assert ("Saturation", "") in cells
    assert {column for column, value in cells if "??" in value} >= {"SBP", "HR", "RR", "BT", "Chief_complain"}
    assert (SAMPLE.parent / "ATTRIBUTION.md").read_text("utf-8").count("CC BY 4.0")


def test_a_missing_cell_is_left_out_and_a_garbled_one_is_sent_for_the_server_to_refuse() -> None:
    body = visit(SBP="??", HR="98", BT="36,6", Saturation="", Mental="2", Sex="1", Age="71").request(
        specialty="K04", label="DT-7", now=NOW
    )
    [vitals] = body["vitals"]
    assert vitals["systolic"] == "??"
    assert vitals["temperature"] == "36,6"
    assert vitals["consciousness"] == "voice"
    assert "spo2" not in vitals
    assert body["patient"] == {"label": "DT-7", "age_years": "71", "sex": "female"}


def test_a_column_that_was_refused_is_left_out_of_the_second_try() -> None:
    body = visit(SBP="??", HR="98").request(specialty="K04", label="DT-7", now=NOW, without=frozenset({"SBP"}))
    assert set(body["vitals"][0]) == {"taken_at", "pulse"}


def test_a_row_without_a_word_asks_nothing() -> None:
    empty = Visit("9", {"Diagnosis in ED": "", "Chief_complain": "?? ???", "NRS_pain": "#BOÞ!"})
    assert empty.request(specialty="K03", label="DT-9", now=NOW)["question"] == ""
    assert dict(empty.useless()) == {"Chief_complain": "?? ???", "NRS_pain": "#BOÞ!"}


@pytest.mark.parametrize("delimiter", [";", ","])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_the_file_is_read_however_it_was_exported(tmp_path: Path, delimiter: str, encoding: str) -> None:
    file = tmp_path / "visits.csv"
    with file.open("w", encoding=encoding, newline="") as out:
        rows = csv.writer(out, delimiter=delimiter)
        rows.writerow(["Chief_complain", "NRS_pain", "BT"])
        rows.writerow(["chest pain, Lt", "#BOÞ!", "36,6"])
        rows.writerow(["", "", ""])
    [only] = read_visits(file)
    assert only.cells == {"Chief_complain": "chest pain, Lt", "NRS_pain": "#BOÞ!", "BT": "36,6"}
    assert only.row == "2"


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="no column"):
        read_visits(file)


@pytest.mark.parametrize(
    ("diagnosis", "complaint", "code"),
    [
        ("Acute myocardial infarction", "chest pain", "K04"),
        ("Cerebral infarction due to thrombosis of middle cerebral artery", "Lt. side weakness", "STROKE"),
        ("Fracture of surgical neck of humerus, closed", "arm pain", "K24"),
        ("", "abd pain", "K05"),
        ("Illness NOS", "nothing known", "K03"),
    ],
)
def test_words_suggest_a_specialty(diagnosis: str, complaint: str, code: str) -> None:
    assert suggest(diagnosis, complaint, urgent=False)[0] == code


def test_a_visit_goes_to_the_best_specialty_that_anyone_may_ask() -> None:
    one, two = (_account(f"bs-{n}", may_ask=codes) for n, codes in enumerate((["K03"], ["K03", "K05"])))
    parts = cast([visit(), visit(**{"Diagnosis in ED": "Acute gastritis"}), visit()], [one, two])
    assert [(code, asker.username) for code, asker in parts] == [("K03", "bs-0"), ("K05", "bs-1"), ("K03", "bs-1")]


def test_the_same_seed_tells_the_same_stories_and_some_drop_off_the_network() -> None:
    stories = choose_stories(400, seed=5)
    assert stories == choose_stories(400, seed=5) != choose_stories(400, seed=6)
    assert set(stories) == set(Story)
    assert stories.count(Story.DROPPED) == 10


def test_a_gap_and_a_double_are_noticed() -> None:
    heard: list[int] = []
    ears = Ears("http://127.0.0.1:1", "token", lambda e, _: heard.append(e["n"]), lambda *_: None)
    for n in (1, 2, 2, 5):
        ears._take(_event(n), 0.0)
    assert heard == [1, 2, 5]
    assert len(ears.heard.gaps) == 1
    assert len(ears.heard.doubles) == 1


def test_what_was_on_its_way_when_the_network_broke_is_asked_for_again() -> None:
    ears = Ears("http://127.0.0.1:1", "token", lambda e, _: ears.drop(60.0) if e["n"] == 2 else None, lambda *_: None)
    for n in (1, 2, 3):
        ears._take(_event(n), 0.0)
    assert ears.cursors == {"user:1": ("e", 1)}


def test_accounts_that_are_not_there_are_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="make run"):
        read_accounts(tmp_path / "demo-accounts.json")


async def test_without_a_server_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "accounts.json").write_text("[]")
    code = await rehearse(
        file=SAMPLE,
        url="http://127.0.0.1:1",
        accounts=tmp_path / "accounts.json",
        limit=1,
        rate=5,
        seed=1,
        report=None,
        settings=Settings(database_url=None, data_dir=tmp_path),
    )
    assert code == 2
    assert "make run" in capsys.readouterr().err


async def test_real_visits_go_through_a_real_server_and_nothing_is_lost_or_doubled(
    server_url: str, template: str, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    file = tmp_path / "visits.csv"
    file.write_text(
        "row,Sex,Age,Chief_complain,Mental,SBP,DBP,HR,BT,KTAS_expert,Diagnosis in ED\n"
        "2,2,71,ant. chest pain,1,150,90,88,36.4,2,Unstable angina\n"
        "3,1,66,palpitation,1,??,??,140,36.2,1,Supraventricular tachycardia\n"
        '5,2,58,chest pain,1,120,130,75,"36,6",3,Angina pectoris\n'
    )
    async with a_copy(server_url, template) as url:
        accounts = await load(url, tmp_path, at=now)
        few = [a for a in accounts if a["role"] == "requester" and "K04" in a["may_ask"]][:1]
        few += [a for a in accounts if a["specialty"] == "K04" and a["role"] == "specialist"]
        (tmp_path / "few.json").write_text(json.dumps(few))
        settings = Settings(database_url=url, data_dir=tmp_path, host="127.0.0.1", port=0)
        async with open_hotline(settings, accounts, at=now) as hotline:
            code = await rehearse(
                file=file,
                url=f"http://127.0.0.1:{hotline.port}",
                accounts=tmp_path / "few.json",
                limit=None,
                rate=5,
                seed=2,
                report=tmp_path / "report.json",
                settings=settings,
            )
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert code == 0, report["findings"]
    assert report["asked"] == 3
    assert report["answered"] + report["cancelled"] == 3
    assert report["corrected"] == 2
    assert {(cell["row"], cell["field"]) for cell in report["refused_cells"]} == {
        ("3", "SBP"),
        ("3", "DBP"),
        ("5", "DBP"),
    }
    assert report["checked_against"] == "PostgreSQL"


def _account(username: str, *, may_ask: list[str]) -> Account:
    return Account(username, "", "requester", "h", None, None, may_ask)


def _event(n: int) -> Envelope:
    return {"k": "event", "s": "user:1", "e": "e", "n": n, "t": "offer.made", "d": {}}
