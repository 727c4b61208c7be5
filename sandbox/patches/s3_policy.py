"""S3 bucket policies."""

import json

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket


def heed_secure_transport(bucket, action, resource):
    """Every S3 request: moto 5.2.5 denies by a Deny statement even where its condition is not met, and so locks everybody
    out of a bucket with a TLS-only policy. The sandbox's plain HTTP on loopback stands for TLS: such a statement is not met.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html
    """
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    document = json.loads(bucket.policy)
    document["Statement"] = [statement for statement in document["Statement"] if not wants_plain_http(statement)]
    return IAMPolicy(json.dumps(document)).is_action_permitted(action, resource)


def wants_plain_http(statement):
    return statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport") == "false"


def apply():
    FakeBucket.get_permission = heed_secure_transport
