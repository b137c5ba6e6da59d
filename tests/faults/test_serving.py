"""A demonstration never serves patients: the command for real installations refuses its data."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import a_copy
from tests.faults.server import ROOT, free_port
from tests.hotline import Json

pytestmark = pytest.mark.slow


def hoichan(command: str, url: str, data: Path) -> "subprocess.CompletedProcess[str]":
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HOICHAN_")}
    environment |= {"DATABASE_URL": url, "HOICHAN_DATA_DIR": str(data), "HOICHAN_PORT": str(free_port())}
    asked = [sys.executable, "-m", "app.cli", command]
    return subprocess.run(asked, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


async def test_a_real_installation_refuses_to_start_on_demo_data(
    server_url: str, demo_template: tuple[str, list[Json]], tmp_path: Path
) -> None:
    async with a_copy(server_url, demo_template[0]) as url:
        refused = hoichan("serve", url, tmp_path)
    assert refused.returncode == 2
    assert "hoichan demo" in refused.stderr
    assert not (tmp_path / "demo-accounts.json").exists()


async def test_the_demo_refuses_to_start_on_the_data_of_a_real_installation(database_url: str, tmp_path: Path) -> None:
    environment = {"DATABASE_URL": database_url, "HOICHAN_DATA_DIR": str(tmp_path), "PATH": os.environ["PATH"]}
    account = [sys.executable, "-m", "app.cli", "account", "add", "vanhanh", "--role", "operator"]
    made = subprocess.run(account, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    refused = hoichan("demo", database_url, tmp_path)
    assert refused.returncode == 2, refused.stdout
    assert not (tmp_path / "demo-accounts.json").exists()
