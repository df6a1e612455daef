"""The client for programs without an event loop: the same verbs, which wait for their answers; each is the asynchronous one's."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from anyio.from_thread import start_blocking_portal

from upright.client.client import Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from anyio.from_thread import BlockingPortal

P = ParamSpec("P")
R = TypeVar("R")


def _waiting(
    verb: Callable[Concatenate[Client, P], Coroutine[Any, Any, R]],  # Any: what coroutines are sent is nothing of ours
) -> Callable[Concatenate[SyncClient, P], R]:
    """Return the verb as one that waits."""

    @wraps(verb)
    def waits(self: SyncClient, /, *args: P.args, **named: P.kwargs) -> R:
        answer: R = self._portal.call(partial(verb, self._client, *args, **named))
        return answer

    return waits


def _iterating(
    verb: Callable[Concatenate[Client, P], AbstractAsyncContextManager[AsyncIterator[R]]],
) -> Callable[Concatenate[SyncClient, P], AbstractContextManager[Iterator[R]]]:
    """Return what opens something that goes on, as a context whose iterator waits."""

    @wraps(verb)
    @contextmanager
    def opens(self: SyncClient, /, *args: P.args, **named: P.kwargs) -> Generator[Iterator[R]]:
        with self._portal.wrap_async_context_manager(verb(self._client, *args, **named)) as items:
            yield self._taken(items)

    return opens


def _connecting(
    connect: Callable[P, AbstractAsyncContextManager[Client]],
) -> Callable[P, AbstractContextManager[SyncClient]]:
    """Return the way to connect, for a thread with an event loop that ends with the context."""

    @wraps(connect)
    @contextmanager
    def connects(*args: P.args, **named: P.kwargs) -> Generator[SyncClient]:
        with (
            start_blocking_portal() as portal,
            portal.wrap_async_context_manager(connect(*args, **named)) as client,
        ):
            yield SyncClient(client, portal)

    return connects


class SyncClient:
    """The verbs of ``Client``, with the same arguments: ``with SyncClient.connect() as client: client.get(Resource, "web")``.

    ``with client.watch(…) as changes`` and ``with client.logs(…) as lines`` give iterators that wait for what comes.
    """

    connect = staticmethod(_connecting(Client.connect))
    from_kubeconfig = staticmethod(_connecting(Client.from_kubeconfig))

    def __init__(self, client: Client, portal: BlockingPortal) -> None:
        self._client = client
        self._portal = portal

    get = _waiting(Client.get)
    list = _waiting(Client.list)
    create = _waiting(Client.create)
    update = _waiting(Client.update)
    update_status = _waiting(Client.update_status)
    patch = _waiting(Client.patch)
    apply = _waiting(Client.apply)
    delete = _waiting(Client.delete)
    wait = _waiting(Client.wait)
    wait_gone = _waiting(Client.wait_gone)
    exec = _waiting(Client.exec)
    watch = _iterating(Client.watch)
    logs = _iterating(Client.logs)

    def _taken(self, items: AsyncIterator[R]) -> Iterator[R]:
        while True:
            try:
                item = self._portal.call(anext, items)
            except StopAsyncIteration:
                return
            yield item
