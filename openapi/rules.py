"""The rules by which something is called failed: what each means, when it is red, which setting says so, what to do.

A failure card names its rule. ``upright explain rule`` prints this, and docs/rules.md is made of it.
"""

from __future__ import annotations

from typing import NamedTuple


class Rule(NamedTuple):
    """One rule. ``setting`` is the budget or limit that it heeds (``ci_settings``, ``k8s_resource``, ``--set``); empty: none."""

    name: str
    what: str
    red: str
    look: str
    setting: str = ""


_AT_ONCE = "At once."
_LIMIT = "When the phase has taken longer than its limit; without a limit never."

RULES: tuple[Rule, ...] = (
    Rule(
        "tiltfile",
        "The Tiltfile could not be executed, or what it says cannot be.",
        "At once; the run ends with exit code 5.",
        "The message has the place, file:line:column, and the calls that led there. `upright tiltfile check` repeats it.",
    ),
    Rule(
        "command-failed",
        "The command of a local resource ended with an exit code other than 0, or could not be started.",
        _AT_ONCE,
        "The last lines of its log are on the card; run the command yourself in the folder that it names.",
    ),
    Rule(
        "build-failed",
        "An image could not be built.",
        _AT_ONCE,
        "The card has the step of the Dockerfile that failed, and what it printed.",
    ),
    Rule(
        "push-failed",
        "An image was built, and could not be brought to the cluster: pushed to its registry, or loaded into its nodes.",
        "At once if the registry refuses it (401, 403, 413, a full disk, TLS). A registry that cannot be reached, answers "
        "5xx or 429, or breaks off is tried four times first.",
        "The message is the registry's, with what to do. Credentials are those of `docker login` and its helpers.",
    ),
    Rule(
        "apply-refused",
        "The cluster refused an object: it is not valid, not allowed, over a quota, or an admission webhook denied it; "
        "or it could not be pushed or applied.",
        "At once. A webhook or an API that cannot be reached or answers 5xx is tried again first.",
        "The message is the API server's, with the field's path.",
    ),
    Rule(
        "compose-up-failed",
        "A Compose service could not be created or started.",
        _AT_ONCE,
        "The message is the engine's: often a port that is taken, or a mount that is not there.",
    ),
    Rule(
        "update-failed",
        "An update of a resource failed in a step that has no rule of its own.",
        _AT_ONCE,
        "The message says which step; the resource's log has the rest.",
    ),
    Rule(
        "failed",
        "A target ended with an error that no rule describes: nothing that failed is ever taken for well.",
        _AT_ONCE,
        "`upright describe resource NAME` shows its steps and pods.",
    ),
    Rule(
        "server-exited",
        "The serve_cmd of a local resource ended, whatever its exit code: a server is to go on.",
        _AT_ONCE,
        "What is to end is a `cmd`, not a `serve_cmd`.",
    ),
    Rule(
        "deleted",
        "Somebody else deleted what this run had applied.",
        "When it has been gone for this long, and is no Job that was done by then.",
        "A clean-up job, another run, or somebody with `kubectl`: the cluster's audit log knows who it was.",
        "missing_ref_timeout",
    ),
    Rule(
        "crash-loop",
        "A container ends again and again.",
        "After three crashes if it was never ready, after two if it was. A crash does not count while something that it "
        "could wait for is still being brought up; five count whatever else goes on. "
        "Crashes before the apply, of a pod that was there already, do not count. One that ran for `stable_for` or longer "
        "before it ended is not healthy again until it has run longer than that (a minute is enough).",
        "The exit code and the last lines of the container that ended are on the card. Exit code 137 is often memory "
        "(OOMKilled), 143 a liveness probe.",
        "crash_budget",
    ),
    Rule(
        "not-startable",
        "The container's command cannot be started: no such file, not executable, or for another architecture.",
        "At the second time.",
        "Compare `command` with what is in the image, and the image's architecture with the node's.",
    ),
    Rule(
        "pod-failed",
        "A pod failed, and nothing will make another try.",
        _AT_ONCE,
        "The card has the container's exit code and its last lines, or why the pod was evicted.",
    ),
    Rule(
        "older-template",
        "A pod runs an older template than the one applied, and its ReplicaSet or ReplicationController replaces no pods.",
        _AT_ONCE,
        "Delete the pod as the message says, or deploy a Deployment, which replaces its pods itself.",
    ),
    Rule(
        "job-failed",
        "A Job has used up its retries, or its deadline.",
        "At once, also within a grace period.",
        "The card has the log of the last pod; backoffLimit says how often the Job tries.",
    ),
    Rule(
        "image-pull",
        "An image cannot be pulled.",
        "At once if the registry says that it is not there or not allowed; at the second answer if it cannot be reached. "
        "A 429, a 5xx or a time-out is tolerated until the readiness timeout.",
        "Look at the name, the tag and the pull secret. An image that this run builds must be pushed to where the cluster "
        "pulls from: `default_registry`.",
    ),
    Rule(
        "invalid-image-name",
        "The name of an image cannot be read.",
        _AT_ONCE,
        "Names are lower case; a tag follows a colon, a digest an @.",
    ),
    Rule(
        "image-never-pull",
        "The image is not on the node, and imagePullPolicy is Never.",
        _AT_ONCE,
        "Build it with the cluster's own engine, load it into the cluster, or leave the policy to the cluster.",
    ),
    Rule(
        "missing-reference",
        "A pod needs a Secret, ConfigMap, ServiceAccount or volume claim that is not there.",
        "After 5 s if nothing in this run will make it, else when whoever may make it is done; after 60 s where custom "
        "resources could have it made.",
        "The message names what is missing: apply it too, or name the resource that makes it in resource_deps.",
        "missing_ref_timeout",
    ),
    Rule(
        "unschedulable",
        "No node can take the pod.",
        "After 15 s, which count only while no autoscaler acts, no node is on its way, no claim is being bound, and no pod of "
        "this run is leaving.",
        "The scheduler's words say what is short: CPU, memory, a taint, a node selector.",
        "unschedulable_timeout",
    ),
    Rule(
        "cannot-create",
        "The node cannot make the pod's sandbox or one of its containers.",
        "After 5 s.",
        "The message is the container runtime's: a mount, a device, a security profile.",
        "missing_ref_timeout",
    ),
    Rule(
        "pods-refused",
        "The controller of a workload is not allowed to create pods: a quota, a security policy, an admission webhook.",
        "After 5 s.",
        "The message is the API server's answer to the controller.",
        "pods_timeout",
    ),
    Rule(
        "progress-deadline",
        "A Deployment made no progress for its progressDeadlineSeconds.",
        _AT_ONCE,
        "`upright describe resource NAME` shows the pods that are not ready, and why.",
    ),
    Rule(
        "stalled",
        "A custom resource says by its conditions that it has failed, or can go no further.",
        _AT_ONCE,
        "The message is that of its controller.",
    ),
    Rule(
        "readiness-timeout",
        "Something runs and did not become ready in its time, or was ready and is not any more.",
        "5 minutes after it was ready last, else after its start; Jobs aside.",
        "The card has what the readiness probe answered, and the last lines of the log.",
        "ready_timeout",
    ),
    Rule("build-timeout", "A build takes too long.", _LIMIT, "The log shows the step that it is at.", "build_timeout"),
    Rule(
        "push-timeout",
        "A push takes too long.",
        _LIMIT,
        "The log shows the layers that are still to go.",
        "push_timeout",
    ),
    Rule(
        "apply-timeout",
        "Objects take too long to be applied.",
        _LIMIT,
        "The card says what the API server answered last.",
        "apply_timeout",
    ),
    Rule(
        "schedule-timeout",
        "A pod is without a node for too long.",
        _LIMIT,
        "The scheduler's events are on the card.",
        "schedule_timeout",
    ),
    Rule(
        "pull-timeout",
        "An image takes too long to be pulled.",
        _LIMIT,
        "The pod's events are on the card.",
        "pull_timeout",
    ),
    Rule(
        "start-timeout",
        "A container takes too long to start after its image is there.",
        _LIMIT,
        "Init containers count too; the pod's events are on the card.",
        "start_timeout",
    ),
    Rule(
        "container-not-startable",
        "The container of a Compose service cannot be started.",
        _AT_ONCE,
        "The message is the engine's.",
    ),
    Rule(
        "container-exited",
        "The container of a Compose service ended, and nothing restarts it.",
        "At once, if its exit code is not 0.",
        "The exit code and the last lines are on the card.",
    ),
    Rule(
        "unhealthy",
        "The health check of a Compose service failed as often as it may.",
        "When the engine calls the container unhealthy.",
        "The card has what the health check printed.",
    ),
)


def rule(name: str) -> Rule | None:
    """Return the rule of this name; None if there is none."""
    return next((one for one in RULES if one.name == name), None)


def page() -> str:
    """Return the reference as Markdown."""
    begun = "A failure card names its rule: what is called failed, and when. `upright explain rule NAME` prints it too."
    parts = [f"# Rules\n\n{begun}\n\n"]
    for one in RULES:
        setting = f" Setting: `{one.setting}`." if one.setting else ""
        parts.append(f"## {one.name}\n\n{one.what}\n\n- **Red:** {one.red}{setting}\n- **Look at:** {one.look}\n\n")
    return "".join(parts).rstrip("\n") + "\n"


if __name__ == "__main__":
    import sys

    sys.stdout.write(page())
