"""link(), and reading lists of links."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from upright.controllers.tiltfile.language.arguments import Arguments, optional, required, string
from upright.controllers.tiltfile.language.errors import Failure, WrongValue
from upright.controllers.tiltfile.language.text import quote, to_repr
from upright.controllers.tiltfile.language.values import Dict, List, Set, Struct, Value, type_name
from upright.controllers.tiltfile.vocabulary import function
from upright.openapi.v1alpha1.resource import Link

if TYPE_CHECKING:
    from upright.controllers.tiltfile.project import Project


class LinkValue(Struct):
    """What link() returns."""

    starlark_type = "link"

    def __init__(self, url: str, name: str) -> None:
        super().__init__({"name": name, "url": url}, "link")
        self.link = Link(url=url, name=name)


class LinkArguments(Arguments):
    """link(url, name="")."""

    url: str = required(string)
    name: str = optional(string, "")


def link(_project: Project, given: LinkArguments) -> LinkValue:
    """Return a link for ``links=``."""
    try:
        return LinkValue(with_scheme(given.url), given.name)
    except WrongValue as wrong:
        raise Failure(str(wrong)) from None


def with_scheme(url: str) -> str:
    """Return the address, with http unless it says otherwise; raises WrongValue."""
    if not url:
        raise WrongValue('validating URL "": url empty')
    try:
        scheme = urlsplit(url).scheme
    except ValueError as error:
        raise WrongValue(f"validating URL {quote(url)}: {error}") from None
    if "://" in url or (scheme and not url[len(scheme) + 1 :].partition("/")[0].isdecimal()):
        return url
    return "http://" + url.removeprefix("//")


def links(value: Value, _directory: str = "") -> tuple[Link, ...]:
    """Read a string, a link, or a sequence of them."""
    if value is None:
        return ()
    items = value if isinstance(value, List | tuple | Set | Dict) else (value,)
    found: list[Link] = []
    for item in items:
        if isinstance(item, LinkValue):
            found.append(item.link)
        elif type(item) is str:
            found.append(Link(url=with_scheme(item)))
        else:
            raise WrongValue(
                f"Want a string, a link, or a sequence of these; found {to_repr(item)} (type: {type_name(item)})"
            )
    return tuple(found)


VALUES = {"link": function("link", LinkArguments, link)}
