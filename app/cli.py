"""The `hoichan` command. Each command is thin: it opens what is needed and calls one service."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app import __version__
from app.config import MOST_PROCESSES, Settings
from app.database import make_engine, make_sessions
from app.embedded import EmbeddedPostgres
from app.running import log_to_stderr, loop_factory
from app.work import Work

ROOT = Path(__file__).resolve().parent.parent
Run = Callable[[argparse.Namespace, Settings], Coroutine[Any, Any, int]]


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and run one command."""
    parser = _parser()
    options = parser.parse_args(arguments)
    settings = Settings()
    if getattr(options, "processes", None):
        settings = settings.model_copy(update={"processes": options.processes})
    log_to_stderr(settings.log_level)
    run: Run = options.run
    # Being asked to end while still starting must stop the embedded database too, as Ctrl-C does.
    signal.signal(signal.SIGTERM, _end)
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            code = runner.run(run(options, settings))
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def _end(*_: object) -> None:
    """End as Ctrl-C does, also where Ctrl-C is ignored: a script starts what it sends to the background that way."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hoichan", description="Consultation hotline between hospitals")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Run, words: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=words, description=words)
        sub.set_defaults(run=run)
        return sub

    serve = add("serve", _serve, "Serve a real installation (never loads the demo)")
    demo = add("demo", _demo, "Serve the demonstration network: not for patients")
    how_many = range(1, MOST_PROCESSES + 1)
    for serving in (serve, demo):
        serving.add_argument("--processes", type=int, choices=how_many, metavar="N", help="HOICHAN_PROCESSES")
    add("migrate", _migrate, "Bring the database to the newest version")
    verify = add("verify", _verify, "Check every hash chain and say which row was tampered with")
    verify.add_argument("--quiet", action="store_true", help="Print only what is wrong")

    account = add("account", _account, "Add, reset or deactivate an account")
    account.add_argument("what", choices=["add", "reset", "deactivate"])
    account.add_argument("username")
    account.add_argument("--name", help="Shown to others: a role such as «BS trực Tim mạch 1»")
    account.add_argument(
        "--role", choices=["requester", "specialist", "coordinator", "admin", "operator", "integrator"]
    )
    account.add_argument("--hospital", help="Key of the hospital in the network file")
    account.add_argument("--ward", help="Key of the ward in the network file")
    account.add_argument("--reactivate", action="store_true", help="With reset: open a deactivated account again")
    account.add_argument("--specialty", action="append", default=[], help="Code; may be repeated")

    network = add("network", _network, "Import hospitals, desks, agreements, people and rotas")
    network.add_argument("what", choices=["import"])
    network.add_argument("file", type=Path)
    network.add_argument("--dry-run", action="store_true", help="Say what would change and change nothing")

    holidays = add("holidays", _holidays, "Show what the pinned library of holidays says otherwise than the database")
    holidays.add_argument("--year", type=int, action="append", help="Default: this year and the next two")
    holidays.add_argument("--apply", action="store_true", help="Take the difference over and work duty out anew")

    rehearse = add("rehearse", _rehearse, "Replay emergency visits through a running server")
    rehearse.add_argument("file", type=Path)
    rehearse.add_argument("--url", help="Server (default: the one on HOICHAN_HOST and HOICHAN_PORT)")
    rehearse.add_argument("--accounts", type=Path, help="demo-accounts.json (default: in the data directory)")
    rehearse.add_argument("--limit", type=int, help="Only the first visits")
    rehearse.add_argument("--rate", type=float, default=5.0, help="Requests per second")
    rehearse.add_argument("--seed", type=int, default=1, help="Of who declines, answers late or drops off")
    rehearse.add_argument("--json", type=Path, help="Write the table as JSON too")

    watch = add("watch", _watch, "Watch a house from another machine, and telephone people when it is not well")
    watch.add_argument("--url", required=True, help="Where the house answers, https://…")
    watch.add_argument("--every", type=float, default=20.0, help="Seconds between looks")
    watch.add_argument("--after", type=int, default=2, help="Failures in a row before people are told")
    watch.add_argument("--repeat", type=float, default=5.0, help="Minutes until they are told again")
    watch.add_argument("--once", action="store_true", help="Look once and end (for cron): 0 well, 1 not well")
    watch.add_argument("--dry-run", action="store_true", help="Say whom it would tell, and tell nobody")
    watch.add_argument("--acknowledge", action="store_true", help="Somebody knows: stop telling of this trouble")
    watch.add_argument("--listen", metavar="HOST:PORT", help="Take the key that acknowledges in a call here")
    return parser


async def _serve(_options: argparse.Namespace, settings: Settings) -> int:
    async with _database(settings, migrate=not settings.database_url) as ready:
        try:
            demo = await _is_demo(ready)
        except ProgrammingError:
            print("Chạy «hoichan migrate» trước. / Run 'hoichan migrate' first.", file=sys.stderr)
            return 2
        except OSError as error:
            print(f"DATABASE_URL: {error}", file=sys.stderr)
            return 2
        if demo:
            print(
                "Cơ sở dữ liệu này là bản demo: dùng «hoichan demo». / A demonstration database: use 'hoichan demo'.",
                file=sys.stderr,
            )
            return 2
        return await _listen(ready, [f"hoichan {__version__}: {_address(ready)}"])


async def _demo(_options: argparse.Namespace, settings: Settings) -> int:
    from app.services.people.demo import NotADemoError, load_demo  # noqa: PLC0415 (the demo is no part of serving)

    async with _database(settings, migrate=True) as ready:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        try:
            async with _work(ready) as work:
                accounts = await load_demo(work, settings.data_dir)
                await _commit(work)
        except NotADemoError as error:
            print(error, file=sys.stderr)
            return 2
        return await _listen(ready, _welcome(ready, accounts))


def _welcome(settings: Settings, accounts: Sequence[object]) -> list[str]:
    chosen: dict[str, str] = {}
    for account in accounts:
        role = getattr(account, "role", "")
        chosen.setdefault(role, f"  {role:<12} {getattr(account, 'username', ''):<28} {getattr(account, 'name', '')}")
    password = getattr(accounts[0], "password", "") if accounts else ""
    return [
        "",
        "hoichan – đường dây nóng hội chẩn · BẢN DEMO, KHÔNG DÙNG CHO NGƯỜI BỆNH",
        f"Mở / open      {_address(settings)}",
        f"Mật khẩu chung / one password for all   {password}",
        *chosen.values(),
        f"Tất cả tài khoản / all accounts         {settings.data_dir / 'demo-accounts.json'}",
        "Dừng / stop    Ctrl-C",
        "",
    ]


def _address(settings: Settings) -> str:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 (only shown)
    return f"http://{host}:{settings.port}"


async def _listen(settings: Settings, words: list[str]) -> int:
    from app import serving  # noqa: PLC0415 (commands that do not serve start faster without)

    try:
        sock = serving.bind(settings)
    except OSError as error:
        print(f"{settings.host}:{settings.port}: {error.strerror}", file=sys.stderr)
        return 2
    settings = settings.model_copy(update={"port": sock.getsockname()[1]})
    words = [w.replace(":0", f":{settings.port}") for w in words]

    def ready() -> None:
        print("\n".join(words), flush=True)

    if settings.processes == 1:
        await serving.serve(settings, sock, ready)
    else:
        from app.processes import keep  # noqa: PLC0415 (one process needs no parent)

        await keep(settings, sock, ready)
    return 0


async def _migrate(_options: argparse.Namespace, settings: Settings) -> int:
    async with _database(settings, migrate=True):
        print("Cơ sở dữ liệu đã ở bản mới nhất. / The database is up to date.")
    return 0


async def _verify(options: argparse.Namespace, settings: Settings) -> int:
    from app.services.facts.verify import verify  # noqa: PLC0415

    async with _database(settings, migrate=False) as ready, _work(ready) as work:
        report = await verify(work.session)
    for line in report.lines(quiet=options.quiet):
        print(line)
    return 0 if report.sound else 1


async def _account(options: argparse.Namespace, settings: Settings) -> int:
    from app.services.people import accounts  # noqa: PLC0415

    async with _database(settings, migrate=not settings.database_url) as ready, _work(ready) as work:
        try:
            if options.what == "add":
                password = await accounts.add_account(
                    work,
                    username=options.username,
                    name=options.name or options.username,
                    role=options.role or "admin",
                    hospital=options.hospital,
                    ward=options.ward,
                    specialties=options.specialty,
                )
            elif options.what == "reset":
                password = await accounts.reset_account(work, options.username, reactivate=options.reactivate)
            else:
                await accounts.deactivate_account(work, options.username)
                password = None
        except accounts.AccountError as error:
            print(error, file=sys.stderr)
            return 2
        await _commit(work)
    if password:
        print(f"{options.username}  mật khẩu dùng một lần / one-time password: {password}")
    return 0


async def _network(options: argparse.Namespace, settings: Settings) -> int:
    from app.services.people.network import import_network  # noqa: PLC0415

    try:
        document = await asyncio.to_thread(options.file.read_bytes)
    except OSError as error:
        print(f"{options.file}: {error.strerror}", file=sys.stderr)
        return 2
    async with _database(settings, migrate=not settings.database_url) as ready, _work(ready) as work:
        report = await import_network(work, document, dry_run=options.dry_run)
        for line in report.lines():
            print(line)
        if report.errors:
            return 1
        if not options.dry_run:
            await _commit(work)
    return 0


async def _holidays(options: argparse.Namespace, settings: Settings) -> int:
    from app.services.rostering import holidays  # noqa: PLC0415

    async with _database(settings, migrate=not settings.database_url) as ready, _work(ready) as work:
        difference = await holidays.compare(work, options.year)
        for line in difference.lines():
            print(line)
        if not difference:
            print("Không có gì khác. / No difference.")
        elif options.apply:
            await holidays.take_over(work, difference)
            await _commit(work)
            print("Đã cập nhật. / Taken over.")
        else:
            print("Chưa thay đổi gì; thêm --apply để cập nhật. / Nothing was changed; --apply takes it over.")
    return 0


async def _rehearse(options: argparse.Namespace, settings: Settings) -> int:
    from app.rehearsal import rehearse  # noqa: PLC0415

    return await rehearse(
        file=options.file,
        url=options.url or _address(settings),
        accounts=options.accounts or settings.data_dir / "demo-accounts.json",
        limit=options.limit,
        rate=options.rate,
        seed=options.seed,
        report=options.json,
        settings=settings,
    )


async def _watch(options: argparse.Namespace, settings: Settings) -> int:
    from app.watchdog import watch  # noqa: PLC0415

    return await watch(
        settings,
        options.url,
        every_s=options.every,
        after=options.after,
        repeat_min=options.repeat,
        once=options.once,
        dry_run=options.dry_run,
        acknowledge=options.acknowledge,
        listen_at=options.listen,
    )


@contextlib.asynccontextmanager
async def _database(settings: Settings, *, migrate: bool) -> AsyncIterator[Settings]:
    """Use DATABASE_URL, or run the embedded PostgreSQL for as long as the command needs it."""
    if settings.database_url:
        if migrate:
            await bring_up_to_date(settings.database_url)
        yield settings
        return
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    postgres = EmbeddedPostgres(settings.data_dir)
    url = await postgres.start()
    watcher = asyncio.create_task(postgres.watch())
    try:
        if migrate:
            await bring_up_to_date(url)
        yield settings.model_copy(update={"database_url": url})
    finally:
        watcher.cancel()
        await asyncio.gather(watcher, return_exceptions=True)
        await postgres.stop()


async def bring_up_to_date(url: str) -> None:
    """Run the migrations that the database lacks; none is lacking on most starts, and that costs one query."""
    newest = max(file.name for file in (ROOT / "migrations" / "versions").glob("*.py")).partition("_")[0]
    engine = make_engine(url, pool_size=2)
    try:
        async with engine.connect() as connection:
            try:
                present = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar()
            except ProgrammingError:
                present = None
    finally:
        await engine.dispose()
    if present != newest:
        from alembic import command as alembic  # noqa: PLC0415 (most starts need none of it)
        from alembic.config import Config  # noqa: PLC0415

        config = Config(str(ROOT / "alembic.ini"))
        config.set_main_option("script_location", str(ROOT / "migrations"))
        config.attributes["url"] = url
        await asyncio.to_thread(alembic.upgrade, config, "head")


@contextlib.asynccontextmanager
async def _work(settings: Settings) -> AsyncIterator[Work]:
    engine = make_engine(settings.database_url or "", pool_size=2)
    try:
        async with make_sessions(engine)() as session:
            now = (await session.execute(text("SELECT clock_timestamp()"))).scalar_one()
            yield Work(session, None, now.astimezone(UTC))
    finally:
        await engine.dispose()


async def _commit(work: Work) -> None:
    from app.services.facts import events  # noqa: PLC0415

    await events.write(work)
    await work.session.commit()


async def _is_demo(settings: Settings) -> bool:
    async with _work(settings) as work:
        return bool((await work.session.execute(text("SELECT demo FROM installation"))).scalar())


if __name__ == "__main__":
    os.umask(0o077)
    main()
