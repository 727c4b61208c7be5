"""Notes which IAM actions the requests to the emulator need, and refuses those that a policy does not allow.

    LANDFALL_SANDBOX_RECORD   file that gets a line of JSON for each request
    LANDFALL_SANDBOX_POLICY   file with a list of policy documents; read again when it changes, no file allows all

A line has `service` and `action` as IAM calls them, `resource` (an ARN; null where the request does not tell it), and
where there are any: `tags` (keys of tags in the request), `passedTo` (of iam:PassRole, which AWS checks with another
request), `denied`. No value of a request is noted but names and ARNs.

What an action is called comes from botocore's models, and from RENAMED where IAM calls it otherwise.
"""

import functools
import io
import json
import os
import re
from pathlib import Path
from threading import Lock
from urllib.parse import parse_qs, parse_qsl, unquote

import botocore.session
from moto.backends import get_backend

ACCOUNT = os.environ.get("MOTO_ACCOUNT_ID", "123456789012")

# Signing names that are not the prefix of IAM's actions. https://docs.aws.amazon.com/service-authorization/latest/reference/
PREFIXES = {"monitoring": "cloudwatch"}
# Models of botocore, where the signing name is not one's name or more than one
MODELS = {
    "monitoring": ["cloudwatch"],
    "elasticfilesystem": ["efs"],
    "elasticloadbalancing": ["elbv2"],
    "s3": ["s3", "s3control"],
}

# Operations of S3 that need an action of another name.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
RENAMED = {
    "s3:CopyObject": "PutObject",
    "s3:CreateMultipartUpload": "PutObject",
    "s3:CompleteMultipartUpload": "PutObject",
    "s3:UploadPart": "PutObject",
    "s3:DeleteBucketCors": "PutBucketCORS",
    "s3:DeleteBucketEncryption": "PutEncryptionConfiguration",
    "s3:DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "s3:DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "s3:DeleteBucketTagging": "PutBucketTagging",
    "s3:DeleteObjects": "DeleteObject",
    "s3:DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "s3:GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "s3:GetBucketCors": "GetBucketCORS",
    "s3:GetBucketEncryption": "GetEncryptionConfiguration",
    "s3:GetBucketLifecycle": "GetLifecycleConfiguration",
    "s3:GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "s3:GetBucketNotificationConfiguration": "GetBucketNotification",
    "s3:GetBucketReplication": "GetReplicationConfiguration",
    "s3:GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "s3:GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "s3:HeadBucket": "ListBucket",
    "s3:HeadObject": "GetObject",
    "s3:ListObjects": "ListBucket",
    "s3:ListObjectsV2": "ListBucket",
    "s3:ListObjectVersions": "ListBucketVersions",
    "s3:PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
    "s3:PutBucketCors": "PutBucketCORS",
    "s3:PutBucketEncryption": "PutEncryptionConfiguration",
    "s3:PutBucketLifecycle": "PutLifecycleConfiguration",
    "s3:PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "s3:PutBucketNotificationConfiguration": "PutBucketNotification",
    "s3:PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "s3:PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    # https://docs.aws.amazon.com/cost-management/latest/userguide/billing-permissions-ref.html
    "budgets:CreateBudget": "ModifyBudget",
    "budgets:CreateNotification": "ModifyBudget",
    "budgets:CreateSubscriber": "ModifyBudget",
    "budgets:DeleteBudget": "ModifyBudget",
    "budgets:DeleteNotification": "ModifyBudget",
    "budgets:DeleteSubscriber": "ModifyBudget",
    "budgets:DescribeBudget": "ViewBudget",
    "budgets:DescribeBudgets": "ViewBudget",
    "budgets:DescribeNotificationsForBudget": "ViewBudget",
    "budgets:DescribeSubscribersForNotification": "ViewBudget",
    "budgets:UpdateBudget": "ModifyBudget",
    "budgets:UpdateNotification": "ModifyBudget",
    "budgets:UpdateSubscriber": "ModifyBudget",
}

# Asked of everybody, allowed to everybody. https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
UNCHECKED = {"sts:GetCallerIdentity"}

# Where a request names its resource: parameters in this order, and what follows `arn:aws:SERVICE:REGION:ACCOUNT:`.
NAMED = {
    "acm": [("CertificateArn", "")],
    "application-autoscaling": [("ResourceARN", ""), ("ResourceId", "scalable-target/*")],
    "autoscaling": [
        ("AutoScalingGroupName", "autoScalingGroup:*:autoScalingGroupName/{}"),
        ("Tags.member.1.ResourceId", "autoScalingGroup:*:autoScalingGroupName/{}"),
    ],
    "budgets": [("BudgetName", "budget/{}"), ("Budget.BudgetName", "budget/{}"), ("ResourceARN", "")],
    "cloudwatch": [("ResourceARN", ""), ("DashboardName", "dashboard/{}"), ("DashboardNames", "dashboard/{}"), ("DashboardNames.member.1", "dashboard/{}"), ("AlarmName", "alarm:{}"), ("AlarmNames", "alarm:{}"), ("AlarmNames.member.1", "alarm:{}")],
    "dynamodb": [("ResourceArn", ""), ("TableName", "table/{}")],
    "ecr": [("resourceArn", ""), ("repositoryName", "repository/{}"), ("repositoryNames", "repository/{}")],
    "elasticfilesystem": [
        ("ResourceId", "file-system/{}"),
        ("AccessPointId", "access-point/{}"),
        ("FileSystemId", "file-system/{}"),
    ],
    "elasticloadbalancing": [
        ("ResourceArns.member.1", ""),
        ("RuleArn", ""),
        ("RuleArns.member.1", ""),
        ("ListenerArn", ""),
        ("ListenerArns.member.1", ""),
        ("TargetGroupArn", ""),
        ("LoadBalancerArn", ""),
    ],
    "events": [("ResourceARN", ""), ("Rule", "rule/{}"), ("Name", "rule/{}")],
    "iam": [("PolicyArn", ""), ("InstanceProfileName", "instance-profile/landfall/{}"), ("RoleName", "role/landfall/{}")],
    "kafka": [("clusterArn", ""), ("ClusterArn", ""), ("ResourceArn", ""), ("resourceArn", ""), ("clusterName", "cluster/{}/*")],
    "kms": [("AliasName", "{}"), ("KeyId", "key/{}"), ("TargetKeyId", "key/{}")],
    "logs": [
        ("resourceArn", ""),
        ("logGroupIdentifier", "log-group:{}"),
        ("logGroupName", "log-group:{}"),
    ],
    "rds": [
        ("ResourceName", ""),
        ("DBInstanceIdentifier", "db:{}"),
        ("DBClusterIdentifier", "cluster:{}"),
        ("DBClusterParameterGroupName", "cluster-pg:{}"),
        ("DBParameterGroupName", "pg:{}"),
        ("DBSubnetGroupName", "subgrp:{}"),
    ],
    "route53": [("HostedZoneId", "hostedzone/{}"), ("Id", "hostedzone/{}"), ("ResourceId", "hostedzone/{}")],
    "scheduler": [("ResourceArn", ""), ("Name", "schedule/default/{}")],
    "secretsmanager": [("SecretId", "secret:{}"), ("Name", "secret:{}-AbCdEf")],
    "servicediscovery": [("ResourceARN", ""), ("NamespaceId", "namespace/{}"), ("Id", "{}")],
    "sns": [("ResourceArn", ""), ("TopicArn", ""), ("Name", "{}")],
    "sqs": [("QueueUrl", "{}"), ("QueueName", "{}")],
    "ssm": [("ResourceId", "{}"), ("Name", "{}"), ("Names", "{}")],
    "wafv2": [("ResourceArn", ""), ("ResourceARN", ""), ("WebACLArn", ""), ("ARN", ""), ("Name", "regional/webacl/{}/*")],
}
NO_REGION = {"iam", "route53", "budgets"}
NO_ACCOUNT = {"route53"}

# Kinds of EC2's resources by how their ids begin
EC2_KINDS = {
    "acl": "network-acl",
    "eigw": "egress-only-internet-gateway",
    "eipalloc": "elastic-ip",
    "eni": "network-interface",
    "fl": "vpc-flow-log",
    "i": "instance",
    "igw": "internet-gateway",
    "lt": "launch-template",
    "nat": "natgateway",
    "rtb": "route-table",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "subnet": "subnet",
    "vol": "volume",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
}

# To whom a service that is given a role hands it. https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
PASSED_TO = {
    "ec2": "vpc-flow-logs.amazonaws.com",
    "ecs": "ecs-tasks.amazonaws.com",
    "events": "events.amazonaws.com",
    "rds": "monitoring.rds.amazonaws.com",
    "scheduler": "scheduler.amazonaws.com",
}
# Those of a document are taken when it runs, by whoever runs it

CREDENTIAL = re.compile(r"Credential=[^/]+/\d+/([\w-]*)/([\w.-]+)/aws4_request")
ROLE = re.compile(r"arn:aws[\w-]*:iam::\d+:role/[\w+=,.@/-]+")


class Call:
    """What a request asks for."""

    def __init__(self, environ, body):
        self.query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        scope = CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", "")) or CREDENTIAL.search(
            "Credential=" + self.query.get("X-Amz-Credential", [""])[0]
        )
        self.known = scope is not None
        if not scope:
            return
        self.region, self.signing = scope.groups()
        self.service = PREFIXES.get(self.signing, self.signing)
        self.environ, self.body, self.parameters = environ, body, {}
        self.operation, self.protocol = self.asked()
        name = f"{self.service}:{self.operation}"
        self.action = f"{self.service}:{RENAMED.get(name, self.operation)}"

    def asked(self):
        """Operation and protocol; the parameters on the way."""
        target = self.environ.get("HTTP_X_AMZ_TARGET")
        path = unquote(self.environ.get("PATH_INFO", "/"))
        if target:
            self.parameters = as_json(self.body)
            return target.split(".")[-1], "json"
        if "cbor" in self.environ.get("HTTP_SMITHY_PROTOCOL", ""):
            self.parameters = as_cbor(self.body)
            return path.split("/")[-1], "cbor"
        if self.signing not in ("s3", "route53") and "x-www-form-urlencoded" in self.environ.get("CONTENT_TYPE", ""):
            self.parameters = dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))
            return self.parameters.get("Action", "Unknown"), "ec2" if self.service == "ec2" else "query"
        return self.by_path(path)

    def by_path(self, path):
        found = []
        for model, operation, method, literal, keys in templates(self.signing):
            match = literal.fullmatch(path) if method == self.environ["REQUEST_METHOD"] else None
            if match and all(key in self.query and value in ("", *self.query[key]) for key, value in keys.items()):
                copies = operation in ("CopyObject", "UploadPartCopy")
                if copies == ("HTTP_X_AMZ_COPY_SOURCE" in self.environ) or not copies:
                    found.append((len(keys), copies, -len(match.groupdict()), model.metadata["protocol"], operation, match))
        if not found:
            return "Unknown", "rest-json"
        _, _, _, protocol, operation, match = max(found, key=lambda entry: entry[:3])
        rest = as_json(self.body) if protocol == "rest-json" else {}
        self.parameters = {**{key: values[0] for key, values in self.query.items()}, **rest, **match.groupdict()}
        return operation, protocol

    def arn(self, rest):
        region = "" if self.service in NO_REGION or rest.startswith("dashboard/") else self.region
        return f"arn:aws:{self.service}:{region}:{'' if self.service in NO_ACCOUNT else ACCOUNT}:{rest}"

    @property
    def resource(self):
        """The ARN of what the action is checked on, or None."""
        if self.service == "s3":
            bucket, key = self.parameters.get("Bucket"), self.parameters.get("Key", "")
            return self.parameters.get("resourceArn") or (f"arn:aws:s3:::{bucket}" + (f"/{key}" if key else "") if bucket else None)
        if self.service == "ec2":
            return self.ec2_resource()
        special = SPECIAL.get(self.action)
        if special:
            return self.arn(special.format(**Blank(self.parameters)))
        for parameter, template in NAMED.get(self.service, []):
            value = nested(self.parameters, parameter)
            if not value:
                continue
            if value.startswith("arn:"):
                return kafka_arn(value, self.region) if self.service == "kafka" else value
            if not template:
                return None
            arn = self.arn(self.shaped(template, value))
            return arn.replace(f":{ACCOUNT}:parameter/aws/", "::parameter/aws/")  # of nobody's account
        return None

    def shaped(self, template, value):
        if self.service == "sqs":
            value = value.rsplit("/", 1)[-1]
        if self.service == "route53":
            value = value.rsplit("/", 1)[-1]
        if self.service == "kms" and template == "key/{}" and value.startswith("alias/"):
            value = "*"  # what is asked is the key behind the alias
        if self.service == "servicediscovery" and template == "{}":
            template = "service/{}" if value.startswith("srv-") else "namespace/{}"
        if self.service == "ssm":
            document = "Document" in self.operation or self.parameters.get("ResourceType") == "Document"
            template = "document/{}" if document else "parameter/{}"
            value = value.removeprefix("/")
        if self.service == "elasticfilesystem" and value.startswith("fsap-"):
            template = "access-point/{}"
        if self.service == "iam" and self.parameters.get("Path"):
            template = template.replace("/landfall/", self.parameters["Path"])
        if self.service == "secretsmanager" and template == "secret:{}":
            template = "secret:{}-AbCdEf"
        return template.format(value)

    def ec2_resource(self):
        if self.parameters.get("KeyName") and "KeyPair" in self.operation:
            return self.arn(f"key-pair/{self.parameters['KeyName']}")
        kind = self.parameters.get("TagSpecification.1.ResourceType")
        if kind:
            return self.arn(f"{kind}/*")
        ids = [value for _, value in sorted(self.parameters.items()) if re.fullmatch(r"[a-z]+-[0-9a-f]{8,}", value)]
        own = OWN_EC2.get(self.operation)
        for value in sorted(ids, key=lambda value: value.split("-")[0] != own):
            start = value.split("-")[0]
            if start in EC2_KINDS:
                return self.arn(f"{EC2_KINDS[start]}/{value}")
        return None

    @property
    def tags(self):
        """Tags in the request, by key."""
        pairs = {}
        for name, value in self.parameters.items():
            match = re.fullmatch(r"(?:TagSpecification\.\d+\.|Tags\.)?(?:Tag|member)\.\d+\.Key", name)
            if match and isinstance(value, str):
                pairs[value] = self.parameters.get(name[: -len("Key")] + "Value", "")
        for name in ("Tags", "tags", "ResourceTags", "TagList"):
            given = self.parameters.get(name)
            if isinstance(given, dict):
                pairs.update({key: value for key, value in given.items() if isinstance(value, str)})
            for tag in given if isinstance(given, list) else []:
                key = next((tag[name] for name in ("Key", "key", "TagKey") if name in tag), None)
                value = next((tag[name] for name in ("Value", "value", "TagValue") if name in tag), "")
                if key:
                    pairs[key] = value
        return pairs

    @property
    def context(self):
        """Values of condition keys; None is one that is there and not known."""
        keys = {"aws:requestedregion": "us-east-1" if self.service in NO_REGION else self.region}
        keys.update({f"aws:requesttag/{key}".lower(): value for key, value in self.tags.items()})
        if self.parameters.get("PermissionsBoundary"):
            keys["iam:permissionsboundary"] = self.parameters["PermissionsBoundary"]
        elif self.operation in ("AttachRolePolicy", "PutRolePolicy", "DeleteRolePolicy", "DetachRolePolicy"):
            keys["iam:permissionsboundary"] = boundary_of(self.parameters.get("RoleName"))
        if self.service == "dynamodb":
            item = self.parameters.get("Key") or self.parameters.get("Item") or {}
            keys["dynamodb:leadingkeys"] = item.get("LockID", {}).get("S")
        if self.parameters.get("AWSServiceName"):
            keys["iam:awsservicename"] = self.parameters["AWSServiceName"]
        return keys

    def passed_roles(self):
        """Roles that the request hands to a service: AWS asks for iam:PassRole besides."""
        if self.service == "ec2" and self.operation in ("RunInstances", "AssociateIamInstanceProfile"):
            return [(arn, "ec2.amazonaws.com") for arn in roles_of_profile(self.parameters)]
        if self.service not in PASSED_TO or self.protocol == "ec2" and self.operation != "CreateFlowLogs":
            return []
        text = unquote(self.body.decode("utf-8", "replace"))
        return [(arn, PASSED_TO[self.service]) for arn in sorted(set(ROLE.findall(text)))]


class Blank(dict):
    def __missing__(self, key):
        return "*"


# The id that an operation of EC2 is about, where there are more
OWN_EC2 = {
    "AssociateRouteTable": "rtb",
    "AttachInternetGateway": "igw",
    "CreateRoute": "rtb",
    "DeleteRoute": "rtb",
    "DetachInternetGateway": "igw",
    "ReplaceRoute": "rtb",
    "AuthorizeSecurityGroupEgress": "sg",
    "AuthorizeSecurityGroupIngress": "sg",
    "RevokeSecurityGroupEgress": "sg",
    "RevokeSecurityGroupIngress": "sg",
}

# Actions whose resource is not what NAMED finds. `*` stands for what the request does not say.
SPECIAL = {
    "elasticfilesystem:CreateAccessPoint": "file-system/{FileSystemId}",
    "elasticloadbalancing:CreateLoadBalancer": "loadbalancer/app/{Name}/*",
    "elasticloadbalancing:CreateTargetGroup": "targetgroup/{Name}/*",
    "elasticloadbalancing:DescribeLoadBalancers": "*",
    "iam:AttachRolePolicy": "role/landfall/{RoleName}",
    "iam:DetachRolePolicy": "role/landfall/{RoleName}",
    "iam:CreatePolicy": "policy/landfall/{PolicyName}",
    "route53:GetChange": "change/{Id}",
}


def ecs_resource(call):
    """ECS names what it is about in many ways, with names and ARNs alike."""
    given = call.parameters
    if given.get("resourceArn"):
        return given["resourceArn"]
    cluster = str(given.get("cluster", "*")).rsplit("/", 1)[-1]
    service = given.get("service") or first(given.get("services")) or given.get("serviceName")
    definition = given.get("taskDefinition")
    if call.operation in ("CreateService", "UpdateService", "DeleteService", "DescribeServices") and service:
        return service if service.startswith("arn:") else call.arn(f"service/{cluster}/{service}")
    if "TaskDefinition" in call.operation and (definition or given.get("family")):
        named = str(definition or f"{given['family']}:*")
        return named if named.startswith("arn:") else call.arn(f"task-definition/{named}")
    named = given.get("clusterName") or first(given.get("clusters")) or given.get("cluster")
    if named:
        return named if named.startswith("arn:") else call.arn(f"cluster/{named}")
    return None


def first(values):
    return values[0] if isinstance(values, list) and values else None


def nested(parameters, path):
    value = parameters.get(path)
    if value is None and "." in path:
        value = parameters
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, list):
        value = first(value)
    return value if isinstance(value, str) else None


def as_json(body):
    try:
        read = json.loads(body or b"{}")
        return read if isinstance(read, dict) else {}
    except ValueError:
        return {}


def as_cbor(body):
    from botocore.parsers import RpcV2CBORParser

    try:
        return RpcV2CBORParser().parse_data_item(io.BufferedReader(io.BytesIO(body)))
    except Exception:
        return {}


@functools.cache
def templates(signing):
    """Operations of the models that are signed with that name: how method, path and query must be."""
    session = botocore.session.get_session()
    found = []
    for name in MODELS.get(signing, [signing]):
        if name not in session.get_available_services():
            continue
        model = session.get_service_model(name)
        for operation in model.operation_names:
            http = model.operation_model(operation).http
            path, _, query = http["requestUri"].partition("?")
            path = path.rstrip("/")
            literal = "".join(
                rf"(?P<{part.strip('{}+').replace('-', '_')}>{'.+' if '+' in part else '[^/]+'})" if part.startswith("{") else re.escape(part)
                for part in re.split(r"(\{[^}]+\})", path)
            )
            if name in ("kafka", "xray", "s3control"):
                literal = literal.replace("[^/]+", ".+")  # ARNs, whose slashes are unquoted by now
            keys = dict(parse_qsl(query, keep_blank_values=True))
            found.append((model, operation, http["method"], re.compile(literal + "/?"), keys))
    return found


def roles_of_profile(parameters):
    name = parameters.get("IamInstanceProfile.Name") or parameters.get("IamInstanceProfile.Arn", "").rsplit("/", 1)[-1]
    try:
        profiles = get_backend("iam")[ACCOUNT]["aws"].instance_profiles.values()
        return [role.arn for profile in profiles if profile.name == name for role in profile.roles]
    except Exception:
        return []


def kafka_arn(arn, region):
    """As AWS has it, with the cluster's name; moto's has the id alone."""
    try:
        cluster = get_backend("kafka")[ACCOUNT][region].clusters[arn]
        return f"arn:aws:kafka:{region}:{ACCOUNT}:cluster/{cluster.cluster_name}/{arn.rsplit('/', 1)[-1]}"
    except Exception:
        return arn


def boundary_of(role):
    try:
        found = get_backend("iam")[ACCOUNT]["aws"].get_role(role).permissions_boundary_arn
        return found or ""
    except Exception:
        return ""


def tags_of(resource, region):
    """Tags of a resource of EC2; None where they are not known."""
    try:
        tags = get_backend("ec2")[ACCOUNT][region].tags.get(resource.rsplit("/", 1)[-1])
        return dict(tags) if tags else None
    except Exception:
        return None


def listed(value):
    return value if isinstance(value, list) else [value]


def like(pattern, text):
    pieces = (".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern)
    return re.fullmatch("".join(pieces), text, re.S) is not None


OPERATORS = {
    "StringEquals": lambda wanted, value: value in wanted,
    "StringLike": lambda wanted, value: any(like(pattern, value) for pattern in wanted),
    "ArnEquals": lambda wanted, value: any(like(pattern, value) for pattern in wanted),
    "ArnLike": lambda wanted, value: any(like(pattern, value) for pattern in wanted),
    "Bool": lambda wanted, value: value in wanted,
}


def holds(condition, context):
    """Whether a request meets a condition. What is not known here (tags outside of EC2) is taken as met."""
    for operator, keys in condition.items():
        if operator == "Null":
            if not context.get("tags unknown") and any((key.lower() in context) == (wanted == "true") for key, wanted in keys.items()):
                return False
            continue
        negated = operator.startswith("StringNot")
        name = operator.removeprefix("ForAllValues:").removesuffix("IfExists").replace("StringNot", "String")
        for key, wanted in keys.items():
            key = key.lower()
            if key.startswith("aws:resourcetag/") and key not in context and context.get("tags unknown"):
                if negated:
                    return False  # ours, as far as anybody knows
                continue
            value = context.get(key)
            if value is None:
                if not (negated or operator.startswith("ForAllValues:") or operator.endswith("IfExists")):
                    return False
                continue
            if OPERATORS[name](listed(wanted), value) == negated:
                return False
    return True


def allowed(documents, action, resource, context):
    """Whether the documents allow it. A request whose resource is not known is held to its action and conditions alone."""
    effects = set()
    for document in documents:
        for statement in listed(document["Statement"]):
            if not any(like(pattern.lower(), action.lower()) for pattern in listed(statement["Action"])):
                continue
            if resource and not any(like(pattern, resource) for pattern in listed(statement["Resource"])):
                continue
            if not resource and statement["Effect"] == "Deny" and listed(statement["Resource"]) != ["*"]:
                continue
            if holds(statement.get("Condition", {}), context):
                effects.add(statement["Effect"])
    return effects == {"Allow"}


def refusal(call, action, resource):
    """Status, type and body of AWS's refusal, as the service's protocol has it."""
    message = f"User: arn:aws:iam::{ACCOUNT}:user/sandbox is not authorized to perform: {action} on resource: {resource or '*'}"
    if call.protocol == "ec2":
        return "text/xml", f"<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>{message}</Message></Error></Errors><RequestID>0</RequestID></Response>".encode()
    if call.service == "s3":
        return "application/xml", f"<Error><Code>AccessDenied</Code><Message>{message}</Message></Error>".encode()
    if call.protocol in ("query", "rest-xml"):
        return "text/xml", f"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>{message}</Message></Error><RequestId>0</RequestId></ErrorResponse>".encode()
    if call.protocol == "cbor":
        pairs = [("__type", "AccessDeniedException"), ("message", message)]
        return "application/cbor", bytes([0xA0 + len(pairs)]) + b"".join(cbor_text(part) for pair in pairs for part in pair)
    return "application/x-amz-json-1.1", json.dumps({"__type": "AccessDeniedException", "message": message}).encode()


def cbor_text(text):
    raw = text.encode()
    return b"\x79" + len(raw).to_bytes(2, "big") + raw


class Recorder:
    def __init__(self, app, record, policy):
        self.app, self.record, self.policy = app, record, policy
        self.lock = Lock()
        self.documents, self.read_at = None, None

    def __call__(self, environ, start_response):
        body = self.taken(environ)
        call = Call(environ, body)
        if not call.known or call.action in UNCHECKED:
            return self.app(environ, start_response)
        checks = [(call.action, self.resource_of(call), self.context_of(call), {})]
        for role, service in call.passed_roles():
            checks.append(("iam:PassRole", role, {"iam:passedtoservice": service}, {"passedTo": service}))
        documents = self.current()
        denied = [check for check in checks if documents is not None and not allowed(documents, *check[:3])]
        for check in checks:
            self.note(call, *check, denied=check in denied)
        if not denied:
            return self.app(environ, start_response)
        kind, text = refusal(call, denied[0][0], denied[0][1])
        headers = [("Content-Type", kind), ("Content-Length", str(len(text))), ("X-Amzn-ErrorType", "AccessDeniedException")]
        if call.protocol == "cbor":
            headers.append(("smithy-protocol", "rpc-v2-cbor"))
        start_response("403 Forbidden", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [text]

    @staticmethod
    def taken(environ):
        """The body, which stays for the application to read. Of S3's objects none is needed."""
        if "/s3/aws4_request" in environ.get("HTTP_AUTHORIZATION", ""):
            return b""
        whole = environ.get("wsgi.input_terminated") and not environ.get("CONTENT_LENGTH")
        body = environ["wsgi.input"].read() if whole else environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        return body

    @staticmethod
    def resource_of(call):
        return ecs_resource(call) if call.service == "ecs" else call.resource

    @staticmethod
    def context_of(call):
        context = call.context
        resource = call.resource if call.service == "ec2" else None
        tags = tags_of(resource, call.region) if resource and not resource.endswith("/*") else None
        if tags is None:
            context["tags unknown"] = True
        else:
            context.update({f"aws:resourcetag/{key}".lower(): value for key, value in tags.items()})
        return context

    def current(self):
        if self.policy is None:
            return None
        try:
            changed = os.stat(self.policy).st_mtime_ns
        except FileNotFoundError:
            return None
        with self.lock:
            if changed != self.read_at:
                self.documents, self.read_at = json.loads(Path(self.policy).read_text()), changed
            return self.documents

    def note(self, call, action, resource, context, more, denied):
        if self.record is None:
            return
        line = {"service": action.split(":")[0], "action": action, "resource": resource, **more}
        if action == call.action and call.tags:
            line["tags"] = sorted(call.tags)
        if action == call.action and context.get("iam:permissionsboundary"):
            line["boundary"] = True
        if denied:
            line["denied"] = True
        with self.lock, open(self.record, "a", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(json.dumps(line) + "\n")


def around(app):
    """The WSGI application, recorded and held to a policy where the environment says so."""
    record, policy = (os.environ.get(f"LANDFALL_SANDBOX_{name}") for name in ("RECORD", "POLICY"))
    return Recorder(app, record or None, policy or None) if record or policy else app
