"""The whole program, loaded and tried once: what serving processes are forked from, so that they begin in a moment.

Nothing of it is connected to anything, and no event loop has run.
"""

import gc

gc.disable()  # nothing of a program is garbage while it is loaded

# What uvicorn and the database's driver load by name when they begin.
import asyncpg  # noqa: E402
import uvicorn.lifespan.on  # noqa: E402
import uvicorn.protocols.http.auto  # noqa: E402
import uvicorn.protocols.websockets.websockets_sansio_impl  # noqa: E402, F401
from sqlalchemy.orm import configure_mappers  # noqa: E402

from app import serving  # noqa: E402, F401
from app.config import Settings  # noqa: E402
from app.main import create_app  # noqa: E402

configure_mappers()
create_app(Settings(database_url="postgresql://nowhere/"))  # what the first one works out stays worked out
del asyncpg
gc.collect()
gc.freeze()
gc.enable()
