"""LabelSelector: which objects are meant, by their labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from upright.openapi.causes import forbidden, required
from upright.openapi.meta import Model, omit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from upright.openapi.errors import Cause


class LabelSelectorRequirement(Model):
    """One set-based requirement on a label."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: tuple[str, ...] = omit(())

    def matches(self, labels: Mapping[str, str]) -> bool:
        match self.operator:
            case "In":
                return labels.get(self.key) in self.values
            case "NotIn":
                return labels.get(self.key) not in self.values
            case "Exists":
                return self.key in labels
            case "DoesNotExist":
                return self.key not in labels


class LabelSelector(Model):
    """Labels and requirements that must all hold; an empty one matches everything."""

    match_labels: dict[str, str] = omit({})
    match_expressions: tuple[LabelSelectorRequirement, ...] = omit(())

    @property
    def empty(self) -> bool:
        return not self.match_labels and not self.match_expressions

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether an object with these labels is meant."""
        return all(labels.get(key) == value for key, value in self.match_labels.items()) and all(
            requirement.matches(labels) for requirement in self.match_expressions
        )

    def problems_at(self, at: str) -> Iterator[Cause]:
        for index, one in enumerate(self.match_expressions):
            here = f"{at}.matchExpressions[{index}].values"
            if one.operator in {"In", "NotIn"} and not one.values:
                yield required(here, "must be specified when `operator` is 'In' or 'NotIn'")
            if one.operator in {"Exists", "DoesNotExist"} and one.values:
                yield forbidden(here, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
