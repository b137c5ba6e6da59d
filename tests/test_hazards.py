"""The log of hazards claims no proof that does not exist, and no control without a proof."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOG = ROOT / "docs" / "hazards.md"
ALL = range(1, 35)
BUILT = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 34}
STATES = {"built", "in part", "later"}
PROOF = re.compile(r"`([\w./-]+\.py)::(\w+)`")
SCORE = re.compile(r"[2-5]·[1-5]=([1-5])→([1-5])")
NOT_RUN = {"skip", "skipif", "xfail"}


def rows() -> dict[int, list[str]]:
    """The table, by number: hazard, score, control, state, proof, later."""
    found = [
        line.strip().strip("|").split("|") for line in LOG.read_text().splitlines() if re.match(r"\| \d+ \|", line)
    ]
    cells = [[cell.strip() for cell in row] for row in found]
    assert [int(row[0]) for row in cells] == list(ALL)
    return {int(row[0]): row[1:] for row in cells}


def proofs(number: int) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = PROOF.findall(rows()[number][4])
    return found


def read_tests(path: Path) -> dict[str, ast.AsyncFunctionDef | ast.FunctionDef]:
    """The tests of a file that pytest runs, read without importing it."""
    tree = ast.parse(path.read_text())
    functions = (node for node in tree.body if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef))
    return {f.name: f for f in functions if f.name.startswith("test_")}


@pytest.mark.parametrize("number", ALL)
def test_every_proof_that_a_row_claims_exists_and_runs(number: int) -> None:
    for file, name in proofs(number):
        path = ROOT / file
        assert path.is_file(), f"hazard {number}: there is no {file}"
        assert path.name.startswith("test_"), f"hazard {number}: pytest does not read {file}"
        found = read_tests(path).get(name)
        assert found is not None, f"hazard {number}: {file} has no {name}"
        marks = {n.attr for d in found.decorator_list for n in ast.walk(d) if isinstance(n, ast.Attribute)}
        assert not marks & NOT_RUN, f"hazard {number}: {name} does not run"


@pytest.mark.parametrize("number", ALL)
def test_a_control_is_claimed_with_its_proof_and_a_missing_one_says_what_is_missing(number: int) -> None:
    hazard, score, control, state, proof, later = rows()[number]
    assert hazard
    assert control
    assert SCORE.fullmatch(score), score
    assert state in STATES
    assert bool(PROOF.search(proof)) is (state != "later"), f"hazard {number} is {state}"
    assert proof == "–" or PROOF.sub("", proof).replace("<br>", "").strip() == "", f"hazard {number}: {proof}"
    if state != "built":
        assert later != "–", f"hazard {number} is {state} and does not say what is missing"


def test_what_this_house_promises_is_built() -> None:
    built = {number for number, row in rows().items() if row[3] == "built"}
    assert built >= BUILT


def test_a_control_lowers_the_rating_and_nothing_is_released_above_three() -> None:
    for number, row in rows().items():
        before, after = (int(x) for x in SCORE.fullmatch(row[1]).groups())
        assert after <= 3, number
        assert after <= before, number


def test_no_proof_is_claimed_that_only_looks_like_one() -> None:
    """A name that appears in prose is not a proof: proofs stand in their own column, by path and name."""
    for number, row in rows().items():
        for cell in (*row[:4], row[5]):
            assert "::" not in cell, number
