"""Where our answers differ from those of a real kube-apiserver, and why; docs/api-differences.md is printed from this.

``python -m tests.contracts.differences`` prints the page.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Difference(NamedTuple):
    """One kind of difference: in the answers to these calls (empty: any), at paths of this pattern, for this reason."""

    what: str
    why: str
    paths: str
    calls: tuple[str, ...] = ()

    def covers(self, call: str, path: str) -> bool:
        return (not self.calls or call in self.calls) and re.fullmatch(self.paths, path) is not None


_ANY = ".*"
_STATUS = r"/status|/body/(code|reason|message|details.*)"
DIFFERENCES = (
    Difference(
        "A value of the wrong type, or a quantity or base64 that cannot be read, is 422 Invalid with the field's path; "
        "Kubernetes answers 400 BadRequest in the words of its decoder for built-in kinds, and as we do for custom resources.",
        "One way for both groups of kinds, and the field is named.",
        _STATUS,
        (
            "create with a number for a text",
            "create with a list for a map",
            "secret that is not base64",
            "deployment with a text for replicas",
            "pod with a bad quantity",
            "a huge whole number",
        ),
    ),
    Difference(
        "Where Kubernetes says that it failed itself (500) though the request was wrong, it is 400 or 409.",
        "A client retries a 500; it should mend its request.",
        _STATUS,
        (
            "create with a resourceVersion",
            "update with a bad resourceVersion",
            "watch from nonsense",
            "apply of an unknown field, Strict",
        ),
    ),
    Difference(
        "Bodies that cannot be read, patches of no known form, methods and media types that are not served, and tokens "
        "or selectors that make no sense are refused with the same code and reason in other words.",
        "The words say what to send instead; Kubernetes quotes Go's types.",
        r"/body/message|/body/details(/causes)?",
        (
            "create of another kind",
            "create of another version",
            "update with another uid",
            "json patch whose test fails",
            "json patch that removes nothing",
            "json patch that is an object",
            "merge patch that is a list",
            "merge patch that is not JSON",
            "patch of an unknown type",
            "apply without apiVersion",
            "bad continue",
            "limit that is no number",
            "bad label selector",
            "bad operator",
            "by an unknown field",
            "bad resourceVersion",
            "form that is not known",
            "unknown subresource",
            "post to one",
            "put to many",
            "patch of many",
            "no body",
            "no JSON",
            "a list",
            "a text",
            "NaN",
            "no YAML",
            "a content type nobody knows",
        ),
    ),
    Difference(
        "A JSON patch with an operation that nobody knows, and a body that is just null, are 400 BadRequest, not 422.",
        "They are wrong before any object is looked at.",
        _STATUS,
        ("json patch of no known op", "null"),
    ),
    Difference(
        "A negative limit or grace period is 400 BadRequest; Kubernetes takes it for none.",
        "It is always somebody's mistake.",
        r"/status|/body/.*",
        ("negative limit", "negative grace"),
    ),
    Difference(
        "Text that is not UTF-8 is refused; Kubernetes stores replacement characters.",
        "What is stored is what was sent.",
        r"/status|/body/.*",
        ("invalid UTF-8",),
    ),
    Difference(
        "generation cannot be set by a client, and every kind has one; Kubernetes keeps what is sent with kinds that "
        "have none.",
        "Metadata of the server cannot be forged.",
        r"/body/metadata/generation",
        ("create with forged metadata", "service", "namespace"),
    ),
    Difference(
        "Items of a list, and a list's own discovery, carry apiVersion and kind; Kubernetes leaves them out for built-in "
        "kinds, and has them for custom resources.",
        "Lists are made of the bytes that a GET answers with.",
        r"/body/items/\d+/(apiVersion|kind)|/body/apiVersion",
        (
            "list",
            "first page",
            "first page without selector",
            "second page",
            "by name",
            "exactly then",
            "not older than",
            "delete many",
            "core",
        ),
    ),
    Difference(
        "Columns of tables have capitals, types (integer, date) and descriptions of their own; which columns there are, "
        "and in which order, is the same.",
        "kubectl prints capitals anyway, and sorts by type.",
        r".*/columnDefinitions/\d+/(name|description|type)",
    ),
    Difference(
        "A refused precondition of a delete names the resource (configmaps), as every other conflict does; Kubernetes "
        "names the kind there.",
        "One form of details for all conflicts.",
        r"/body/message|/body/details/kind",
        ("delete with another uid", "delete with an old resourceVersion"),
    ),
    Difference(
        "Of several things wrong with one field, or that follow from one another, the first is told, once.",
        "The others go when the first is mended.",
        r"/body/message|/body/details/causes.*",
        (
            "change of an immutable selector",
            "deployment without a spec",
            "add a finalizer while it ends",
            "job that restarts always",
        ),
    ),
    Difference(
        "A single object asked for as PartialObjectMetadataList comes as PartialObjectMetadata; Kubernetes answers 406.",
        "The client can read it.",
        r"/status|/body/.*",
        ("partial list for one",),
    ),
    Difference(
        "A group that is not there is 404 with a Status; Kubernetes answers a line of text.",
        "Every failure is a Status.",
        r"/body",
        ("unknown group",),
    ),
    Difference(
        "A watch from a revision that is yet to come is 504 with the cause ResourceVersionTooLarge, as a list is; "
        "Kubernetes waits for it without a word.",
        "A client that holds such a revision speaks to another database.",
        r"/status|/body.*",
        ("watch from the future", "list from the future"),
    ),
    Difference(
        "The recorded server keeps its objects in kine, which cannot say how far it is: it fails a watch that begins with "
        "what is there and ends that with a bookmark. Ours tells both. It had also forgotten its first revision; ours not.",
        "The oracle's storage, not the API. Expired watches and bookmarks have tests of their own.",
        r"/body.*",
        ("watch with what is there", "watch from long ago"),
    ),
    Difference(
        "A Job gets no labels from its template and no manualSelector; a Pod no tolerations, priority, preemptionPolicy, "
        "enableServiceLinks and qosClass; a Service is single-stack.",
        "Nothing in the embedded cluster acts on them.",
        r"/body/metadata/labels|/body/spec/(manualSelector|enableServiceLinks|preemptionPolicy|priority|tolerations|"
        r"ipFamilies|ipFamilyPolicy)|/body/status/qosClass",
        ("job", "pod", "service"),
    ),
    Difference(
        "A Scale says that it wants 0 replicas; Kubernetes leaves a 0 out.",
        "Readers need not know what an absence means.",
        r"/body/spec/replicas",
        ("read scale",),
    ),
    Difference(
        "Discovery tells no address, namespaces can be deleted many at once, there are no subresources that a single node "
        "does not need (binding, ephemeralcontainers, finalize, proxy, resize), and responseKind is always written out.",
        "What is told is what can be done.",
        r"/body/serverAddressByClientCIDRs|/body/resources/\d+/verbs|/body/items/\d+/metadata/creationTimestamp|"
        r"/body/items/\d+/versions/\d+/resources/\d+/(subresources.*|verbs|responseKind/(group|version))",
        ("api", "core", "aggregated core", "aggregated"),
    ),
)
EVERYWHERE = (
    "metadata.managedFields is kept once somebody has applied on the server; Kubernetes keeps it from the first write.",
    "Details of a Status that say nothing are left out; Kubernetes writes {}.",
    "What api-resources does not list (CronJobs, StatefulSets, tokens of ServiceAccounts, …) is 404: could not find the requested resource.",
    "Protobuf is read from helm and kubectl for Kubernetes' own kinds, and never written: answers are JSON.",
)


def page() -> str:
    """Return docs/api-differences.md."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Where our API differs from Kubernetes'"
    yield ""
    yield "The same calls are put to our server and to a kube-apiserver 1.36 (its answers are recorded in"
    yield "`tests/contracts/kubernetes.json`), and status, reason, message and object compared. They are equal but for what"
    yield "is listed here; a test fails for any other difference, and for one that is listed and no more there."
    yield ""
    yield "| Difference | Why |"
    yield "| --- | --- |"
    for one in DIFFERENCES:
        yield f"| {one.what} | {one.why} |"
    yield ""
    yield "In all answers:"
    yield ""
    for text in EVERYWHERE:
        yield f"- {text}"


if __name__ == "__main__":
    sys.stdout.write(page())
