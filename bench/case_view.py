"""Opening a case: GET of the whole consultation, against a handler that returns one stored row of the same size."""

from bench.figures import Figure
from bench.reading import compare


async def run(seconds: float) -> list[Figure]:
    """Read a case that was asked, answered and discussed."""
    return await compare("case view", "", seconds)
