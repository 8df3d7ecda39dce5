"""Doing what was decided about something that waits: each kind by the service that does it everywhere else."""

from hashlib import sha256

from bridges.http import convert
from hub.errors import Decided, NotFound
from hub.flow.awaiting import Asked
from hub.flow.notices import notice
from hub.packages.installer import Installer
from hub.packages.meanings import meaning
from hub.records import HOME, Choice, Package, Pairing, Task, Text
from hub.web.auth import Caller
from hub.web.chats import MAIN
from hub.web.packages import PermissionView
from hub.web.problems import shown
from hub.web.services import Services
from hub.web.waiting_views import APPROVE, Waitings, WaitingView

MARK = 16


async def decide(services: Services, caller: Caller, asked: Asked, choice: str, text: str, reason: str) -> str:
    """Do what was chosen or said, once; return what came of it. Raises Decided where another was first."""
    match asked.kind:
        case "leave":
            return await _leave(services, caller, asked, choice, reason)
        case "question" | "budget" | "blocked" | "checks" if asked.task:
            return await _of_task(services, caller, asked, asked.task, choice, text)
        case "route" if asked.message:
            return await _choose(services, caller, None, f"route/{asked.message.id}/{choice}")
        case "pairing" if asked.pairing:
            return await _stranger(services, caller, asked.pairing, choice)
        case _:
            return await _at_desk(services, caller, asked, choice, text)


async def _leave(services: Services, caller: Caller, asked: Asked, choice: str, reason: str) -> str:
    if asked.pause is None:
        raise Decided("it doesn't wait any more")
    approve = choice == APPROVE
    done = await services.leave.decide(caller.tenant, asked.pause.id, caller.person, approve=approve, reason=reason)
    return done.answer


async def _of_task(services: Services, caller: Caller, asked: Asked, task: Task, choice: str, text: str) -> str:
    if asked.kind == "blocked":
        going = services.tasks.resume if choice == "resume" else services.tasks.cancel
        return (await going(task)).state
    if choice:
        kind = "checks" if asked.kind == "checks" else "task"
        return await _choose(services, caller, task, f"{kind}/{task.id}/{choice}")
    # Its name is the question's: of two answers from two browsers one is kept.
    message, fresh = await services.inbox.keep(
        convert.incoming(
            tenant=caller.tenant,
            person=caller.person,
            chat=MAIN,
            parts=(Text(text),),
            external_id=f"answer:{asked.id}",
            sent_at=services.clock.now(),
            wish=task.id,
            key=caller.key.id,
        )
    )
    if not fresh:
        raise Decided("It was answered already.")
    return message.state


async def _choose(services: Services, caller: Caller, task: Task | None, choice: str) -> str:
    question = notice(
        "",
        tenant=caller.tenant,
        to=task.origin if task else convert.address(caller.person, MAIN),
        person=caller.person,
        now=services.clock.now(),
        choices=(Choice(id=choice, text=""),),
    )
    return await services.questions.choose(question, choice, caller.person)


async def _stranger(services: Services, caller: Caller, pairing: Pairing, choice: str) -> str:
    if choice == APPROVE:
        return (await services.pairings.approve(caller.tenant, pairing.id)).name
    return (await services.pairings.deny(caller.tenant, pairing.id)).state


async def _at_desk(services: Services, caller: Caller, asked: Asked, choice: str, text: str) -> str:
    caller.needs("chats:operate")
    if asked.handover is None:
        raise Decided("it doesn't wait any more")
    tenant, id = caller.tenant, asked.handover.id
    if asked.draft is None:
        return (await services.desk.handing.take(tenant, id, caller.person)).state
    if choice == "discard":
        return (await services.desk.drafting.discard(tenant, id, caller.person, asked.draft.id)).state
    own = text if text.strip() else None
    await services.desk.drafting.send(tenant, id, caller.person, own, asked.draft.id)
    return "sent"


# --- packages, which flow doesn't know


async def waiting_packages(services: Services, caller: Caller, views: Waitings) -> list[WaitingView]:
    """Return updates that wait for a permission or for a look; only who runs the hub is shown them."""
    installer = services.packages
    if installer is None or not runs(caller):
        return []
    return [await _view(installer, views, package) for package in await installer.packages() if package.next]


def runs(caller: Caller) -> bool:
    """Say whether a caller runs the hub, and so decides about packages."""
    return caller.tenant == HOME and caller.may("admin")


async def decide_package(services: Services, caller: Caller, id: str, choice: str) -> str:
    """Have an update used with all that it asks for, or forgotten; raises Decided if it isn't that one that waits."""
    if services.packages is None or not runs(caller):
        raise NotFound(f"waiting: there's no {shown(id)}; GET /v1/waiting lists what waits for you")
    name = id.partition("-")[2].rpartition("-")[0]
    package = await services.packages.package(name)
    if id != id_of(package):
        raise Decided("that update doesn't wait any more")
    if choice != "allow":
        return (await services.packages.roll_back(name)).state
    sheet, coming = await services.packages.sheet(package), await services.packages.next_sheet(package)
    asks = {*sheet.asks, *(coming.asks if coming else ())}
    granted = await services.packages.grant(name, asks)
    return (await services.packages.enable(name)).state if granted.next else granted.state


def id_of(package: Package) -> str:
    """Return the id of an update that waits."""
    mark = sha256(package.next.digest.encode()).hexdigest()[:MARK] if package.next else ""
    return f"package-{package.id}-{mark}"


async def _view(installer: Installer, views: Waitings, package: Package) -> WaitingView:
    coming = await installer.next_sheet(package)
    granted = package.next.grants if package.next else ()
    asks = [
        PermissionView(id=ask, meaning=meaning(ask), granted=ask in granted) for ask in (coming.asks if coming else ())
    ]
    return await views.package(package, id_of(package), asks, coming.description if coming else "")
