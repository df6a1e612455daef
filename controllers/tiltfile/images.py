"""Images that the Tiltfile builds: what docker_build and custom_build were told, and who needs which."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.text import quote
from upright.controllers.tiltfile.object_names import sanitized
from upright.controllers.tiltfile.readers import Command
from upright.controllers.tiltfile.references import Selector, parse_reference
from upright.openapi.v1alpha1.live_update import KubernetesLiveUpdateSelector, LiveUpdateSelector

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from upright.controllers.tiltfile.language.errors import Place
    from upright.controllers.tiltfile.project import Project
    from upright.controllers.tiltfile.references import Reference
    from upright.controllers.tiltfile.resource_options import CustomDeploy
    from upright.openapi.v1alpha1.live_update import LiveUpdateSpec

NO_CONFIGS = (
    "We could not find any deployment instructions, e.g. `k8s_yaml` or `docker_compose`.\n"
    "Skipping all image builds until we know how to deploy them."
)
NO_IMAGES_IN_CONFIGS = (
    "No Kubernetes configs with images found.\n"
    "If you are using CRDs, add k8s_kind() to tell Tilt how to find images.\n"
    "https://docs.tilt.dev/api.html#api.k8s_kind"
)


class DockerBuild(Struct, frozen=True, kw_only=True):
    """How docker_build builds: an absolute context, the Dockerfile, and its options as the engine takes them."""

    context: str
    dockerfile: str
    dockerfile_path: str
    args: tuple[str, ...] = ()
    target: str = ""
    ssh: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    network: str = ""
    extra_tags: tuple[str, ...] = ()
    cache_from: tuple[str, ...] = ()
    pull: bool = False
    platform: str = ""
    extra_hosts: tuple[str, ...] = ()
    only: tuple[str, ...] = ()


class CustomBuild(Struct, frozen=True, kw_only=True):
    """How custom_build builds: a command, and how its image is found afterwards."""

    command: Command
    deps: tuple[str, ...]
    image_deps: tuple[Reference, ...] = ()
    tag: str = ""
    output_mode: Literal["local-docker", "local-docker-and-remote", "remote"] = "local-docker"
    outputs_image_ref_to: str = ""


class Image(Struct, kw_only=True):
    """One image and its way to be built; ``needs`` are the ImageMap names of images that must be built first."""

    selector: Selector
    build: DockerBuild | CustomBuild
    place: Place | None
    tiltfile: str
    ignore: tuple[str, ...] = ()
    match_in_env_vars: bool = False
    entrypoint: tuple[str, ...] = ()
    container_args: tuple[str, ...] | None = None
    live_update: LiveUpdateSpec | None = None
    needs: list[str] = field(default_factory=list[str])
    used: bool = False

    @property
    def only_updated(self) -> bool:
        """Whether the image is never built: the command does nothing, and files are copied into what runs."""
        build = self.build
        return (
            self.live_update is not None and isinstance(build, CustomBuild) and build.command.argv == ("sh", "-c", ":")
        )

    @property
    def dockerfile(self) -> str:
        """The path of its Dockerfile, or where one would be whose text is given; empty for a command's."""
        build = self.build
        if not isinstance(build, DockerBuild):
            return ""
        return build.dockerfile_path or str(Path(build.context) / "Dockerfile")

    @property
    def watched(self) -> tuple[str, ...]:
        """The files and folders that it is built from."""
        return (self.build.context,) if isinstance(self.build, DockerBuild) else self.build.deps

    @property
    def familiar(self) -> str:
        return self.selector.reference.familiar

    @property
    def map_name(self) -> str:
        """The name of its ImageMap."""
        return sanitized(self.familiar)


def add_image(project: Project, image: Image) -> None:
    """Note the image; raises Failure if its reference is there already.

    Images of one name but different tags match only their own tag.
    """
    namesakes = project.images_by_name.setdefault(image.selector.reference.name, [])
    for known in namesakes:
        if known.selector.reference == image.selector.reference:
            raise Failure(f"Image for ref {quote(image.familiar)} has already been defined")
        image.selector = replace(image.selector, exact=True)
        known.selector = replace(known.selector, exact=True)
    namesakes.append(image)
    project.images.append(image)


def only_updated_image(said: CustomDeploy, update: LiveUpdateSpec) -> Image:
    """Return what stands for the containers that a k8s_custom_deploy updates: an image that is never built.

    It is the one that ``image_selector`` names, else one named after the resource.
    """
    containers = update.selector.kubernetes or KubernetesLiveUpdateSelector()
    reference = parse_reference(containers.image or f"k8s_custom_deploy:{said.name}")
    named = KubernetesLiveUpdateSelector(container_name=containers.container_name)
    kept = LiveUpdateSelector(kubernetes=named if containers.container_name else None)
    return Image(
        selector=Selector(reference, exact=bool(reference.tag)),
        build=CustomBuild(command=Command(("sh", "-c", ":"), ""), deps=said.deps, output_mode="remote"),
        place=said.place,
        tiltfile=said.tiltfile,
        live_update=update.model_copy(update={"selector": kept}),
    )


class ImageIndex:
    """The images by what consumes them."""

    def __init__(self, images: Sequence[Image]) -> None:
        self.images = images
        self.by_map_name = {image.map_name: image for image in images}
        self.by_name: dict[str, list[Image]] = {}
        for image in images:
            self.by_name.setdefault(image.selector.reference.name, []).append(image)
        self.consumed: dict[str, None] = {}

    def consumed_by(self, reference: Reference, consumer: Image | None = None) -> Image | None:
        """Return the image that a consumer's reference means, and note that it is used.

        An image that is built on one of its own name means the one upstream.
        """
        self.consumed[reference.familiar_name] = None
        for image in self.by_name.get(reference.name, ()):
            if image is not consumer and image.selector.matches(reference):
                image.used = True
                return image
        return None

    def link(self) -> None:
        """Find out which image is built on which; raises Failure for one that is asked for and not there."""
        for image in self.images:
            for reference in _base_images(image.build):
                base = self.consumed_by(reference, image)
                if base is not None:
                    image.needs.append(base.map_name)
            for reference in image.build.image_deps if isinstance(image.build, CustomBuild) else ():
                base = self.consumed_by(reference)
                if base is None:
                    message = f"image {quote(image.familiar)}: image dep {quote(reference.familiar)} not found"
                    raise Failure(message, image.place)
                image.needs.append(base.map_name)
            image.needs = list(dict.fromkeys(image.needs))

    def in_build_order(self, wanted: Iterable[str]) -> list[Image]:
        """Return the images by ImageMap name and all they need, each after what it needs."""
        order: list[Image] = []
        finished: set[str] = set()
        pending: set[str] = set()

        def visit(name: str) -> None:
            if name in finished:
                return
            image = self.by_map_name[name]
            if name in pending:
                raise Failure(f"Image dependency cycle: {image.familiar}", image.place)
            pending.add(name)
            for need in image.needs:
                visit(need)
            finished.add(name)
            order.append(image)

        for name in wanted:
            visit(name)
        return order

    def watched_by(self, image: Image) -> list[str]:
        """Return what the image and all it is built on are built from."""
        return [path for one in self.in_build_order([image.map_name]) for path in one.watched]

    def unused_warning(self, quiet: Sequence[str], deployed_by: str, *, has_resources: bool, has_objects: bool) -> str:
        """Return what to say of images that nothing uses, or nothing; ``deployed_by`` is what they might be used in."""
        unused = [image for image in self.images if not image.used and not {"*", image.familiar} & set(quiet)]
        if not unused:
            return ""
        if not has_objects and not has_resources:
            return NO_CONFIGS
        if not has_resources:
            return NO_IMAGES_IN_CONFIGS
        name = unused[0].familiar
        from difflib import get_close_matches  # noqa: PLC0415  reason: needed only when something is wrong

        similar = get_close_matches(unused[0].selector.reference.familiar_name, list(self.consumed), n=3, cutoff=0.3)
        meant = "".join(f"    - {one}\n" for one in similar)
        return (
            f"Image not used in any {deployed_by} config:\n    ✕ {name}\n"
            f"{'Did you mean…' + chr(10) if meant else ''}{meant}Skipping this image build\n"
            "If this is deliberate, suppress this warning with: "
            f"update_settings(suppress_unused_image_warnings=[{quote(name)}])"
        )


def _base_images(build: DockerBuild | CustomBuild) -> list[Reference]:
    if isinstance(build, CustomBuild):
        return []
    from upright.controllers.tiltfile.dockerfile import base_images  # noqa: PLC0415  reason: its parser, where it is used

    return base_images(build.dockerfile, build.args)
