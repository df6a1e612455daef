from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.controllers.tiltfile.worlds import by_name, deployment, kubernetes_spec

if TYPE_CHECKING:
    from tests.controllers.tiltfile.worlds import World

SERVICE = "\n---\napiVersion: v1\nkind: Service\nmetadata: {name: NAME}\nspec: {selector: {app: APP}}\n"
CONFIG = "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\n"


def names(world: World, *yaml: str, more: str = "") -> dict[str, tuple[str, ...]]:
    """Return the resources and the objects in each."""
    world.write("all.yaml", "\n---\n".join(yaml))
    found = world.good(f'k8s_yaml("all.yaml")\n{more}')
    return {one.name: kubernetes_spec(found, one.name).display_names for one in found.resources}


def test_a_workload_makes_a_resource_with_its_services(world: World) -> None:
    service = SERVICE.replace("NAME", "front").replace("APP", "web")
    assert names(world, deployment("web", extra=service)) == {"web": ("front:service", "web:deployment")}


def test_a_service_of_another_namespace_or_selector_does_not_join(world: World) -> None:
    other = SERVICE.replace("NAME", "b").replace("APP", "other")
    far = SERVICE.replace("NAME", "c, namespace: far").replace("APP", "web")
    found = names(world, deployment("web", extra=other + far))
    assert found == {"web": ("web:deployment",), "uncategorized": ("b:service", "c:service")}


def test_workloads_of_one_name_get_longer_names(world: World) -> None:
    job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: a, image: i}]}}}"
    far = deployment("api").replace("name: api}", "name: api, namespace: far}", 1)
    assert list(names(world, deployment("web"), job, deployment("api"), far)) == [
        "web:deployment",
        "web:job",
        "api:deployment:default",
        "api:deployment:far",
    ]


def test_what_belongs_to_nothing_is_uncategorized_and_last(world: World) -> None:
    world.write("all.yaml", deployment("web", extra=CONFIG.replace("NAME", "c")))
    found = world.good('k8s_yaml("all.yaml")\nlocal_resource("local", "x")')
    assert [(one.name, one.spec.order) for one in found.resources] == [("web", 1), ("local", 2), ("uncategorized", 3)]
    assert by_name(found)["uncategorized"].spec.pod_readiness == "ignore"
    assert by_name(found)["uncategorized"].spec.pod_readiness_assumed


def test_uncategorized_always_runs(world: World) -> None:
    world.write("all.yaml", deployment("web", extra=CONFIG.replace("NAME", "c")))
    assert world.good('k8s_yaml("all.yaml")', args=("web",)).enabled == ("web", "uncategorized")


def test_objects_are_applied_in_the_order_of_their_kinds(world: World) -> None:
    namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: ns}"
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}"
    group = 'k8s_resource("web", objects = ["s", "ns:namespace", "c"])'
    found = names(world, deployment("web", extra=CONFIG.replace("NAME", "c")), secret, namespace, more=group)
    assert found == {"web": ("ns:namespace", "c:configmap", "s:secret", "web:deployment")}


def test_options_accumulate_over_calls(world: World) -> None:
    world.write("web.yaml", deployment("web"))
    found = world.good(
        """
k8s_yaml("web.yaml")
k8s_resource("web", port_forwards = ["8080:80", 9000], resource_deps = ["a"], labels = ["x"], links = ["a.b"],
    trigger_mode = TRIGGER_MODE_MANUAL, auto_init = False, crash_budget = 3, extra_pod_selectors = {"a": "b"})
k8s_resource("web", port_forwards = port_forward(1, 2, name = "n", link_path = "/p", host = "0.0.0.0"),
    resource_deps = ["b"], labels = "y", pod_readiness = "ignore", stable_for = "4s", auto_init = True,
    discovery_strategy = "selectors-only", extra_pod_selectors = [{"c": "d"}])
local_resource("a", "x")
local_resource("b", "x")
""",
        host="127.0.0.1",
    )
    wire = by_name(found)["web"].to_wire()["spec"]
    apply = wire["kubernetes"].pop("apply")
    assert wire == {
        "kind": "kubernetes",
        "order": 1,
        "dependsOn": ["a", "b"],
        "triggerMode": "manual",
        "autoInit": True,
        "labels": ["x", "y"],
        "links": [{"url": "http://a.b"}],
        "podReadiness": "ignore",
        "limits": {"crashBudget": 3, "stableFor": "4s"},
        "disableSource": {"configMap": {"name": "web-disable", "key": "isDisabled"}},
        "kubernetes": {"displayNames": ["web:deployment"]},
    }
    assert apply["portForwardTemplateSpec"]["forwards"] == [
        {"localPort": 8080, "containerPort": 80, "host": "127.0.0.1"},
        {"localPort": 9000, "containerPort": 0, "host": "127.0.0.1"},
        {"localPort": 1, "containerPort": 2, "host": "0.0.0.0", "name": "n", "path": "p"},
    ]
    assert apply["kubernetesDiscoveryTemplateSpec"]["extraSelectors"] == [
        {"matchLabels": {"a": "b"}},
        {"matchLabels": {"c": "d"}},
    ]
    assert apply["discoveryStrategy"] == "selectors-only"
    assert apply["cluster"] == "default"


def test_a_resource_can_be_renamed_and_used_under_its_new_name(world: World) -> None:
    more = 'k8s_resource("web", new_name = "front")\nk8s_resource("front", labels = "x")'
    assert list(names(world, deployment("web"), more=more)) == ["front"]


def test_objects_can_be_grouped_without_a_workload(world: World) -> None:
    more = 'k8s_resource(new_name = "config", objects = ["c:configmap:default"])'
    world.write("all.yaml", CONFIG.replace("NAME", "c"))
    found = world.good(f'k8s_yaml("all.yaml")\n{more}')
    assert by_name(found)["config"].spec.pod_readiness == "ignore"
    assert by_name(found)["config"].spec.pod_readiness_assumed


@pytest.mark.parametrize(
    ("kind", "readiness"),
    [("batch/v1 Job", "succeeded"), ("batch/v1 CronJob", "ignore"), ("apps/v1 Deployment", "wait")],
)
def test_readiness_follows_the_kind(world: World, kind: str, readiness: str) -> None:
    version, name = kind.split()
    template = "{template: {spec: {containers: [{name: a, image: i}]}}}"
    spec = f"{{jobTemplate: {{spec: {template}}}}}" if name == "CronJob" else template
    world.write("a.yaml", f"apiVersion: {version}\nkind: {name}\nmetadata: {{name: a}}\nspec: {spec}")
    assert by_name(world.good('k8s_yaml("a.yaml")'))["a"].spec.pod_readiness == readiness


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("k8s_resource()", "Resource name missing. Must give a name for an existing resource or a new_name to create a new resource."),
        ('k8s_resource(new_name = "x")', "k8s_resource doesn't specify a workload or any objects. All non-workload resources must specify 1 or more objects"),
        ('k8s_resource("wbe")', 'k8s_resource specified unknown resource "wbe" (did you mean web?). known k8s resources: web'),
        ('k8s_resource("web", objects = ["x"])', 'No object identified by the fragment "x" could be found. Possible objects are: "web:Deployment:default", "c:ConfigMap:default"'),
        ('k8s_resource("web", objects = ["wbe:deployment"])', 'No object identified by the fragment "wbe:deployment" could be found (did you mean web:deployment?). Possible objects are: "web:Deployment:default", "c:ConfigMap:default"'),
        ('k8s_resource("web", objects = ["c", "c"])', 'No object identified by the fragment "c" could be found in remaining YAML. Valid remaining fragments are: '),
        ('k8s_resource("web", objects = ["a:b:c:d"])', 'Error making selector from string "a:b:c:d": Too many parts in selector. Selectors must contain between 1 and 3 parts (colon separated), found 4 parts in a:b:c:d'),
        ('local_resource("x", "y")\nk8s_resource("web", new_name = "x")', 'k8s_resource specified to rename "web" to "x": local_resource named "x" already exists'),
        ('k8s_resource("web", pod_readiness = "maybe")', 'k8s_resource: for parameter "pod_readiness": Invalid value. Allowed: {"ignore", "wait", "succeeded"}. Got: "maybe"'),
        ('k8s_resource("web", port_forwards = 70000)', 'k8s_resource "web": portForward port value 70000 is not in the valid range [0-65535]'),
        ('k8s_resource("web", port_forwards = "a:80")', 'k8s_resource "web": portForward port value "a" is not in the valid range [0-65535]'),
        ('k8s_resource("web", port_forwards = "b@d:1:2")', 'k8s_resource "web": portForward host value "b@d" is not a valid hostname or IP address'),
        ('k8s_resource("web", port_forwards = {})', 'k8s_resource "web": port_forwards must be an int, a port_forward, or a sequence of those; is a dict'),
        ('k8s_resource("web", extra_pod_selectors = ["a"])', 'k8s_resource: for parameter "extra_pod_selectors": pod labels elements must be dicts; got string'),
        ('k8s_resource("web", discovery_strategy = "x")', 'k8s_resource: for parameter "discovery_strategy": Invalid. Must be one of: "default", "selectors-only"'),
        ('port_forward("8001")', "port_forward: for parameter local_port: got string, want int"),
        ('k8s_yaml(blob(""))', "Empty YAML passed to k8s_yaml"),
        ("k8s_yaml(5)", "k8s_yaml: expected path | string. Actual type: int"),
        ('local_resource("web", "x")', 'error making resource for workload web:deployment:default:apps: local_resource named "web" already exists'),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_in_tilts_words(world: World, call: str, message: str) -> None:
    world.write("all.yaml", deployment("web", extra=CONFIG.replace("NAME", "c")))
    assert world.wrong(f'k8s_yaml("all.yaml")\n{call}') == message


def test_an_error_of_assembly_has_the_place_of_its_call(world: World) -> None:
    world.write("all.yaml", deployment("web"))
    error = world.load('k8s_yaml("all.yaml")\n\nk8s_resource("api")\n').error
    assert str(error) == (
        f'{world.root}/Tiltfile:3:1:\n    k8s_resource("api")\n    ^^^^^^^^^^^^^^^^^^^\n'
        'Error: k8s_resource specified unknown resource "api". known k8s resources: web'
    )


def test_the_same_object_twice_is_an_error_unless_allowed(world: World) -> None:
    world.write("a.yaml", CONFIG.replace("NAME", "c"))
    message = world.wrong('k8s_yaml("a.yaml")\nk8s_yaml("a.yaml")')
    assert message == (
        "Duplicate YAML: ConfigMap c\nIgnore this error with k8s_yaml(..., allow_duplicates=True)\n"
        f"YAML originally registered at: {world.root}/Tiltfile:1:1"
    )
    world.good('k8s_yaml("a.yaml")\nk8s_yaml("a.yaml", allow_duplicates = True)')


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("a: [", "PATH is not a valid YAML file: line 2, column 1: did not find expected node content (while parsing a flow node)"),
        ("a: 1\n---\nkind: Foo", "PATH:1: Object 'Kind' is missing"),
        ("kind: Foo", "PATH:1: Object 'ApiVersion' is missing"),
        ("apiVersion: v1\nkind: ConfigMap", "PATH:1: ConfigMap: metadata.name is missing"),
        ("{apiVersion: v1, kind: Secret, metadata: {name: n}}", "PATH:1: Secret: metadata.name must be text: put it in quotes"),
        ("- a", "PATH:1: a Kubernetes object must be a mapping, not list"),
    ],
)  # fmt: skip
def test_yaml_that_is_no_object_is_refused_with_its_place(world: World, yaml: str, message: str) -> None:
    where = world.write("a.yaml", yaml)
    assert world.wrong('k8s_yaml("a.yaml")') == message.replace("PATH", str(where))


def test_a_list_is_taken_apart(world: World) -> None:
    assert list(
        names(world, "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: s}}")
    ) == ["uncategorized"]


def test_a_cluster_that_might_be_production_is_refused(world: World) -> None:
    world.write("all.yaml", deployment("web"))
    message = world.wrong('k8s_yaml("all.yaml")', kube_context="prod", dev_cluster=False)
    assert message.startswith("Stop! prod might be production.\n")
    world.good('allow_k8s_contexts("prod")\nk8s_yaml("all.yaml")', kube_context="prod", dev_cluster=False)
    world.good('local_resource("a", "x")', kube_context="prod", dev_cluster=False)


def test_secret_values_are_found_unless_scrubbing_is_off(world: World) -> None:
    world.write(
        "s.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: plain}\ndata: {b: aGlkZGVu}"
    )
    found = world.good('k8s_yaml("s.yaml")')
    assert [(one.name, one.key, one.value) for one in found.secrets] == [("s", "b", b"hidden"), ("s", "a", b"plain")]
    assert world.good('k8s_yaml("s.yaml")\nsecret_settings(disable_scrub = True)').secrets == ()
