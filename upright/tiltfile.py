"""Evaluates a Tiltfile without a run: no server, no cluster, no engine; what ``tiltfile check`` and Tilt's own want."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import msgspec

from upright.client.cli.troubles import WrongUsage
from upright.cluster_choice import choose
from upright.controllers.tiltfile.evaluate import evaluate
from upright.controllers.tiltfile.execution import in_thread
from upright.controllers.tiltfile.language.cancellation import Cancellation
from upright.controllers.tiltfile.limits import Limits, WrongLimit
from upright.controllers.tiltfile.local_commands import LocalCommands
from upright.controllers.tiltfile.project import Facts
from upright.controllers.tiltfile.timings import Timings
from upright.controllers.world.cluster_product import is_for_development
from upright.controllers.world.environment import base_environment
from upright.controllers.world.kubeconfig_files import choose_context
from upright.controllers.world.processes import LocalProcesses
from upright.controllers.world.secrets import Secrets
from upright.openapi.errors import ServiceUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from upright.client.cli.options import TiltfileOptions
    from upright.controllers.tiltfile.evaluate import Evaluation
    from upright.controllers.tiltfile.project import Level

EXIT_USAGE = 2
EXIT_TILTFILE = 5


def result(options: TiltfileOptions) -> int:
    """Print what the Tiltfile comes to as ``tilt alpha tiltfile-result`` does, and return the exit code."""
    from upright.controllers.tiltfile.result import tiltfile_result  # noqa: PLC0415  reason: only where used

    found, timings = evaluated(options, said_later=not options.verbose)
    if found.error is not None:
        return EXIT_TILTFILE
    if options.timings is not None:
        sys.stdout.write(timings.table(options.timings.total_seconds()))
        return 0
    import json  # noqa: PLC0415  reason: as above

    text = json.dumps(tiltfile_result(found, str(Path(options.file).absolute())), ensure_ascii=False)
    _write(msgspec.json.format(text, indent=2))  # json.dumps with indent= takes four times as long
    return 0


def check(options: TiltfileOptions) -> int:
    """Say whether the Tiltfile is right, and what it would build and deploy, and where; return the exit code."""
    from upright.controllers.tiltfile.outline import outline, outline_json  # noqa: PLC0415  reason: only where used

    found, _ = evaluated(options, said_later=not options.verbose)
    where = choose(options.cluster, options.namespace, os.environ)
    scrub = _secrets(found).scrub
    if options.output == "json":
        _write(outline_json(found, scrub, embedded=where.embedded, context=where.context))
    elif found.error is None:
        _write(scrub(outline(found, embedded=where.embedded, context=where.context)))
    if found.error is None:
        return 0
    return EXIT_USAGE if found.wrong_usage else EXIT_TILTFILE


def reference(form: str) -> int:
    """Print the reference of all functions: ``text``, ``markdown`` or ``stub``."""
    from upright.controllers.tiltfile.reference import FORMS  # noqa: PLC0415  reason: only where used

    _write(FORMS[form]())
    return 0


def _secrets(found: Evaluation) -> Secrets:
    """Return what must not be printed."""
    secrets = Secrets()
    for secret in found.secrets:
        secrets.add(secret.name, secret.key, secret.value)
    return secrets


def _write(text: str) -> None:
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")


def evaluated(options: TiltfileOptions, *, said_later: bool) -> tuple[Evaluation, Timings]:
    """Evaluate; what it logs goes to stderr, but only if something is wrong where it is to be said later."""
    timings = Timings(wanted=options.timings is not None)
    kept: list[tuple[str, Level]] = []
    facts = _facts(options)

    def say(text: str, level: Level) -> None:
        if said_later:
            kept.append((text, level))
        else:
            sys.stderr.write(f"{text}\n")

    results: list[Evaluation] = []  # asyncio prints a task's result to itself at the end: 1,000 resources take 0.1 s
    gc.disable()  # an evaluation makes much and drops little, and the process ends with it
    try:
        anyio.run(partial(_evaluate, options.file, facts, say, timings, results))
    except WrongLimit as error:
        raise WrongUsage(str(error)) from error
    finally:
        gc.enable()
    (found,) = results
    secrets = _secrets(found)
    for text, level in kept:
        if found.error is not None or level != "INFO":
            sys.stderr.write(f"{secrets.scrub(text)}\n")
    if found.error is not None:
        sys.stderr.write(f"{secrets.scrub(str(found.error))}\n")
    return found, timings


async def _evaluate(
    file: str, facts: Facts, say: Callable[[str, Level], None], timings: Timings, results: list[Evaluation]
) -> None:
    async with LocalProcesses() as processes:
        cancellation = Cancellation()
        limits = Limits.of(facts.environ)
        work = partial(
            evaluate,
            file,
            facts,
            log=say,
            run_local=LocalCommands(processes, limits),
            cancellation=cancellation,
            timings=timings,
        )
        results.append(await in_thread(work, cancellation, limits))


def _facts(options: TiltfileOptions) -> Facts:
    connection = choose(options.cluster, options.namespace, os.environ)
    namespace, for_development = options.namespace or "default", True
    if not connection.embedded:
        with suppress(ServiceUnavailable):  # nothing is deployed: a context that is not there is no error
            context = choose_context(connection.context, options.namespace, os.environ)
            namespace, for_development = context.namespace, is_for_development(context.product)
    return Facts(
        args=options.args,
        subcommand=options.subcommand,
        environ=base_environment(os.environ, host="localhost"),
        kube_context=connection.context,
        kube_namespace=namespace,
        dev_cluster=for_development,
        must_have_resources=False,
    )
