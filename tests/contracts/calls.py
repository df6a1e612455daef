"""The calls that are put to our server and to a real kube-apiserver, in order; each may quote the answers before it.

``${made:metadata/resourceVersion}`` is what stands there in the answer to the call named made.
"""

from __future__ import annotations

from tests.contracts.requests import (
    AGGREGATED,
    DEPLOYMENTS,
    JOBS,
    MAPS,
    MERGE,
    NAMESPACE,
    PARTIAL,
    PARTIALS,
    PODS,
    TABLE,
    Call,
    config_map,
    deployment,
    job,
    pod,
    template,
)
from tests.contracts.writing_calls import PATCHES, WRITES

READS = (
    Call("b", "POST", MAPS, config_map("b", labels={"app": "shop"})),
    Call("c", "POST", MAPS, config_map("c", labels={"app": "mall"})),
    Call("d", "POST", MAPS, config_map("d", labels={"app": "shop", "tier": "db"})),
    Call("list", "GET", f"{MAPS}?labelSelector=app"),
    Call("first page", "GET", f"{MAPS}?labelSelector=app&limit=2"),
    Call("first page without selector", "GET", f"{MAPS}?limit=2&fieldSelector=metadata.name!%3Dkube-root-ca.crt"),
    Call("second page", "GET", f"{MAPS}?labelSelector=app&limit=5&continue=${{first page:metadata/continue}}"),
    Call("bad continue", "GET", f"{MAPS}?continue=abc"),
    Call(
        "continue with resourceVersion",
        "GET",
        f"{MAPS}?continue=${{first page:metadata/continue}}&resourceVersion=${{b:metadata/resourceVersion}}",
    ),
    Call("negative limit", "GET", f"{MAPS}?limit=-1&labelSelector=app%3Dmall"),
    Call("limit that is no number", "GET", f"{MAPS}?limit=x"),
    Call("equal", "GET", f"{MAPS}?labelSelector=app%3Dshop", accept=PARTIALS),
    Call("not equal", "GET", f"{MAPS}?labelSelector=app,app!%3Dshop", accept=PARTIALS),
    Call("in", "GET", f"{MAPS}?labelSelector=app%20in%20(mall,x)", accept=PARTIALS),
    Call("notin", "GET", f"{MAPS}?labelSelector=app,app%20notin%20(mall)", accept=PARTIALS),
    Call("does not exist", "GET", f"{MAPS}?labelSelector=app,!tier", accept=PARTIALS),
    Call("bad label selector", "GET", f"{MAPS}?labelSelector=a%20b"),
    Call("bad operator", "GET", f"{MAPS}?labelSelector=a%20in%20b"),
    Call("by name", "GET", f"{MAPS}?fieldSelector=metadata.name%3Db"),
    Call("by an unknown field", "GET", f"{MAPS}?fieldSelector=spec.x%3Db"),
    Call("bad field selector", "GET", f"{MAPS}?fieldSelector=abc"),
    Call(
        "exactly then",
        "GET",
        f"{MAPS}?labelSelector=app&resourceVersion=${{b:metadata/resourceVersion}}&resourceVersionMatch=Exact",
    ),
    Call(
        "not older than",
        "GET",
        f"{MAPS}?labelSelector=app&resourceVersion=${{b:metadata/resourceVersion}}&resourceVersionMatch=NotOlderThan",
    ),
    Call("match without version", "GET", f"{MAPS}?resourceVersionMatch=Exact"),
    Call("exactly 0", "GET", f"{MAPS}?resourceVersion=0&resourceVersionMatch=Exact"),
    Call("unknown match", "GET", f"{MAPS}?resourceVersion=1&resourceVersionMatch=Odd"),
    Call(
        "match with continue",
        "GET",
        f"{MAPS}?continue=${{first page:metadata/continue}}&resourceVersion=1&resourceVersionMatch=Exact",
    ),
    Call("bad resourceVersion", "GET", f"{MAPS}?resourceVersion=abc"),
    Call("list from the future", "GET", f"{MAPS}?resourceVersion=999999999999"),
    Call("table", "GET", f"{MAPS}/b", accept=TABLE),
    Call("table of many", "GET", f"{MAPS}?labelSelector=app%3Dmall", accept=TABLE),
    Call("table with objects", "GET", f"{MAPS}?labelSelector=app%3Dmall&includeObject=Object", accept=TABLE),
    Call("table without objects", "GET", f"{MAPS}?labelSelector=app%3Dmall&includeObject=None", accept=TABLE),
    Call("table of deployments", "GET", f"{DEPLOYMENTS}?fieldSelector=metadata.name%3Dnone", accept=TABLE),
    Call("table of pods", "GET", f"{PODS}?fieldSelector=metadata.name%3Dnone", accept=TABLE),
    Call("table of jobs", "GET", f"{JOBS}?fieldSelector=metadata.name%3Dnone", accept=TABLE),
    Call("partial", "GET", f"{MAPS}/b", accept=PARTIAL),
    Call("partial list for one", "GET", f"{MAPS}/b", accept=PARTIALS),
    Call("form that is not known", "GET", f"{MAPS}/b", accept="text/html"),
    Call("unknown resource", "GET", "/api/v1/namespaces/default/nothings"),
    Call("unknown group", "GET", "/apis/nobody.example/v1/things"),
    Call("unknown subresource", "GET", f"{MAPS}/b/status"),
    Call("post to one", "POST", f"{MAPS}/b", config_map("b")),
    Call("put to many", "PUT", MAPS, config_map("b")),
    Call("patch of many", "PATCH", MAPS, {}, MERGE),
    Call("pods by phase", "GET", f"{PODS}?fieldSelector=status.phase%3DRunning"),
)

WATCHES = (
    Call(
        "watch from then",
        "GET",
        f"{MAPS}?watch=1&timeoutSeconds=1&labelSelector=app%3Dshop&resourceVersion=${{create:metadata/resourceVersion}}",
    ),
    Call("move out", "PATCH", f"{MAPS}/b", {"metadata": {"labels": {"app": "mall"}}}, MERGE),
    Call("move in", "PATCH", f"{MAPS}/c", {"metadata": {"labels": {"app": "shop"}}}, MERGE),
    Call(
        "watch what enters and leaves",
        "GET",
        f"{MAPS}?watch=1&timeoutSeconds=1&labelSelector=app%3Dshop&resourceVersion=${{d:metadata/resourceVersion}}",
    ),
    Call(
        "watch with what is there",
        "GET",
        f"{MAPS}?watch=1&timeoutSeconds=1&labelSelector=app%3Dshop&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan",
    ),
    Call(
        "watch with what is there, no bookmarks",
        "GET",
        f"{MAPS}?watch=1&timeoutSeconds=1&labelSelector=app&sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
    ),
    Call("watch with initial events and no match", "GET", f"{MAPS}?watch=1&timeoutSeconds=1&sendInitialEvents=true"),
    Call(
        "watch with a match only",
        "GET",
        f"{MAPS}?watch=1&timeoutSeconds=1&resourceVersion=1&resourceVersionMatch=Exact",
    ),
    Call(
        "watch with initial events and Exact",
        "GET",
        f"{MAPS}?watch=1&timeoutSeconds=1&sendInitialEvents=true&resourceVersion=1&resourceVersionMatch=Exact",
    ),
    Call("watch by name", "GET", f"{MAPS}?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Dd&resourceVersion=0"),
    Call(
        "watch as table",
        "GET",
        f"{MAPS}?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Dd&resourceVersion=0",
        accept=TABLE,
    ),
    Call(
        "watch as partial",
        "GET",
        f"{MAPS}?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Dd&resourceVersion=0",
        accept=PARTIAL,
    ),
    Call("watch from nonsense", "GET", f"{MAPS}?watch=1&timeoutSeconds=1&resourceVersion=abc"),
    Call("watch from the future", "GET", f"{MAPS}?watch=1&timeoutSeconds=1&resourceVersion=999999999999"),
    Call("watch from long ago", "GET", f"{MAPS}?watch=1&timeoutSeconds=1&resourceVersion=1"),
)

DELETES = (
    Call("make held", "POST", MAPS, config_map("held", finalizers=["acme.test/hold"])),
    Call("delete with another uid", "DELETE", f"{MAPS}/held", {"preconditions": {"uid": "x"}}),
    Call("delete with an old resourceVersion", "DELETE", f"{MAPS}/held", {"preconditions": {"resourceVersion": "1"}}),
    Call("delete held", "DELETE", f"{MAPS}/held"),
    Call("delete held again", "DELETE", f"{MAPS}/held"),
    Call(
        "add a finalizer while it ends",
        "PATCH",
        f"{MAPS}/held",
        {"metadata": {"finalizers": ["acme.test/hold", "acme.test/more"]}},
        MERGE,
    ),
    Call("let go", "PATCH", f"{MAPS}/held", {"metadata": {"finalizers": None}}, MERGE),
    Call("after it was let go", "GET", f"{MAPS}/held"),
    Call("finalizer without a domain", "POST", MAPS, config_map("x", finalizers=["hold"])),
    Call("dry run delete", "DELETE", f"{MAPS}/b?dryRun=All"),
    Call("after a dry run of a delete", "GET", f"{MAPS}/b", accept=PARTIAL),
    Call("delete by uid", "DELETE", f"{MAPS}/b", {"preconditions": {"uid": "${b:metadata/uid}"}}),
    Call("delete of what is not there", "DELETE", f"{MAPS}/b"),
    Call("bad propagation", "DELETE", f"{MAPS}/c?propagationPolicy=Odd"),
    Call(
        "two ways of propagation", "DELETE", f"{MAPS}/c", {"propagationPolicy": "Background", "orphanDependents": True}
    ),
    Call("negative grace", "DELETE", f"{MAPS}/c", {"gracePeriodSeconds": -1, "dryRun": ["All"]}),
    Call("foreground", "DELETE", f"{DEPLOYMENTS}/web?propagationPolicy=Foreground&dryRun=All"),
    Call("orphan", "DELETE", f"{DEPLOYMENTS}/web?propagationPolicy=Orphan&dryRun=All"),
    Call("background", "DELETE", f"{DEPLOYMENTS}/web?propagationPolicy=Background&dryRun=All"),
    Call("delete many", "DELETE", f"{MAPS}?labelSelector=app"),
    Call(
        "watch what was deleted",
        "GET",
        f"{MAPS}?watch=1&timeoutSeconds=1&labelSelector=app&resourceVersion=${{let go:metadata/resourceVersion}}",
    ),
)

KINDS = (
    Call("deployment", "POST", f"{DEPLOYMENTS}?dryRun=All", deployment("made")),
    Call("job", "POST", f"{JOBS}?dryRun=All", job("made")),
    Call("job that restarts always", "POST", JOBS, job("bad", template=template())),
    Call("pod", "POST", f"{PODS}?dryRun=All", pod("made")),
    Call("pod without containers", "POST", PODS, pod("bad", containers=[])),
    Call("pod with two of a name", "POST", PODS, pod("bad", containers=[{"name": "a", "image": "i"}] * 2)),
    Call("pod without an image", "POST", PODS, pod("bad", containers=[{"name": "a"}])),
    Call(
        "pod with a bad port",
        "POST",
        PODS,
        pod("bad", containers=[{"name": "a", "image": "i", "ports": [{"containerPort": 70000}]}]),
    ),
    Call(
        "pod with a bad quantity",
        "POST",
        PODS,
        pod("bad", containers=[{"name": "a", "image": "i", "resources": {"limits": {"cpu": "x"}}}]),
    ),
    Call(
        "pod with an unknown volume",
        "POST",
        PODS,
        pod("bad", containers=[{"name": "a", "image": "i", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}]),
    ),
    Call("pod with a bad restart policy", "POST", PODS, pod("bad", restartPolicy="Odd")),
    Call(
        "service",
        "POST",
        f"/api/v1/namespaces/{NAMESPACE}/services?dryRun=All",
        {"metadata": {"name": "web"}, "spec": {"clusterIP": "None", "ports": [{"port": 80}]}},
    ),
    Call(
        "service without ports",
        "POST",
        f"/api/v1/namespaces/{NAMESPACE}/services",
        {"metadata": {"name": "web"}, "spec": {}},
    ),
    Call("namespace", "POST", "/api/v1/namespaces?dryRun=All", {"metadata": {"name": "fresh"}}),
    Call("delete of default", "DELETE", "/api/v1/namespaces/default?dryRun=All"),
)

BODIES = (
    Call("no body", "POST", MAPS, b""),
    Call("no JSON", "POST", MAPS, b"{"),
    Call("a list", "POST", MAPS, b"[]"),
    Call("a text", "POST", MAPS, b'"x"'),
    Call("null", "POST", MAPS, b"null"),
    Call("NaN", "POST", MAPS, b'{"metadata":{"name":"x"},"data":{"a":NaN}}'),
    Call("invalid UTF-8", "POST", f"{MAPS}?dryRun=All", b'{"metadata":{"name":"x"},"data":{"a":"\xff"}}'),
    Call("yaml", "POST", f"{MAPS}?dryRun=All", b"metadata: {name: x}\ndata: {a: b}\n", "application/yaml"),
    Call("no YAML", "POST", MAPS, b"a: [", "application/yaml"),
    Call("a content type nobody knows", "POST", MAPS, b"{}", "text/csv"),
    Call(
        "a huge whole number",
        "POST",
        DEPLOYMENTS,
        b'{"metadata":{"name":"x"},"spec":{"replicas":99999999999999999999}}',
    ),
)

DISCOVERY = (
    Call("api", "GET", "/api"),
    Call("core", "GET", "/api/v1"),
    Call("apps", "GET", "/apis/apps"),
    Call("apps v1", "GET", "/apis/apps/v1"),
    Call("batch v1", "GET", "/apis/batch/v1"),
    Call("aggregated core", "GET", "/api", accept=AGGREGATED),
    Call("aggregated", "GET", "/apis", accept=AGGREGATED),
    Call("no such version", "GET", "/apis/apps/v9"),
)

CALLS = (*WRITES, *PATCHES, *READS, *WATCHES, *DELETES, *KINDS, *BODIES, *DISCOVERY)
