"""What the workers of one node's pods share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from upright.controllers.node.cluster_network import ClusterNetwork
    from upright.controllers.node.event_queue import EventQueue
    from upright.controllers.node.pod_starter import PodStarter
    from upright.controllers.node.preparation import Preparation
    from upright.controllers.world.engine.protocol import Engine


class Workplace(Struct, frozen=True):
    """The engine, the pods' network, the two who act on them, and those who are told."""

    engine: Engine
    network: ClusterNetwork
    preparation: Preparation
    starter: PodStarter
    events: EventQueue
    clock: Callable[[], datetime]
