"""Application Auto Scaling."""

import json

from moto.applicationautoscaling.models import FakeScalableTarget
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.core.exceptions import JsonRESTError

register_scalable_target = ApplicationAutoScalingResponse.register_scalable_target
create_target = FakeScalableTarget.__init__


def create_target_without_tags(target, *args, **kwargs):
    """A scalable target has tags, or none."""
    create_target(target, *args, **kwargs)
    target.tags = {}


def register_with_tags(response):
    """RegisterScalableTarget: moto 5.2.5 ignores Tags.
    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html
    """
    answer = register_scalable_target(response)
    tags = response._get_param("Tags")
    if tags is not None:
        target(response, json.loads(answer)["ScalableTargetARN"]).tags = tags
    return answer


def target(response, arn):
    """The scalable target of that ARN."""
    for targets in response.applicationautoscaling_backend.targets.values():
        for one in targets.values():
            if one.arn == arn:
                return one
    raise JsonRESTError("ResourceNotFoundException", f"No scalable target found for ARN: {arn}")


def list_tags_for_resource(response):
    """ListTagsForResource: moto 5.2.5 has it not.
    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_ListTagsForResource.html
    """
    return json.dumps({"Tags": target(response, response._get_param("ResourceARN")).tags})


def tag_resource(response):
    """TagResource: moto 5.2.5 has it not.
    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_TagResource.html
    """
    target(response, response._get_param("ResourceARN")).tags.update(response._get_param("Tags"))
    return json.dumps({})


def untag_resource(response):
    """UntagResource: moto 5.2.5 has it not.
    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_UntagResource.html
    """
    for key in response._get_param("TagKeys"):
        target(response, response._get_param("ResourceARN")).tags.pop(key, None)
    return json.dumps({})


def apply():
    FakeScalableTarget.__init__ = create_target_without_tags
    ApplicationAutoScalingResponse.register_scalable_target = register_with_tags
    ApplicationAutoScalingResponse.list_tags_for_resource = list_tags_for_resource
    ApplicationAutoScalingResponse.tag_resource = tag_resource
    ApplicationAutoScalingResponse.untag_resource = untag_resource
