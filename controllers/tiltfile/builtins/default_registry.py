"""default_registry(): where images are pushed, and pulled from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import Arguments, optional, required, string
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.text import quote
from upright.controllers.tiltfile.references import parse_reference
from upright.controllers.tiltfile.vocabulary import function
from upright.openapi.v1alpha1.cluster import RegistryHosting

if TYPE_CHECKING:
    from upright.controllers.tiltfile.project import Project

_HOST = re.compile(r"[^/]+")


class RegistryArguments(Arguments):
    """default_registry(host, host_from_cluster=None, single_name="")."""

    host: str = required(string)
    host_from_cluster: str = optional(string, "", none_is_unset=True)
    single_name: str = optional(string, "")


def default_registry(project: Project, given: RegistryArguments) -> None:
    """Set the registry; once."""
    if project.default_registry is not None:
        raise Failure("default registry already defined")
    if not given.host:
        raise Failure("validating defaultRegistry: host: Required value")
    for field, host in (("host", given.host), ("hostFromContainerRuntime", given.host_from_cluster)):
        if host:
            _check(field, host)
    project.default_registry = RegistryHosting(
        host=given.host, host_from_container_runtime=given.host_from_cluster, single_name=given.single_name
    )


def _check(field: str, host: str) -> None:
    first = _HOST.match(host)
    try:
        reference = parse_reference(f"{host}/fake")
    except ValueError as error:
        raise Failure(f"validating defaultRegistry: {field}: Invalid value: {quote(host)}: {error}") from None
    if first is None or reference.domain != first[0]:
        raise Failure(
            f"validating defaultRegistry: {field}: Invalid value: {quote(host)}: "
            "registry host must have a dot or a port, such as localhost:5000"
        )


VALUES = {"default_registry": function("default_registry", RegistryArguments, default_registry)}
