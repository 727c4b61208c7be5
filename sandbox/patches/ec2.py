"""EC2."""

from moto.core.responses import ActionResult
from moto.ec2.models.instances import Instance
from moto.ec2.models.launch_templates import LaunchTemplateBackend
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.models.subnets import Subnet
from moto.ec2.responses import EC2Response

create_instance = Instance.__init__
run_instances = EC2Response.run_instances
create_launch_template = LaunchTemplateBackend.create_launch_template


def ipv6_cidr_block_association_set(subnet):
    """DescribeSubnets: moto 5.2.5 nests the state of an IPv6 block one level too deep, "{'State': 'associated'}", so that
    the provider waits three minutes for "associated" and fails.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SubnetIpv6CidrBlockAssociation.html
    """
    return [
        association
        for association in subnet.ipv6_cidr_block_associations.values()
        if association["ipv6CidrBlockState"]["State"] == "associated"
    ]


def set_monitoring(state):
    """MonitorInstances and UnmonitorInstances: moto 5.2.5 has neither.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_MonitorInstances.html
    """

    def action(response):
        instances = response.ec2_backend.get_multi_instances_by_id(response._get_param("InstanceIds", []))
        for instance in instances:
            instance.monitoring_state = state
        return ActionResult(
            {"InstanceMonitorings": [{"InstanceId": instance.id, "Monitoring": {"State": state}} for instance in instances]}
        )

    return action


def run_protected_instances(response):
    """RunInstances: moto 5.2.5 ignores DisableApiTermination.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
    """
    answer = run_instances(response)
    for instance in answer.result.instances:
        instance.disable_api_termination = response._get_bool_param("DisableApiTermination", False)
    return answer


def rule_description(rule):
    """DescribeSecurityGroupRules: moto 5.2.5 loses the description of a rule whose other end is a security group.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SecurityGroupRule.html
    """
    return rule.ip_range.get("Description") or (rule.source_group or {}).get("Description")


def instance_with_maintenance_options(instance, *args, **kwargs):
    """DescribeInstances: moto 5.2.5 leaves out MaintenanceOptions. Every instance has AWS's default, which is all that
    hosts of ours ask for.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceMaintenanceOptions.html
    """
    create_instance(instance, *args, **kwargs)
    instance.maintenance_options = {"AutoRecovery": "default"}


def launch_template_without_own_tags(backend, name, description, template_data, tag_spec):
    """DescribeLaunchTemplateVersions: moto 5.2.5 shows the template's own tags as tags for what it launches.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html
    """
    specifications = template_data.get("TagSpecifications", [])
    of_launched = [item for item in specifications if item["ResourceType"] != "launch-template"]
    return create_launch_template(backend, name, description, {**template_data, "TagSpecifications": of_launched}, tag_spec)


def apply():
    Subnet.ipv6_cidr_block_association_set = property(ipv6_cidr_block_association_set)
    EC2Response.monitor_instances = set_monitoring("enabled")
    EC2Response.unmonitor_instances = set_monitoring("disabled")
    EC2Response.run_instances = run_protected_instances
    SecurityGroupRule.description = property(rule_description)
    LaunchTemplateBackend.create_launch_template = launch_template_without_own_tags
    Instance.__init__ = instance_with_maintenance_options
