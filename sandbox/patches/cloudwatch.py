"""CloudWatch."""

import re

from moto.cloudwatch.exceptions import ValidationError
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import EmptyResult

describe_alarms = CloudWatchResponse.describe_alarms

# Functions of a rule that name an alarm, in quotes or without
named = re.compile(r"\b(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:\"([^\"]+)\"|'([^']+)'|([^\s\"'()]+))\s*\)")


def alarms_of(rule):
    """The alarms that a rule names, by name or ARN."""
    found = ("".join(groups) for groups in named.findall(rule))
    return {name.partition(":alarm:")[2] or name for name in found}


def put_composite_alarm(response):
    """PutCompositeAlarm: moto 5.2.5 has it not. Here a composite alarm's state stays as it is: it follows no other's.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
    """
    backend = response.cloudwatch_backend
    name, rule = response._get_param("AlarmName"), response._get_param("AlarmRule")
    missing = sorted(alarms_of(rule) - {*backend.alarms})
    if missing:
        raise ValidationError(f"Could not save the composite alarm as alarms {missing} in the alarm rule do not exist")
    alarm = backend.put_metric_alarm(
        name=name,
        namespace=None,
        metric_name=None,
        comparison_operator=None,
        evaluation_periods=None,
        period=None,
        threshold=None,
        statistic=None,
        description=response._get_param("AlarmDescription"),
        dimensions=[],
        alarm_actions=response._get_param("AlarmActions", []),
        ok_actions=response._get_param("OKActions", []),
        insufficient_data_actions=response._get_param("InsufficientDataActions", []),
        actions_enabled=response._get_param("ActionsEnabled", True),
        rule=rule,
        tags=response._get_param("Tags", []),
    )
    alarm.actions_suppressor = response._get_param("ActionsSuppressor")
    alarm.actions_suppressor_wait_period = response._get_param("ActionsSuppressorWaitPeriod")
    alarm.actions_suppressor_extension_period = response._get_param("ActionsSuppressorExtensionPeriod")
    return EmptyResult()


def describe_alarms_of_types(response):
    """DescribeAlarms: moto 5.2.5 ignores AlarmTypes; without it only metric alarms are told.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
    """
    answer = describe_alarms(response)
    types = response._get_param("AlarmTypes") or ["MetricAlarm"]
    for alarm_type in ("MetricAlarm", "CompositeAlarm"):
        if alarm_type not in types:
            answer.result[f"{alarm_type}s"] = []
    return answer


def apply():
    CloudWatchResponse.put_composite_alarm = put_composite_alarm
    CloudWatchResponse.describe_alarms = describe_alarms_of_types
