"""/telegram/NAME: where a platform calls the hub, without a key. What it must prove instead, its bridge looks at."""

import logging
import traceback
from typing import Any

from litestar import MediaType, Request, Response, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from hub.accounts import TelegramAccount, name_of
from hub.errors import PersonError, StoreUnavailable
from hub.ports import Hooked
from hub.web.auth import Hub
from hub.web.services import Services
from hub.web.shield import CALLED_BY_ANY_NAME

log = logging.getLogger(__name__)

BODY = 1024 * 1024


@post(
    "/telegram/{name:str}",
    status_code=200,
    opt={"open": True, CALLED_BY_ANY_NAME: True},
    include_in_schema=False,
    request_max_body_size=BODY,
)
async def telegram(request: Request[Any, Any, Any], services: Hub, name: FromPath[str]) -> Response[None]:
    """Hand what Telegram posts to the account's bridge; 200 only once it's kept."""
    bridge = _called(services, name)
    body = await request.body()
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        status = await bridge.hook(headers, body)
    except (PersonError, StoreUnavailable):
        raise
    except Exception as error:
        # Without the error's words: they may repeat what was posted.
        where = "".join(traceback.format_tb(error.__traceback__))
        log.error("bridge %s: failed at what its platform posted: %s\n%s", name, type(error).__name__, where)
        status = 500
    return Response(None, status_code=status, media_type=MediaType.TEXT)


def _called(services: Services, name: str) -> Hooked:
    """Return the bridge of an account that its platform calls; for any other name there's no such page."""
    called = {
        name_of(account)
        for account in services.config.bridges
        if isinstance(account, TelegramAccount) and account.mode == "webhook"
    }
    bridge: object = services.bridges.get(name)
    if name in called and isinstance(bridge, Hooked):
        return bridge
    raise NotFoundException
