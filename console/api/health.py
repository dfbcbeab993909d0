"""Whether the process lives, whether it is ready, and its metrics.

For probes: public, at the root and under the API.
"""

import asyncio

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from console.access import Services, Visitor, signed_in
from console.api.shapes import PROBLEM, Health, Ready
from console.problem import Problem

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Is the process alive")
async def healthz() -> Health:
    """Answers as long as the event loop runs."""
    return Health(status="alive")


@router.get("/readyz", summary="Is it ready", responses={503: PROBLEM})
async def readyz(services: Services) -> Ready:
    """200 if every check is well, else 503 with the failing ones in `checks`."""
    checks = services.ready()
    failing = {name: problem for name, problem in checks.items() if problem is not None}
    if failing:
        listed = ", ".join(failing)
        raise Problem("not-ready", f"Not ready: {listed}.", f"未就绪:{listed}。", checks=failing)
    return Ready(status="ready", checks=dict.fromkeys(checks))


@router.get(
    "/metrics",
    summary="Prometheus metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, 401: PROBLEM},
)
async def metrics(services: Services, who: Visitor) -> Response:
    """Prometheus text format. Needs signing in only where the operator says so."""
    if not services.metrics_public:
        await signed_in(who)
    # in a thread: how far a store lags behind is asked of the disk
    text = await asyncio.to_thread(generate_latest, services.metrics)
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})
