"""The rules of the site beside those that are shipped, and whether what runs is what is approved (S11)."""

from fastapi import APIRouter

from console.access import Anyone, Services
from console.api.asking import connected
from console.api.shapes import PROBLEM
from console.api.shapes_rules import RuleDifferences

router = APIRouter(tags=["alarms"])


@router.get(
    "/rules/differences", summary="What runs otherwise than it is shipped", responses={401: PROBLEM, 503: PROBLEM}
)
async def differences(_who: Anyone, services: Services) -> RuleDifferences:
    """The files of the site are read anew for each answer, and held against what the gateway runs."""
    return RuleDifferences.model_validate(await connected(services.rules).look())
