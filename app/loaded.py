"""The whole program, loaded and tried once: what serving processes are forked from, so that they begin in a moment.

Nothing of it is connected to anything, and no event loop has run.
"""

import gc

gc.disable()  # nothing of a program is garbage while it is loaded

from sqlalchemy.orm import configure_mappers  # noqa: E402

from app import serving  # noqa: E402
from app.config import Settings  # noqa: E402

# What the first one works out, and loads by name, stays.
serving.make_server(Settings(database_url="postgresql://nowhere/")).config.load()
configure_mappers()
gc.collect()
gc.freeze()
gc.enable()
