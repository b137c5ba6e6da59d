"""The README lists every setting that there is, and none that there is not."""

import re
from pathlib import Path

from app.config import Settings

README = Path(__file__).parent.parent / "README.md"


def names() -> set[str]:
    """The environment variables that `Settings` reads."""
    return {str(f.validation_alias or f"HOICHAN_{name.upper()}") for name, f in Settings.model_fields.items()}


def test_the_readme_lists_every_setting_and_no_other() -> None:
    rows = [line.split("|")[1] for line in README.read_text().splitlines() if line.startswith("| `")]
    listed = {name for row in rows for name in re.findall(r"`(HOICHAN_[A-Z0-9_]+|DATABASE_URL|REDIS_URL)`", row)}
    assert listed == names()


def test_every_setting_says_what_it_means() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
