"""What another system posted -> words, by a template of names in braces; nothing of it is run.

`{repository.full_name}` is a field, `{commits.*.message}` the same field of all in a list, `{action|done}` has a value
for when it's missing, `{text:200}` is cut. `{headers.x-github-event}` is a header. `{{` and `}}` are braces. A line all
of whose fields are missing is left out.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal
from urllib.parse import parse_qsl

import msgspec

from hub.errors import BadRequest
from hub.records import InletSource

LONGEST = 4_000
"""Characters of a template."""
CUT = 1_000
"""Characters of one field."""
MANY = 20
"""Of a list that's gone through."""
FIELDS = 1_000
"""Of a form."""
DEEP = 12

Body = dict[str, object]
Kind = Literal["json", "form", "text"]

_NAME = r"[A-Za-z0-9_@$*-]{1,80}"
_FIELD = re.compile(
    rf"(?P<path>{_NAME}(?:\.{_NAME}){{0,{DEEP - 1}}})(?::(?P<cut>[1-9]\d{{0,3}}))?(?:\|(?P<default>[^{{}}]{{0,200}}))?"
)
_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")

TEMPLATES: Mapping[InletSource, str] = {
    "generic": "{title}\n{message}\n{text}\n{url}",
    "github": (
        "GitHub: {headers.x-github-event} {action} in {repository.full_name} by {sender.login}\n"
        "Pull request: {pull_request.title} {pull_request.html_url}\n"
        "Issue: {issue.title} {issue.html_url}\n"
        "Comment: {comment.body}\n"
        "Review: {review.state} {review.body}\n"
        "Pushed to {ref}: {commits.*.message}\n"
        "Workflow: {workflow_run.name} {workflow_run.conclusion} {workflow_run.html_url}\n"
        "Release: {release.name} {release.html_url}"
    ),
    "gitlab": (
        "GitLab: {object_kind} in {project.path_with_namespace} by {user.name|}{user_name|}\n"
        "{object_attributes.title} {object_attributes.state} {object_attributes.url}\n"
        "Comment: {object_attributes.note}\n"
        "Pushed to {ref}: {commits.*.message}\n"
        "Pipeline: {object_attributes.status}"
    ),
    "stripe": (
        "Stripe: {type}\n"
        "{data.object.object} {data.object.id}: {data.object.amount} {data.object.currency} {data.object.status}\n"
        "Customer: {data.object.customer}"
    ),
    "sentry": (
        "Sentry: {action} {headers.sentry-hook-resource}\n"
        "{data.event.title} {data.event.web_url}\n"
        "{data.issue.title} {data.issue.web_url}\n"
        "Level: {data.event.level}{data.issue.level}"
    ),
    "alertmanager": (
        "Alerts {status}: {commonLabels.alertname} {commonLabels.severity}\n"
        "{alerts.*.annotations.summary}\n"
        "{alerts.*.annotations.description}\n"
        "On: {alerts.*.labels.instance}\n"
        "{externalURL}"
    ),
    "standard": "{type}\n{data}",
}
"""What's ready for each source."""


def check_template(template: str) -> None:
    """Raise BadRequest for a template that can't be read."""
    if not template.strip() or len(template) > LONGEST:
        raise BadRequest("template", f"must have 1 to {LONGEST:,} characters")
    for found in _PIECE.finditer(template):
        if found[1] is None and found[0] in {"{", "}"}:
            raise BadRequest("template", f"a brace at {found.start()} stands alone; write {{{{ or }}}} for one")
        if found[1] is not None and not _FIELD.fullmatch(found[1]):
            text = f"{found[0][:80]!r} isn't a field; write one as {{repository.full_name}} or {{action|none}}"
            raise BadRequest("template", text)


def filled(template: str, body: Body, headers: Mapping[str, str], *, most: int) -> str:
    """Return a template's words about a post, cut to `most` characters; never raises for what was posted."""
    values: Body = {**body, "headers": dict(headers)}
    lines = [line for text in template.split("\n") if (line := _line(text, values)) is not None]
    said = "\n".join(lines).strip() or _packed(body)
    return said if len(said) <= most else f"{said[: most - 6]} [cut]"


def read(kind: Kind, body: bytes) -> Body:
    """Return what was posted by name: JSON, a form, or a text as `text`. Raises BadRequest."""
    try:
        if kind == "json":
            return _named(msgspec.json.decode(body or b"null"))
        text = body.decode()
        if kind == "text":
            return {"text": text}
        form = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS))
        # GitHub and others put JSON into a form's one field.
        return _named(msgspec.json.decode(form["payload"])) if form.keys() == {"payload"} else {**form}
    except (ValueError, RecursionError) as error:
        raise BadRequest("body", f"isn't {kind} that can be read ({str(error)[:100]})") from None


def kind_of(content_type: str) -> Kind:
    """Return how a body is read."""
    name = content_type.partition(";")[0].strip().lower()
    if name == "application/json" or name.endswith("+json"):
        return "json"
    return "form" if name == "application/x-www-form-urlencoded" else "text"


def _named(found: object) -> Body:
    return found if isinstance(found, dict) else {"items": found} if isinstance(found, list) else {"text": found}


def _line(text: str, values: Body) -> str | None:
    """Return a line with its fields filled in; None if it has some, and all are missing."""
    given: list[bool] = []

    def fill(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0][0]
        field = _FIELD.fullmatch(found[1])
        value = _shown(_at(values, field["path"].split("."))) if field else ""
        cut = int(field["cut"] or CUT) if field else CUT
        value = value if len(value) <= cut else f"{value[:cut]}…"
        given.append(bool(value))
        return value or (field["default"] or "" if field else "")

    said = _PIECE.sub(fill, text)
    return None if given and not any(given) else said.rstrip()


def _at(value: object, path: Sequence[str]) -> object:
    for number, name in enumerate(path):
        if name == "*":
            rest = path[number + 1 :]
            items = value[:MANY] if isinstance(value, list) else []
            return [found for item in items if (found := _at(item, rest)) not in (None, "")]
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isascii() and name.isdigit():
            value = value[int(name)] if int(name) < len(value) else None
        else:
            return None
    return value


def _shown(value: object) -> str:
    plain: Mapping[type, Callable[[], str]] = {
        type(None): lambda: "",
        str: lambda: str(value),
        bool: lambda: "true" if value else "false",
        list: lambda: _listed(value) if isinstance(value, list) else "",
    }
    make = plain.get(type(value))
    return make() if make else _packed(value)


def _listed(values: Sequence[object]) -> str:
    if any(isinstance(value, dict | list) for value in values):
        return _packed(values)
    return ", ".join(_shown(value) for value in values[:MANY])


def _packed(value: object) -> str:
    return msgspec.json.encode(value).decode()
