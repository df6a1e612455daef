from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import pytest

from upright.controllers.disable_status import disable_status
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.config_map import ConfigMap
from upright.openapi.v1alpha1.triggers import ConfigMapDisableSource, DisableSource

if TYPE_CHECKING:
    from upright.controllers.runtime.turn import Turn
    from upright.openapi.v1alpha1.cmd import Cmd

NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Seen:
    """What a turn sees of ConfigMaps."""

    def __init__(self, **values: dict[str, str]) -> None:
        self._maps = {name: ConfigMap(metadata=ObjectMeta(name=name), data=data) for name, data in values.items()}

    def get(self, kind: type[ConfigMap], name: str) -> ConfigMap | None:
        assert kind is ConfigMap
        return self._maps.get(name)

    def turn(self) -> Turn[Cmd]:
        return cast("Turn[Cmd]", self)  # reason: get is all that is asked of it


def key(name: str) -> ConfigMapDisableSource:
    return ConfigMapDisableSource(name=name, key="off")


ONE = DisableSource(config_map=key("a"))
BOTH = DisableSource(every_config_map=(key("a"), key("b")))


@pytest.mark.parametrize(
    ("source", "seen", "state", "reason"),
    [
        (ONE, Seen(), "", 'ConfigMap "a" does not exist'),
        (ONE, Seen(a={}), "Error", 'ConfigMap "a" has no key "off"'),
        (ONE, Seen(a={"off": "maybe"}), "Error", 'ConfigMap/key "a"/"off" has value "maybe": want true or false'),
        (ONE, Seen(a={"off": "true"}), "Disabled", 'ConfigMap/key "a"/"off" is true'),
        (ONE, Seen(a={"off": "false"}), "Enabled", 'ConfigMap/key "a"/"off" is false'),
        (BOTH, Seen(a={"off": "true"}, b={"off": "true"}), "Disabled", 'ConfigMap/key "b"/"off" is true'),
        (BOTH, Seen(a={"off": "true"}, b={"off": "false"}), "Enabled", 'ConfigMap/key "b"/"off" is false'),
        (BOTH, Seen(a={"off": "true"}), "", 'ConfigMap "b" does not exist'),
        (DisableSource(), Seen(), "Enabled", "no ConfigMap is named"),
    ],
)
def test_off_is_what_all_the_config_maps_say(source: DisableSource, seen: Seen, state: str, reason: str) -> None:
    found = disable_status(source, seen.turn(), None, NOW)
    assert found
    assert (found.state, found.reason) == (state, reason)
    assert found.disabled == (state != "Enabled")
    assert found.last_update_time == NOW


def test_without_a_source_nothing_is_said() -> None:
    assert disable_status(None, Seen().turn(), None, NOW) is None


def test_the_time_is_that_of_the_last_change() -> None:
    first = disable_status(ONE, Seen(a={"off": "true"}).turn(), None, NOW)
    later = NOW + timedelta(hours=1)
    assert disable_status(ONE, Seen(a={"off": "true"}).turn(), first, later) == first
    changed = disable_status(ONE, Seen(a={"off": "false"}).turn(), first, later)
    assert changed
    assert changed.last_update_time == later
