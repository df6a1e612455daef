"""What a Tiltfile says while it runs: the facts it may ask for, and everything its builtins note down."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from msgspec import Struct, field

from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.noted import Noted
from upright.controllers.tiltfile.timings import Timings
from upright.controllers.tiltfile.workload_kinds import Kinds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from upright.controllers.tiltfile.compose import ComposeProject
    from upright.controllers.tiltfile.images import Image
    from upright.controllers.tiltfile.kubernetes_objects import Entity
    from upright.controllers.tiltfile.language.errors import Place
    from upright.controllers.tiltfile.language.interpreter import Interpreter
    from upright.controllers.tiltfile.language.values import Value
    from upright.controllers.tiltfile.live_updates import LiveUpdateStep
    from upright.controllers.tiltfile.resource_options import CustomDeploy, KubernetesOptions, LocalResource
    from upright.openapi.meta import Object
    from upright.openapi.v1alpha1.cluster import RegistryHosting
    from upright.openapi.v1alpha1.limits import Limits
    from upright.openapi.v1alpha1.live_update import LiveUpdateSpec
    from upright.openapi.v1alpha1.resource import ResourceImage
    from upright.openapi.v1alpha1.tiltfile import TiltfileSettings

Level = Literal["INFO", "WARN", "ERROR"]
MAX_SAID = 64 << 20  # characters printed
MAX_READ = 256 << 20  # characters of a file
TriggerMode = Literal["auto", "manual"]


class Finished(Struct, frozen=True):
    """How a local command ended; ``error`` says why it could not run at all."""

    exit_code: int
    stdout: str = ""
    stderr: str = ""
    error: str = ""


class RunLocal(Protocol):
    """Runs a command and waits for it.

    ``env`` is the whole environment. ``line`` hears every line of both streams as it comes, without its newline.
    Called in the evaluation's thread; whoever cancels the evaluation has to end the command too.
    """

    def __call__(
        self,
        argv: Sequence[str],
        *,
        directory: str,
        env: Mapping[str, str],
        stdin: str | None,
        line: Callable[[str], None],
    ) -> Finished: ...


class Facts(Struct, frozen=True, kw_only=True):
    """What a Tiltfile may ask about the run.

    ``dev_cluster``: deploying there needs no allow_k8s_contexts (a known development cluster, the embedded one, or
    none at all). ``host`` is where port forwards listen unless they say otherwise.
    ``must_have_resources``: a Tiltfile without any is wrong. ``tell_secret`` hears the name, key and value of each
    secret when its YAML is read, so that what is printed from then on can do without it.
    """

    args: tuple[str, ...] = ()
    subcommand: str = "ci"
    environ: Mapping[str, str] = field(default_factory=dict[str, str])
    kube_context: str = ""
    kube_namespace: str = "default"
    dev_cluster: bool = True
    host: str = "localhost"
    executable: str = "upright"
    name: str = "(Tiltfile)"
    must_have_resources: bool = True
    tell_secret: Callable[[str, str, bytes], None] = lambda _name, _key, _value: None


class Project(Struct):
    """The state of one evaluation. Builtins write to it; assembly makes objects of it."""

    facts: Facts
    log: Callable[[str, Level], None]
    run_local: RunLocal
    interpreter: Interpreter
    settings: TiltfileSettings
    environ: dict[str, str] = field(default_factory=dict[str, str])
    said: int = 0
    read_paths: dict[str, None] = field(default_factory=dict[str, None])
    warnings: list[str] = field(default_factory=list[str])

    local_resources: dict[str, LocalResource] = field(default_factory=dict[str, "LocalResource"])
    images: list[Image] = field(default_factory=list["Image"])
    images_by_name: dict[str, list[Image]] = field(default_factory=dict[str, "list[Image]"])
    entities: list[Entity] = field(default_factory=list["Entity"])
    entity_places: dict[tuple[str, ...], Place | None] = field(default_factory=dict[tuple[str, ...], "Place | None"])
    kubernetes_options: list[KubernetesOptions] = field(default_factory=list["KubernetesOptions"])
    custom_deploys: dict[str, CustomDeploy] = field(default_factory=dict[str, "CustomDeploy"])
    compose: dict[str, ComposeProject] = field(default_factory=dict[str, "ComposeProject"])
    compose_names: set[str] = field(default_factory=set[str])
    kinds: Kinds = field(default_factory=Kinds)
    name_workload: Value = None
    default_registry: RegistryHosting | None = None
    allowed_contexts: list[str] = field(default_factory=list[str])
    noted: Noted = field(default_factory=Noted)
    trigger_mode: TriggerMode = "auto"
    trigger_mode_place: Place | None = None
    scrub_secrets: bool = True
    learned_secrets: list[tuple[str, str, bytes]] = field(default_factory=list[tuple[str, str, bytes]])
    enabled_resources: list[str] | None = None
    enabled_place: Place | None = None
    disable_all: bool = False
    config_parsed_in: str = ""
    wrong_usage: bool = False
    unused_steps: dict[str, LiveUpdateStep] = field(default_factory=dict[str, "LiveUpdateStep"])
    objects: dict[tuple[str, str], Object] = field(default_factory=dict[tuple[str, str], "Object"])
    targets: dict[str, tuple[tuple[ResourceImage, LiveUpdateSpec | None], ...]] = field(
        default_factory=dict[str, "tuple[tuple[ResourceImage, LiveUpdateSpec | None], ...]"]
    )
    limits_of_labels: dict[str, Limits] = field(default_factory=dict[str, "Limits"])
    timings: Timings = field(default_factory=Timings)
    memory: dict[str, Value] = field(default_factory=dict[str, "Value"])

    @property
    def directory(self) -> str:
        """What relative paths are relative to."""
        return self.interpreter.directory

    @property
    def context_allowed(self) -> bool:
        """Whether the Tiltfile may deploy to (and run commands against) the current cluster."""
        return self.facts.dev_cluster or self.facts.kube_context in self.allowed_contexts

    def say(self, text: str) -> None:
        """Log what the Tiltfile prints; raises Failure once that is a flood."""
        self._count(text)
        self.log(text, "INFO")

    def warn(self, text: str) -> None:
        """Log a warning, and keep it for the Tiltfile's status."""
        self._count(text)
        self.warnings.append(text)
        self.log(text, "WARN")

    def _count(self, text: str) -> None:
        self.said += len(text)
        if self.said > MAX_SAID:
            raise Failure(f"stopped: the Tiltfile has printed more than {MAX_SAID >> 20} MiB")

    def watch(self, path: str, *, recursive: bool = False) -> None:
        """Note that the Tiltfile depends on the file, also if it is not there yet; a folder only if ``recursive``."""
        if recursive or not Path(path).is_dir():
            self.read_paths[path] = None

    def read(self, path: str) -> str:
        """Return a file's text, and note the dependency; raises FileNotFoundError, or Failure for other trouble."""
        self.watch(path)
        if not path.startswith("/dev/") and Path(path).is_fifo():
            raise Failure(f"read {path}: it is a pipe, not a file: it would be waited for until somebody writes to it")
        try:
            with Path(path).open(encoding="utf-8", newline="") as file:
                text = file.read(MAX_READ + 1)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise Failure(f"open {path}: {(error.strerror or str(error)).lower()}") from None
        except UnicodeDecodeError as error:
            raise Failure(f"{path} is not UTF-8 text: byte {error.start}") from None
        if len(text) > MAX_READ:
            raise Failure(f"read {path}: larger than {MAX_READ >> 20} MiB")
        return text

    def read_or_fail(self, path: str) -> str:
        """Return a file's text; raises Failure, in Go's words, also for a file that is not there."""
        try:
            return self.read(path)
        except FileNotFoundError:
            raise Failure(f"open {path}: no such file or directory") from None

    def check_free(self, name: str) -> None:
        """Raise Failure if a resource of that name was defined already."""
        for kind, known in (("local", self.local_resources), ("k8s", self.custom_deploys), ("dc", self.compose_names)):
            if name in known:
                raise Failure(f'{kind}_resource named "{name}" already exists')
