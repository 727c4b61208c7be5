"""S3."""

import json
from threading import Lock
from types import SimpleNamespace

from moto.s3.models import FakeBucket
from moto.s3.responses import S3Response

set_lifecycle = FakeBucket.set_lifecycle
get_bucket_lifecycle = S3Response.get_bucket_lifecycle
log_permissions_enabled_policy = FakeBucket._log_permissions_enabled_policy
put_object = S3Response.put_object
put_object_lock = Lock()


def keep_newer_noncurrent_versions(bucket, rules):
    """PutBucketLifecycleConfiguration: moto 5.2.5 drops NewerNoncurrentVersions of NoncurrentVersionExpiration, so that
    the provider waits three minutes to read it back and fails.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_NoncurrentVersionExpiration.html
    """
    set_lifecycle(bucket, rules)
    for kept, rule in zip(bucket.rules, rules):
        kept.newer_noncurrent_versions = (rule.get("NoncurrentVersionExpiration") or {}).get("NewerNoncurrentVersions")


def tell_newer_noncurrent_versions(response):
    """GetBucketLifecycleConfiguration, the other half of it."""
    serialized = response.serialized

    def serialized_with_versions(action_result):
        kept = response.backend.get_bucket_lifecycle(response.bucket_name)
        for rule, answer in zip(kept, action_result.result["Rules"]):
            if rule.newer_noncurrent_versions:
                answer["NoncurrentVersionExpiration"]["NewerNoncurrentVersions"] = rule.newer_noncurrent_versions
        return serialized(action_result)

    response.serialized = serialized_with_versions
    try:
        return get_bucket_lifecycle(response)
    finally:
        del response.serialized


def log_permissions_beside_principal_string(target_bucket, target_prefix):
    """PutBucketLogging: moto 5.2.5 fails at a statement of the target's policy whose principal is "*", not an object.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """
    policy = json.loads(target_bucket.policy or '{"Statement": []}')
    policy["Statement"] = [s for s in policy["Statement"] if isinstance(s.get("Principal"), dict)]
    legible = SimpleNamespace(policy=json.dumps(policy).encode(), partition=target_bucket.partition, name=target_bucket.name)
    return log_permissions_enabled_policy(legible, target_prefix)


def put_object_atomically(response):
    """PutObject: of two writers with If-None-Match one gets 412. moto 5.2.5 looks first and writes later, so that both
    may take the lock of a state.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """
    with put_object_lock:
        return put_object(response)


def apply():
    FakeBucket.set_lifecycle = keep_newer_noncurrent_versions
    FakeBucket._log_permissions_enabled_policy = staticmethod(log_permissions_beside_principal_string)
    S3Response.get_bucket_lifecycle = tell_newer_noncurrent_versions
    S3Response.put_object = put_object_atomically
