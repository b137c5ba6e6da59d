"""Compare the models with what the migrations make of a fresh database: they must agree."""

import asyncio
import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from app.embedded import EmbeddedPostgres

ROOT = Path(__file__).parent.parent


def compare(connection: Connection) -> None:
    """Migrate to the newest revision, then let alembic look for differences; raises CommandError when there are."""
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    heads = ScriptDirectory.from_config(config).get_heads()
    if len(heads) != 1:
        raise CommandError(f"The migrations have {len(heads)} heads: {', '.join(heads)}")
    command.upgrade(config, "head")
    connection.commit()
    command.check(config)


async def main() -> int:
    """Exit with 0 when models and migrations agree."""
    with tempfile.TemporaryDirectory(prefix="hoichan-check-") as folder:
        server = EmbeddedPostgres(Path(folder), durable=False)
        try:
            engine = create_async_engine(await server.start())
            async with engine.connect() as connection:
                await connection.run_sync(compare)
            await engine.dispose()
        except CommandError as error:
            print(f"Models and migrations differ: {error}", file=sys.stderr)
            return 1
        finally:
            await server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
