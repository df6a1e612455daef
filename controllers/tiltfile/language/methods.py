"""The methods of every type of value, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.dict_methods import DICT_METHODS
from upright.controllers.tiltfile.language.list_methods import LIST_METHODS
from upright.controllers.tiltfile.language.set_methods import SET_METHODS
from upright.controllers.tiltfile.language.string_methods import STRING_METHODS
from upright.controllers.tiltfile.language.values import Dict, List, Set, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

METHODS: Mapping[type, Mapping[str, Callable[[Value, tuple[Value, ...], dict[str, Value]], Value]]] = {
    str: STRING_METHODS,
    List: LIST_METHODS,
    Dict: DICT_METHODS,
    Set: SET_METHODS,
}
