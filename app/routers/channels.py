"""My own channels beyond the open page."""

from fastapi import APIRouter, Response

from app.routers.edge import CommandRoute, HouseDep, OwnWorkDep, ReadDep, WorkDep
from app.routers.problems import problems
from app.schemas.channels import ChannelsIn, ChannelsRead, ChannelTestIn, ChannelTestRead
from app.services.people import channels
from app.services.people.channels import Mine

router = APIRouter(prefix="/api/v1/me/channels", tags=["signing in"], route_class=CommandRoute)


@router.get("", summary="How I am reached when the page is closed", responses=problems(401, 403))
async def read(work: ReadDep, house: HouseDep, response: Response) -> ChannelsRead:
    """Return my channels in their order, what this installation can send, and the public key for pushes.

    Nobody reads another's addresses, administrators included.
    """
    response.headers["Cache-Control"] = "no-store"
    return _read(await channels.mine(work), house)


@router.put("", summary="Choose how I am reached", responses=problems(401, 403, 413, 422))
async def replace(body: ChannelsIn, work: OwnWorkDep, house: HouseDep, response: Response) -> ChannelsRead:
    """Replace the list; its order is the order of use. It needs no Idempotency-Key.

    An offer goes out as a push at once and on the other channels one after the other while nobody has answered; a red
    alert goes out on all at once. Quiet hours give way to red and orange.
    """
    response.headers["Cache-Control"] = "no-store"
    return _read(await channels.replace(work, body.channels, push_hosts=house.settings.push_hosts), house)


@router.post("/test", status_code=202, summary="Try my channels", responses=problems(400, 401, 403, 413, 422))
async def test(body: ChannelTestIn, work: WorkDep, house: HouseDep) -> ChannelTestRead:
    """Send myself a test message: do so at the start of each shift. 422 when I have no channel of this kind."""
    return ChannelTestRead(sent=await channels.try_out(work, body.kind, house.outside.adapters.keys()))


def _read(mine: Mine, house: HouseDep) -> ChannelsRead:
    kinds = house.outside.adapters.keys()
    return ChannelsRead.model_validate(
        {
            "channels": [channels.shown(reach, kinds) for reach in mine.reaches],
            "own": mine.own,
            "push_key": house.outside.push_key,
            "kinds": sorted(kinds),
            "capturing": house.outside.capturing,
        }
    )
