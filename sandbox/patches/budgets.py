"""Budgets."""

import json

from moto.budgets.exceptions import NotFoundException
from moto.budgets.models import Budget
from moto.budgets.responses import BudgetsResponse

create_budget = BudgetsResponse.create_budget


def budget(response):
    """The budget that a request is about."""
    name = response._get_param("BudgetName")
    budgets = response.backend.budgets[response._get_param("AccountId")]
    if name not in budgets:
        raise NotFoundException(f"Unable to get budget: {name} - the budget doesn't exist.")
    return budgets[name]


def tagged(response):
    """The budget whose ARN, `arn:aws:budgets::account:budget/name`, a request is about."""
    arn = response._get_param("ResourceARN")
    return response.backend.budgets[arn.split(":")[4]][arn.partition("/")[2]]


def create_budget_with_tags(response):
    """CreateBudget: moto 5.2.5 ignores ResourceTags.
    https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_CreateBudget.html
    """
    answer = create_budget(response)
    name = response._get_param("Budget")["BudgetName"]
    tags = response._get_param("ResourceTags") or []
    response.backend.budgets[response._get_param("AccountId")][name].tags = {t["Key"]: t["Value"] for t in tags}
    return answer


def update_budget(response):
    """UpdateBudget: moto 5.2.5 has it not.
    https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_UpdateBudget.html
    """
    new = response._get_param("NewBudget")
    old = response.backend.budgets[response._get_param("AccountId")][new["BudgetName"]]
    changed = Budget({**new, "TimePeriod": new.get("TimePeriod", old.budget["TimePeriod"])}, [])
    old.budget = changed.budget
    return json.dumps({})


def describe_subscribers_for_notification(response):
    """DescribeSubscribersForNotification: moto 5.2.5 has it not.
    https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_DescribeSubscribersForNotification.html
    """
    wanted = response._get_param("Notification")
    same = ("NotificationType", "ComparisonOperator", "Threshold", "ThresholdType")
    for notification in budget(response).notifications:
        if all(notification.details.get(name) == wanted.get(name) for name in same):
            return json.dumps({"Subscribers": notification.subscribers})
    raise NotFoundException("Unable to find the notification.")


def list_tags_for_resource(response):
    """ListTagsForResource: moto 5.2.5 has it not.
    https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_ListTagsForResource.html
    """
    return json.dumps({"ResourceTags": [{"Key": k, "Value": v} for k, v in tagged(response).tags.items()]})


def tag_resource(response):
    """TagResource: moto 5.2.5 has it not.
    https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_TagResource.html
    """
    tagged(response).tags.update({t["Key"]: t["Value"] for t in response._get_param("ResourceTags")})
    return json.dumps({})


def untag_resource(response):
    """UntagResource: moto 5.2.5 has it not.
    https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_UntagResource.html
    """
    for key in response._get_param("ResourceTagKeys"):
        tagged(response).tags.pop(key, None)
    return json.dumps({})


def apply():
    BudgetsResponse.create_budget = create_budget_with_tags
    BudgetsResponse.update_budget = update_budget
    BudgetsResponse.describe_subscribers_for_notification = describe_subscribers_for_notification
    BudgetsResponse.list_tags_for_resource = list_tags_for_resource
    BudgetsResponse.tag_resource = tag_resource
    BudgetsResponse.untag_resource = untag_resource
