"""The numbers that Kubernetes gives the fields of its objects in protobuf (its 1.36), for the kinds that clients write here.

A line is a message: ``number:name=type``. No type is a text; ``!`` marks a pointer, whose zero says something; ``[]`` a list,
``{}`` a map of texts; ``<`` a message whose fields stand among its parent's; ``?`` a message whose being there is all that
counts, for it is refused by name; ``-`` what a client does not write.
"""

from __future__ import annotations

from functools import cache

from msgspec import Struct

_MESSAGES = """
Affinity: 1:nodeAffinity=NodeAffinity 2:podAffinity=PodAffinity 3:podAntiAffinity=PodAntiAffinity
AppArmorProfile: 1:type 2:localhostProfile
Capabilities: 1:add=[] 2:drop=[]
ConfigMap: 1:metadata=ObjectMeta 2:data={} 3:binaryData={bytes} 4:immutable=bool!
ConfigMapEnvSource: 1<LocalObjectReference 2:optional=bool!
ConfigMapKeySelector: 1<LocalObjectReference 2:key 3:optional=bool!
ConfigMapProjection: 1<LocalObjectReference 2:items=[]KeyToPath 4:optional=bool!
ConfigMapVolumeSource: 1<LocalObjectReference 2:items=[]KeyToPath 3:defaultMode=int! 4:optional=bool!
Container: 1:name 2:image 3:command=[] 4:args=[] 5:workingDir 6:ports=[]ContainerPort 7:env=[]EnvVar
  8:resources=ResourceRequirements 9:volumeMounts=[]VolumeMount 10:livenessProbe=Probe 11:readinessProbe=Probe
  12:lifecycle=Lifecycle 13:terminationMessagePath 14:imagePullPolicy 15:securityContext=SecurityContext
  16:stdin=bool 17:stdinOnce=bool 18:tty=bool 19:envFrom=[]EnvFromSource 20:terminationMessagePolicy
  21:volumeDevices=[]? 22:startupProbe=Probe 23:resizePolicy=[]? 24:restartPolicy 25:restartPolicyRules=[]?
ContainerPort: 1:name 2:hostPort=int 3:containerPort=int 4:protocol 5:hostIP
DeleteOptions: 1:gracePeriodSeconds=int! 2:preconditions=Preconditions 3:orphanDependents=bool! 4:propagationPolicy
  5:dryRun=[] 6:ignoreStoreReadErrorWithClusterBreakingPotential=bool!
Deployment: 1:metadata=ObjectMeta 2:spec=DeploymentSpec 3:status=-
DeploymentSpec: 1:replicas=int! 2:selector=LabelSelector 3:template=PodTemplateSpec 4:strategy=DeploymentStrategy
  5:minReadySeconds=int 6:revisionHistoryLimit=int! 7:paused=bool 9:progressDeadlineSeconds=int!
DeploymentStrategy: 1:type 2:rollingUpdate=RollingUpdateDeployment
DownwardAPIProjection: 1:items=[]DownwardAPIVolumeFile
DownwardAPIVolumeFile: 1:path 2:fieldRef=ObjectFieldSelector 3:resourceFieldRef=ResourceFieldSelector 4:mode=int!
DownwardAPIVolumeSource: 1:items=[]DownwardAPIVolumeFile 2:defaultMode=int!
EmptyDirVolumeSource: 1:medium 2:sizeLimit=quantity
Endpoint: 1:addresses=[] 2:conditions=EndpointConditions 3:hostname 4:targetRef=ObjectReference
  5:deprecatedTopology={} 6:nodeName 7:zone 8:hints=?
EndpointConditions: 1:ready=bool! 2:serving=bool! 3:terminating=bool!
EndpointPort: 1:name 2:protocol 3:port=int! 4:appProtocol
EndpointSlice: 1:metadata=ObjectMeta 2:endpoints=[]Endpoint 3:ports=[]EndpointPort 4:addressType
EnvFromSource: 1:prefix 2:configMapRef=ConfigMapEnvSource 3:secretRef=SecretEnvSource
EnvVar: 1:name 2:value 3:valueFrom=EnvVarSource
EnvVarSource: 1:fieldRef=ObjectFieldSelector 2:resourceFieldRef=ResourceFieldSelector
  3:configMapKeyRef=ConfigMapKeySelector 4:secretKeyRef=SecretKeySelector 5:fileKeyRef=?
Event: 1:metadata=ObjectMeta 2:involvedObject=ObjectReference 3:reason 4:message 5:source=EventSource
  6:firstTimestamp=Time 7:lastTimestamp=Time 8:count=int 9:type 10:eventTime=MicroTime 11:series=EventSeries
  12:action 13:related=ObjectReference 14:reportingComponent 15:reportingInstance
EventSeries: 1:count=int 2:lastObservedTime=MicroTime
EventSource: 1:component 2:host
Eviction: 1:metadata=ObjectMeta 2:deleteOptions=DeleteOptions
ExecAction: 1:command=[]
GRPCAction: 1:port=int 2:service
HTTPGetAction: 1:path 2:port=IntOrString 3:host 4:scheme 5:httpHeaders=[]HTTPHeader
HTTPHeader: 1:name 2:value
HostAlias: 1:ip 2:hostnames=[]
HostPathVolumeSource: 1:path 2:type
Job: 1:metadata=ObjectMeta 2:spec=JobSpec 3:status=-
JobSpec: 1:parallelism=int! 2:completions=int! 3:activeDeadlineSeconds=int! 4:selector=LabelSelector
  5:manualSelector=bool! 6:template=PodTemplateSpec 7:backoffLimit=int! 8:ttlSecondsAfterFinished=int!
  9:completionMode 10:suspend=bool! 11:podFailurePolicy=? 12:backoffLimitPerIndex=int! 13:maxFailedIndexes=int!
  14:podReplacementPolicy 15:managedBy 16:successPolicy=?
KeyToPath: 1:key 2:path 3:mode=int!
LabelSelector: 1:matchLabels={} 2:matchExpressions=[]LabelSelectorRequirement
LabelSelectorRequirement: 1:key 2:operator 3:values=[]
Lease: 1:metadata=ObjectMeta 2:spec=LeaseSpec
LeaseSpec: 1:holderIdentity 2:leaseDurationSeconds=int! 3:acquireTime=MicroTime 4:renewTime=MicroTime
  5:leaseTransitions=int! 6:strategy 7:preferredHolder
Lifecycle: 1:postStart=LifecycleHandler 2:preStop=LifecycleHandler 3:stopSignal
LifecycleHandler: 1:exec=ExecAction 2:httpGet=HTTPGetAction 3:tcpSocket=TCPSocketAction 4:sleep=SleepAction
LocalObjectReference: 1:name
Namespace: 1:metadata=ObjectMeta 2:spec=NamespaceSpec 3:status=-
NamespaceSpec: 1:finalizers=[]
Node: 1:metadata=ObjectMeta 2:spec=NodeSpec 3:status=-
NodeAffinity: 1:requiredDuringSchedulingIgnoredDuringExecution=NodeSelector
  2:preferredDuringSchedulingIgnoredDuringExecution=[]PreferredSchedulingTerm
NodeSelector: 1:nodeSelectorTerms=[]NodeSelectorTerm
NodeSelectorRequirement: 1:key 2:operator 3:values=[]
NodeSelectorTerm: 1:matchExpressions=[]NodeSelectorRequirement 2:matchFields=[]NodeSelectorRequirement
NodeSpec: 1:podCIDR 2:externalID 3:providerID 4:unschedulable=bool 5:taints=[]Taint 6:configSource=? 7:podCIDRs=[]
ObjectFieldSelector: 1:apiVersion 2:fieldPath
ObjectMeta: 1:name 2:generateName 3:namespace 4:selfLink 5:uid 6:resourceVersion 7:generation=int
  8:creationTimestamp=Time 9:deletionTimestamp=Time 10:deletionGracePeriodSeconds=int! 11:labels={}
  12:annotations={} 13:ownerReferences=[]OwnerReference 14:finalizers=[] 17:managedFields=-
ObjectReference: 1:kind 2:namespace 3:name 4:uid 5:apiVersion 6:resourceVersion 7:fieldPath
OwnerReference: 1:kind 3:name 4:uid 5:apiVersion 6:controller=bool! 7:blockOwnerDeletion=bool!
PersistentVolumeClaimVolumeSource: 1:claimName 2:readOnly=bool
Pod: 1:metadata=ObjectMeta 2:spec=PodSpec 3:status=-
PodAffinity: 1:requiredDuringSchedulingIgnoredDuringExecution=[]PodAffinityTerm
  2:preferredDuringSchedulingIgnoredDuringExecution=[]WeightedPodAffinityTerm
PodAffinityTerm: 1:labelSelector=LabelSelector 2:namespaces=[] 3:topologyKey 4:namespaceSelector=LabelSelector
  5:matchLabelKeys=[] 6:mismatchLabelKeys=[]
PodAntiAffinity: 1:requiredDuringSchedulingIgnoredDuringExecution=[]PodAffinityTerm
  2:preferredDuringSchedulingIgnoredDuringExecution=[]WeightedPodAffinityTerm
PodDNSConfig: 1:nameservers=[] 2:searches=[] 3:options=[]PodDNSConfigOption
PodDNSConfigOption: 1:name 2:value
PodReadinessGate: 1:conditionType
PodSchedulingGate: 1:name
PodSecurityContext: 1:seLinuxOptions=SELinuxOptions 2:runAsUser=int! 3:runAsNonRoot=bool! 4:supplementalGroups=[]int
  5:fsGroup=int! 6:runAsGroup=int! 7:sysctls=[]? 8:windowsOptions=? 9:fsGroupChangePolicy
  10:seccompProfile=SeccompProfile 11:appArmorProfile=AppArmorProfile 12:supplementalGroupsPolicy
  13:seLinuxChangePolicy
PodSpec: 1:volumes=[]Volume 2:containers=[]Container 3:restartPolicy 4:terminationGracePeriodSeconds=int!
  5:activeDeadlineSeconds=int! 6:dnsPolicy 7:nodeSelector={} 8:serviceAccountName 9:serviceAccount 10:nodeName
  11:hostNetwork=bool 12:hostPID=bool 13:hostIPC=bool 14:securityContext=PodSecurityContext
  15:imagePullSecrets=[]LocalObjectReference 16:hostname 17:subdomain 18:affinity=Affinity 19:schedulerName
  20:initContainers=[]Container 21:automountServiceAccountToken=bool! 22:tolerations=[]Toleration
  23:hostAliases=[]HostAlias 24:priorityClassName 25:priority=int! 26:dnsConfig=PodDNSConfig
  27:shareProcessNamespace=bool! 28:readinessGates=[]PodReadinessGate 29:runtimeClassName
  30:enableServiceLinks=bool! 31:preemptionPolicy 32:overhead={quantity}
  33:topologySpreadConstraints=[]TopologySpreadConstraint 34:ephemeralContainers=[]? 35:setHostnameAsFQDN=bool!
  36:os=? 37:hostUsers=bool! 38:schedulingGates=[]PodSchedulingGate 39:resourceClaims=[]?
  40:resources=ResourceRequirements 41:hostnameOverride 43:schedulingGroup=?
PodTemplateSpec: 1:metadata=ObjectMeta 2:spec=PodSpec
Preconditions: 1:uid 2:resourceVersion
PreferredSchedulingTerm: 1:weight=int 2:preference=NodeSelectorTerm
Probe: 1<ProbeHandler 2:initialDelaySeconds=int 3:timeoutSeconds=int 4:periodSeconds=int 5:successThreshold=int
  6:failureThreshold=int 7:terminationGracePeriodSeconds=int!
ProbeHandler: 1:exec=ExecAction 2:httpGet=HTTPGetAction 3:tcpSocket=TCPSocketAction 4:grpc=GRPCAction
ProjectedVolumeSource: 1:sources=[]VolumeProjection 2:defaultMode=int!
ReplicaSet: 1:metadata=ObjectMeta 2:spec=ReplicaSetSpec 3:status=-
ReplicaSetSpec: 1:replicas=int! 2:selector=LabelSelector 3:template=PodTemplateSpec 4:minReadySeconds=int
ResourceFieldSelector: 1:containerName 2:resource 3:divisor=quantity
ResourceRequirements: 1:limits={quantity} 2:requests={quantity} 3:claims=[]?
RollingUpdateDeployment: 1:maxUnavailable=IntOrString 2:maxSurge=IntOrString
SELinuxOptions: 1:user 2:role 3:type 4:level
Scale: 1:metadata=ObjectMeta 2:spec=ScaleSpec 3:status=ScaleStatus
ScaleSpec: 1:replicas=int
ScaleStatus: 1:replicas=int 2:selector
SeccompProfile: 1:type 2:localhostProfile
Secret: 1:metadata=ObjectMeta 2:data={bytes} 3:type 4:stringData={} 5:immutable=bool!
SecretEnvSource: 1<LocalObjectReference 2:optional=bool!
SecretKeySelector: 1<LocalObjectReference 2:key 3:optional=bool!
SecretProjection: 1<LocalObjectReference 2:items=[]KeyToPath 4:optional=bool!
SecretVolumeSource: 1:secretName 2:items=[]KeyToPath 3:defaultMode=int! 4:optional=bool!
SecurityContext: 1:capabilities=Capabilities 2:privileged=bool! 3:seLinuxOptions=SELinuxOptions 4:runAsUser=int!
  5:runAsNonRoot=bool! 6:readOnlyRootFilesystem=bool! 7:allowPrivilegeEscalation=bool! 8:runAsGroup=int! 9:procMount
  10:windowsOptions=? 11:seccompProfile=SeccompProfile 12:appArmorProfile=AppArmorProfile
Service: 1:metadata=ObjectMeta 2:spec=ServiceSpec 3:status=-
ServiceAccount: 1:metadata=ObjectMeta 2:secrets=[]ObjectReference 3:imagePullSecrets=[]LocalObjectReference
  4:automountServiceAccountToken=bool!
ServiceAccountTokenProjection: 1:audience 2:expirationSeconds=int! 3:path
ServicePort: 1:name 2:protocol 3:port=int 4:targetPort=IntOrString 5:nodePort=int 6:appProtocol
ServiceSpec: 1:ports=[]ServicePort 2:selector={} 3:clusterIP 4:type 5:externalIPs=[] 7:sessionAffinity
  8:loadBalancerIP 9:loadBalancerSourceRanges=[] 10:externalName 11:externalTrafficPolicy 12:healthCheckNodePort=int
  13:publishNotReadyAddresses=bool 14:sessionAffinityConfig=? 17:ipFamilyPolicy 18:clusterIPs=[] 19:ipFamilies=[]
  20:allocateLoadBalancerNodePorts=bool! 21:loadBalancerClass 22:internalTrafficPolicy 23:trafficDistribution
SleepAction: 1:seconds=int
TCPSocketAction: 1:port=IntOrString 2:host
Taint: 1:key 2:value 3:effect 4:timeAdded=Time
Toleration: 1:key 2:operator 3:value 4:effect 5:tolerationSeconds=int!
TopologySpreadConstraint: 1:maxSkew=int 2:topologyKey 3:whenUnsatisfiable 4:labelSelector=LabelSelector
  5:minDomains=int! 6:nodeAffinityPolicy 7:nodeTaintsPolicy 8:matchLabelKeys=[]
Volume: 1:name 2<VolumeSource
VolumeMount: 1:name 2:readOnly=bool 3:mountPath 4:subPath 5:mountPropagation 6:subPathExpr 7:recursiveReadOnly
VolumeProjection: 1:secret=SecretProjection 2:downwardAPI=DownwardAPIProjection 3:configMap=ConfigMapProjection
  4:serviceAccountToken=ServiceAccountTokenProjection 5:clusterTrustBundle=? 6:podCertificate=?
VolumeSource: 1:hostPath=HostPathVolumeSource 2:emptyDir=EmptyDirVolumeSource 3:gcePersistentDisk=?
  4:awsElasticBlockStore=? 5:gitRepo=? 6:secret=SecretVolumeSource 7:nfs=? 8:iscsi=? 9:glusterfs=?
  10:persistentVolumeClaim=PersistentVolumeClaimVolumeSource 11:rbd=? 12:flexVolume=? 13:cinder=? 14:cephfs=?
  15:flocker=? 16:downwardAPI=DownwardAPIVolumeSource 17:fc=? 18:azureFile=? 19:configMap=ConfigMapVolumeSource
  20:vsphereVolume=? 21:quobyte=? 22:azureDisk=? 23:photonPersistentDisk=? 24:portworxVolume=? 25:scaleIO=?
  26:projected=ProjectedVolumeSource 27:storageos=? 28:csi=? 29:ephemeral=? 30:image=?
WeightedPodAffinityTerm: 1:weight=int 2:podAffinityTerm=PodAffinityTerm
"""


class Field(Struct, frozen=True):
    """A field: its name in JSON ("" for one whose fields stand among its parent's), and how to read it."""

    name: str
    type: str
    many: bool = False
    pointer: bool = False


@cache
def messages() -> dict[str, dict[int, Field]]:
    """Return every message's fields by their numbers."""
    found: dict[str, dict[int, Field]] = {}
    for line in _MESSAGES.replace("\n  ", " ").strip().splitlines():
        name, _, fields = line.partition(": ")
        found[name] = dict(map(_field, fields.split()))
    return found


def _field(text: str) -> tuple[int, Field]:
    inline, _, message = text.partition("<")
    if message:
        return int(inline), Field("", message)
    number, _, rest = text.partition(":")
    name, _, kind = rest.partition("=")
    many = kind.startswith("[]")
    return int(number), Field(name, kind.removeprefix("[]").removesuffix("!"), many, kind.endswith("!"))
