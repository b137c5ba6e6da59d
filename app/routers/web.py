"""The browser client: one page at every client path, its modules under /assets, and the service worker."""

from functools import cache
from hashlib import sha256
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, RedirectResponse, Response
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

WEB = Path(__file__).resolve().parent.parent / "web"
PAGES = (
    "/",
    "/sign-in",
    "/request",
    "/request/telephone",
    "/red-alert",
    "/cases/{case}",
    "/cases/{case}/record",
    "/desk",
    "/board",
    "/rota",
    "/policies",
    "/agreements",
    "/telephones",
    "/account",
    "/records",
)
NO_CACHE = {"Cache-Control": "no-cache"}

router = APIRouter(include_in_schema=False)
assets = GZipMiddleware(StaticFiles(directory=WEB), minimum_size=500)


@cache
def version() -> str:
    """Return the digest of the client's files, so that each release is installed as a whole."""
    digest = sha256()
    for file in sorted(p for p in WEB.rglob("*") if p.is_file()):
        digest.update(file.relative_to(WEB).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


async def page() -> FileResponse:
    """The client's only page; the address decides the screen."""
    return FileResponse(WEB / "index.html", headers=NO_CACHE)


for path in PAGES:
    router.add_api_route(path, page, methods=["GET", "HEAD"], include_in_schema=False)


@router.get("/sw.js")
async def service_worker() -> Response:
    """Served from the root, so that it may serve every page when the network is away."""
    script = (WEB / "sw.js").read_text(encoding="utf-8").replace("__WEB_VERSION__", version())
    return Response(script, media_type="text/javascript", headers=NO_CACHE)


@router.get("/manifest.webmanifest")
async def manifest() -> FileResponse:
    """What the phone shows when the client is put on its home screen."""
    return FileResponse(WEB / "manifest.webmanifest", media_type="application/manifest+json", headers=NO_CACHE)


@router.get("/favicon.ico")
async def favicon() -> RedirectResponse:
    """Old browsers ask for it."""
    return RedirectResponse("/assets/icon.svg")
