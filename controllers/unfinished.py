"""Which resources are still being brought up, and so may be what another one waits for; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from upright.openapi.v1alpha1.resource import Resource


class Unfinished(Struct):
    """The resources whose first deploy is not over. All of it is a cache, filled from the resources' statuses."""

    _names: set[str] = field(default_factory=set[str])
    _failed: set[str] = field(default_factory=set[str])
    _direct: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    _ahead: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])

    def note(self, resource: Resource) -> bool:
        """Take note of how a resource is; True if one has just been finished, well or not."""
        name, status = resource.name, resource.status
        if resource.metadata.deletion_timestamp is not None:
            return self.forget(name)
        if self._direct.get(name) != resource.spec.depends_on:
            self._direct[name] = resource.spec.depends_on
            self._ahead.clear()
        (self._failed.add if status.failures else self._failed.discard)(name)
        if status.ever_ready or status.failures or not resource.spec.auto_init:
            return self._finish(name)
        self._names.add(name)
        return False

    def forget(self, name: str) -> bool:
        """Take note that a resource is gone, or switched off."""
        self._failed.discard(name)
        return self._finish(name)

    def _finish(self, name: str) -> bool:
        known = name in self._names
        self._names.discard(name)
        return known

    def could_help(self, name: str) -> bool:
        """Whether the resource could be waiting for another one: its dependants aside, and those that wait for a failed one."""
        for other in self._names:
            if other == name:
                continue
            ahead = self._all_ahead(other)
            if name not in ahead and not ahead & self._failed:
                return True
        return False

    def _all_ahead(self, name: str) -> frozenset[str]:
        """Return all that the resource depends on, also through others."""
        if name not in self._ahead:
            found: set[str] = set()
            ahead = list(self._direct.get(name, ()))
            while ahead:
                one = ahead.pop()
                if one not in found:
                    found.add(one)
                    ahead += self._direct.get(one, ())
            self._ahead[name] = frozenset(found)
        return self._ahead[name]
