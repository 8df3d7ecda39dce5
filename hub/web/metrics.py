"""/metrics: what Prometheus reads, the hub's and HTTP's and the process's own."""

from litestar import MediaType, Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.plugins.prometheus import PrometheusConfig
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest

from hub.web.auth import WHOLE, Hub
from hub.web.problems import PROBLEMS

COUNTED = PrometheusConfig(app_name="agenthost", prefix="agenthost_http", group_path=True, excluded_http_methods=())
"""By route and not by path: `/v1/tasks/{id}` is one series, however many tasks there are."""


@get(
    "/metrics",
    opt={"scope": "metrics:read", WHOLE: True},
    media_type=MediaType.TEXT,
    responses={
        **PROBLEMS,
        200: ResponseSpec(str, description="The metrics.", media_type=MediaType.TEXT, generate_examples=False),
    },
    tags=["status"],
    summary="Read the metrics",
)
async def metrics(services: Hub) -> Response[bytes]:
    """Return how the hub is and what it has done, in Prometheus' text format."""
    whole = CollectorRegistry(auto_describe=False)
    for part in (*await services.metrics(), REGISTRY):
        whole.register(part)
    return Response(generate_latest(whole), media_type=CONTENT_TYPE_LATEST.partition("; charset")[0])
