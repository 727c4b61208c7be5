"""Auto Scaling."""

from uuid import uuid4

from moto.autoscaling.models import FakeScalingPolicy
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult

create_policy = FakeScalingPolicy.__init__


def with_warmup(action):
    """CreateAutoScalingGroup and UpdateAutoScalingGroup: moto 5.2.5 ignores DefaultInstanceWarmup.
    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html
    """

    def patched(response):
        answer = action(response)
        warmup = response._get_int_param("DefaultInstanceWarmup")
        if warmup is not None:
            group(response).default_instance_warmup = warmup
        return answer

    return patched


def group(response):
    """The group that a request is about."""
    return response.autoscaling_backend.autoscaling_groups[response._get_param("AutoScalingGroupName")]


def enabled_policy(policy, *args, **kwargs):
    """DescribePolicies: moto 5.2.5 leaves out Enabled, and has an empty predictive configuration where there is none.
    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_ScalingPolicy.html
    """
    create_policy(policy, *args, **kwargs)
    policy.enabled = True
    policy.predictive_scaling_configuration = policy.predictive_scaling_configuration or None


def start_instance_refresh(response):
    """StartInstanceRefresh: moto 5.2.5 has it not. It ends at once here, and replaces nothing.
    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_StartInstanceRefresh.html
    """
    refresh = {
        "InstanceRefreshId": str(uuid4()),
        "AutoScalingGroupName": response._get_param("AutoScalingGroupName"),
        "Status": "Successful",
        "PercentageComplete": 100,
        "InstancesToUpdate": 0,
    }
    refreshes = group(response).__dict__.setdefault("instance_refreshes", [])
    refreshes.insert(0, refresh)
    return ActionResult({"InstanceRefreshId": refresh["InstanceRefreshId"]})


def describe_instance_refreshes(response):
    """DescribeInstanceRefreshes: moto 5.2.5 has it not.
    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeInstanceRefreshes.html
    """
    wanted = response._get_param("InstanceRefreshIds", [])
    refreshes = group(response).__dict__.get("instance_refreshes", [])
    return ActionResult({"InstanceRefreshes": [r for r in refreshes if not wanted or r["InstanceRefreshId"] in wanted]})


def apply():
    AutoScalingResponse.create_auto_scaling_group = with_warmup(AutoScalingResponse.create_auto_scaling_group)
    AutoScalingResponse.update_auto_scaling_group = with_warmup(AutoScalingResponse.update_auto_scaling_group)
    AutoScalingResponse.start_instance_refresh = start_instance_refresh
    AutoScalingResponse.describe_instance_refreshes = describe_instance_refreshes
    FakeScalingPolicy.__init__ = enabled_policy
