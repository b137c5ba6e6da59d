"""Small pages without a script: for somebody who opens a link on a telephone, and for developers."""

from html import escape

from fastapi.responses import HTMLResponse

HEADERS = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


def page(title: str, body: str, *, status: int = 200, demo: bool = False) -> HTMLResponse:
    """Return a page in the house's styles. `body` is HTML; every word in it must have been escaped."""
    band = '<p class="note warn">KHÔNG DÙNG CHO NGƯỜI BỆNH · minh họa / not for patients</p>' if demo else ""
    return HTMLResponse(
        f"""<!doctype html>
<html lang="vi"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex"><title>{escape(title)} – hoichan</title>
<link rel="stylesheet" href="/assets/styles/tokens.css"><link rel="stylesheet" href="/assets/styles/components.css">
<link rel="stylesheet" href="/assets/styles/app.css"><link rel="icon" href="/assets/icon.svg"></head>
<body><main class="mid stack">{band}<h1 class="h2">{escape(title)}</h1>{body}</main></body></html>""",
        status,
        headers=HEADERS,
    )


def paragraph(vi: str, en: str) -> str:
    """One sentence in both languages."""
    return f'<p>{escape(vi)}</p><p class="sub" lang="en">{escape(en)}</p>'


def button(name: str, value: str, words: str, *, kind: str = "btn p xl blk") -> str:
    """A button that sends one value."""
    return f'<button class="{kind}" name="{escape(name)}" value="{escape(value)}">{escape(words)}</button>'
