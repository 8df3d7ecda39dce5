"""What went wrong: to people's browsers as a page, to everybody else as a problem."""

from collections.abc import Mapping
from typing import Any

from litestar import Request, Response
from litestar.enums import MediaType

from hub.registry.web.auth import PATH, parts_of
from hub.registry.web.pages import page
from hub.web.problems import Problem, answer_problem, problem_of

WORDS: Mapping[int, str] = {
    401: "Sign in first",
    403: "You may not see this",
    404: "There’s nothing here",
    429: "Too many requests",
    451: "This was taken away",
    503: "Not just now",
}
FOR_PROGRAMS = ("/v0.1", f"{PATH}/v1", f"{PATH}/v0", f"{PATH}/schema", f"{PATH}/static")


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Answer any error."""
    if not _is_page(request):
        return answer_problem(request, error)
    problem, headers = problem_of(error)
    context = {"status": problem.status, "words": _words(problem), "detail": _detail(problem), "private": True}
    path = request.scope["path"].removeprefix(PATH)
    told = page("fault.html", parts_of(request), request.state.get("visitor"), path, context, status=problem.status)
    told.headers |= headers
    return told


def _is_page(request: Request[Any, Any, Any]) -> bool:
    """Say whether somebody looks at it, who'd rather read a page."""
    if request.method not in {"GET", "HEAD"} or request.scope["path"].startswith(FOR_PROGRAMS):
        return False
    return MediaType.HTML.value in request.headers.get("accept", "")


def _words(problem: Problem) -> str:
    return WORDS.get(problem.status) or ("It can’t be used" if problem.status < 500 else "Something broke")


def _detail(problem: Problem) -> str:
    if problem.status == 404 and "/schema/" in problem.detail:
        return "No page has this address. It may have been deleted, or mistyped."
    return problem.detail
