"""The consultation record, built from the facts of a concluded case, against one stored row of the same size."""

from bench.figures import Figure
from bench.reading import compare


async def run(seconds: float) -> list[Figure]:
    """Read the record of a concluded case."""
    return await compare("record", "/record", seconds)
