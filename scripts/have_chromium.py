"""Make sure that the browser tests find a Chromium: look for one, install Debian's when root, or say what to do."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ADVICE = """\
The browser tests need Chromium, and none was found. Either
    install it       Debian: apt-get install chromium     Fedora: dnf install chromium     macOS: brew install chromium
    or name it       CHROMIUM=/path/to/chromium make test
    or go without    HOICHAN_TEST_BROWSER=off make test   (the browser tests are skipped and counted as such)"""


def find_chromium() -> str | None:
    """Give the path of the Chromium to use: the one that CHROMIUM names, otherwise the first on the path."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named if Path(named).exists() else None
    return next(filter(None, map(shutil.which, NAMES)), None)


def install_chromium() -> None:
    """Install Debian's package, with a font that has the Vietnamese letters."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    packages = ("chromium", "fonts-dejavu-core")
    print("Installing Chromium …", flush=True)
    subprocess.run(["apt-get", "update", "-qq"], check=False, env=environment)
    subprocess.run(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
        check=False,
        env=environment,
        stdout=subprocess.DEVNULL,
    )


def main() -> int:
    """Exit with 0 when the tests can run as asked for."""
    if os.environ.get("HOICHAN_TEST_BROWSER") == "off" or find_chromium():
        return 0
    if os.geteuid() == 0 and shutil.which("apt-get"):
        install_chromium()
    if find_chromium():
        return 0
    print(ADVICE, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
