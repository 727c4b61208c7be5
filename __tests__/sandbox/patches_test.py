"""Each patch of the emulator, against what AWS's API reference says. Run by e2e/emulator.test.ts."""

import json
import os
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1")

import boto3
import patches
import server
from botocore.exceptions import ClientError
from moto import mock_aws

patches.apply()


@mock_aws
class Ec2(unittest.TestCase):
    def setUp(self):
        self.ec2 = boto3.client("ec2")

    def run_instance(self, **options):
        image = self.ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
        return self.ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, **options)["Instances"][0]["InstanceId"]

    def describe(self, instance):
        return self.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]

    def test_ipv6_block_of_a_subnet_is_associated(self):
        vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
        block = vpc["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"].replace("/56", "/64")
        subnet = self.ec2.create_subnet(VpcId=vpc["VpcId"], CidrBlock="10.0.0.0/24", Ipv6CidrBlock=block)["Subnet"]
        associations = self.ec2.describe_subnets(SubnetIds=[subnet["SubnetId"]])["Subnets"][0]["Ipv6CidrBlockAssociationSet"]
        self.assertEqual([a["Ipv6CidrBlockState"] for a in associations], [{"State": "associated"}])

    def test_a_block_taken_from_a_subnet_is_gone(self):
        vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
        block = vpc["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"].replace("/56", "/64")
        subnet = self.ec2.create_subnet(VpcId=vpc["VpcId"], CidrBlock="10.0.0.0/24", Ipv6CidrBlock=block)["Subnet"]
        association = subnet["Ipv6CidrBlockAssociationSet"][0]["AssociationId"]
        self.ec2.disassociate_subnet_cidr_block(AssociationId=association)
        subnet = self.ec2.describe_subnets(SubnetIds=[subnet["SubnetId"]])["Subnets"][0]
        self.assertEqual(subnet["Ipv6CidrBlockAssociationSet"], [])

    def test_monitoring_is_turned_on_and_off(self):
        instance = self.run_instance()
        answer = self.ec2.monitor_instances(InstanceIds=[instance])["InstanceMonitorings"]
        self.assertEqual(answer, [{"InstanceId": instance, "Monitoring": {"State": "enabled"}}])
        self.assertEqual(self.describe(instance)["Monitoring"], {"State": "enabled"})
        self.ec2.unmonitor_instances(InstanceIds=[instance])
        self.assertEqual(self.describe(instance)["Monitoring"], {"State": "disabled"})

    def test_a_protected_instance_is_not_terminated_until_it_is_protected_no_more(self):
        instance = self.run_instance(DisableApiTermination=True)
        with self.assertRaises(ClientError) as refusal:
            self.ec2.terminate_instances(InstanceIds=[instance])
        self.assertEqual(refusal.exception.response["Error"]["Code"], "OperationNotPermitted")
        self.ec2.modify_instance_attribute(InstanceId=instance, DisableApiTermination={"Value": False})
        self.ec2.terminate_instances(InstanceIds=[instance])
        self.assertEqual(self.describe(instance)["State"]["Name"], "terminated")

    def test_an_instance_is_protected_when_it_runs_already(self):
        instance = self.run_instance()
        self.ec2.modify_instance_attribute(InstanceId=instance, DisableApiTermination={"Value": True})
        with self.assertRaises(ClientError):
            self.ec2.terminate_instances(InstanceIds=[instance])

    def test_an_instance_tells_its_maintenance_options(self):
        self.assertEqual(self.describe(self.run_instance())["MaintenanceOptions"]["AutoRecovery"], "default")

    def test_a_rule_for_a_group_keeps_its_description(self):
        group = self.ec2.create_security_group(GroupName="one", Description="one")["GroupId"]
        pair = {"GroupId": group, "Description": "frp"}
        permission = {"IpProtocol": "tcp", "FromPort": 7000, "ToPort": 7000, "UserIdGroupPairs": [pair]}
        self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
        rules = self.ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
        ingress = [rule for rule in rules["SecurityGroupRules"] if not rule["IsEgress"]]
        self.assertEqual([rule.get("Description") for rule in ingress], ["frp"])


@mock_aws
class S3(unittest.TestCase):
    def setUp(self):
        self.s3 = boto3.client("s3")
        self.s3.create_bucket(Bucket="one")

    def test_newer_noncurrent_versions_are_read_back(self):
        rule = {"ID": "one", "Status": "Enabled", "Filter": {"Prefix": ""}}
        kept = {**rule, "NoncurrentVersionExpiration": {"NoncurrentDays": 90, "NewerNoncurrentVersions": 20}}
        rest = {**rule, "ID": "two", "NoncurrentVersionExpiration": {"NoncurrentDays": 30}}
        self.s3.put_bucket_lifecycle_configuration(Bucket="one", LifecycleConfiguration={"Rules": [kept, rest]})
        rules = self.s3.get_bucket_lifecycle_configuration(Bucket="one")["Rules"]
        self.assertEqual([r["NoncurrentVersionExpiration"] for r in rules], [
            {"NoncurrentDays": 90, "NewerNoncurrentVersions": 20},
            {"NoncurrentDays": 30},
        ])

    def put_logging(self, *statements):
        policy = {"Version": "2012-10-17", "Statement": statements}
        self.s3.put_bucket_policy(Bucket="one", Policy=json.dumps(policy))
        logging = {"LoggingEnabled": {"TargetBucket": "one", "TargetPrefix": "one/"}}
        self.s3.put_bucket_logging(Bucket="one", BucketLoggingStatus=logging)

    TLS_ONLY = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::one/*"}
    LOGS = {
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::one/*",
    }

    def test_logging_beside_a_statement_for_everybody(self):
        self.put_logging(self.TLS_ONLY, self.LOGS)
        self.assertEqual(self.s3.get_bucket_logging(Bucket="one")["LoggingEnabled"]["TargetBucket"], "one")

    def test_logging_is_refused_without_permission(self):
        with self.assertRaises(ClientError) as refusal:
            self.put_logging(self.TLS_ONLY)
        self.assertEqual(refusal.exception.response["Error"]["Code"], "InvalidTargetBucketForLogging")

    def read_under(self, *statements):
        self.s3.put_object(Bucket="one", Key="state", Body=b"{}")
        policy = {"Version": "2012-10-17", "Statement": statements}
        self.s3.put_bucket_policy(Bucket="one", Policy=json.dumps(policy))
        return self.s3.get_object(Bucket="one", Key="state")["Body"].read()

    def test_a_policy_for_tls_only_lets_the_sandbox_in(self):
        tls_only = {**self.TLS_ONLY, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
        self.assertEqual(self.read_under(tls_only), b"{}")

    def test_another_denial_stays(self):
        with self.assertRaises(ClientError) as refusal:
            self.read_under(self.TLS_ONLY)
        self.assertEqual(refusal.exception.response["ResponseMetadata"]["HTTPStatusCode"], 403)


@mock_aws
class AutoScaling(unittest.TestCase):
    def setUp(self):
        self.ec2 = boto3.client("ec2")
        self.autoscaling = boto3.client("autoscaling")
        tags = [{"Key": "System", "Value": "api"}]
        image = self.ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
        self.ec2.create_launch_template(
            LaunchTemplateName="api",
            TagSpecifications=[{"ResourceType": "launch-template", "Tags": tags}],
            LaunchTemplateData={"ImageId": image, "TagSpecifications": [{"ResourceType": "instance", "Tags": tags}]},
        )
        self.autoscaling.create_auto_scaling_group(
            AutoScalingGroupName="api",
            MinSize=0,
            MaxSize=1,
            AvailabilityZones=["us-east-1a"],
            LaunchTemplate={"LaunchTemplateName": "api", "Version": "$Latest"},
            DefaultInstanceWarmup=120,
        )

    def group(self):
        return self.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=["api"])["AutoScalingGroups"][0]

    def test_a_template_keeps_its_own_tags_to_itself(self):
        versions = self.ec2.describe_launch_template_versions(LaunchTemplateName="api")["LaunchTemplateVersions"]
        specifications = versions[0]["LaunchTemplateData"]["TagSpecifications"]
        self.assertEqual([item["ResourceType"] for item in specifications], ["instance"])
        template = self.ec2.describe_launch_templates(LaunchTemplateNames=["api"])["LaunchTemplates"][0]
        self.assertEqual(template["Tags"], [{"Key": "System", "Value": "api"}])

    def test_warmup_is_kept(self):
        self.assertEqual(self.group()["DefaultInstanceWarmup"], 120)
        self.autoscaling.update_auto_scaling_group(AutoScalingGroupName="api", DefaultInstanceWarmup=60)
        self.assertEqual(self.group()["DefaultInstanceWarmup"], 60)
        self.autoscaling.update_auto_scaling_group(AutoScalingGroupName="api", MaxSize=2)
        self.assertEqual(self.group()["DefaultInstanceWarmup"], 60)

    def test_a_target_tracking_policy_is_enabled_and_predicts_nothing(self):
        self.autoscaling.put_scaling_policy(
            AutoScalingGroupName="api",
            PolicyName="cpu",
            PolicyType="TargetTrackingScaling",
            TargetTrackingConfiguration={
                "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
                "TargetValue": 60,
            },
        )
        policy = self.autoscaling.describe_policies(AutoScalingGroupName="api")["ScalingPolicies"][0]
        self.assertEqual(policy["Enabled"], True)
        self.assertNotIn("PredictiveScalingConfiguration", policy)

    def test_a_refresh_ends_at_once(self):
        refresh = self.autoscaling.start_instance_refresh(AutoScalingGroupName="api")["InstanceRefreshId"]
        known = self.autoscaling.describe_instance_refreshes(AutoScalingGroupName="api")["InstanceRefreshes"]
        self.assertEqual([(r["InstanceRefreshId"], r["Status"]) for r in known], [(refresh, "Successful")])


@mock_aws
class CloudWatch(unittest.TestCase):
    arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:all"
    rule = 'ALARM("cpu") OR NOT OK(arn:aws:cloudwatch:us-east-1:123456789012:alarm:disk)'

    def setUp(self):
        self.cloudwatch = boto3.client("cloudwatch")
        for name in ["cpu", "disk"]:
            self.cloudwatch.put_metric_alarm(
                AlarmName=name,
                Namespace="AWS/EC2",
                MetricName=name,
                Statistic="Average",
                Period=300,
                EvaluationPeriods=1,
                Threshold=1,
                ComparisonOperator="GreaterThanThreshold",
            )

    def put(self, **changed):
        self.cloudwatch.put_composite_alarm(AlarmName="all", AlarmRule=self.rule, **changed)

    def names(self, **wanted):
        told = self.cloudwatch.describe_alarms(**wanted)
        return [[alarm["AlarmName"] for alarm in told[kind]] for kind in ("MetricAlarms", "CompositeAlarms")]

    def composite(self):
        return self.cloudwatch.describe_alarms(AlarmNames=["all"], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"][0]

    def test_a_composite_alarm_is_told_as_it_was_put(self):
        topic = "arn:aws:sns:us-east-1:123456789012:alarms"
        self.put(AlarmDescription="Not well", AlarmActions=[topic], OKActions=[topic], ActionsEnabled=False)
        told = self.composite()
        self.assertEqual([told["AlarmArn"], told["AlarmDescription"]], [self.arn, "Not well"])
        self.assertEqual([told["AlarmRule"], told["ActionsEnabled"]], [self.rule, False])
        self.assertEqual([told["AlarmActions"], told["OKActions"]], [[topic], [topic]])
        self.assertNotIn("ActionsSuppressor", told)
        self.put(ActionsSuppressor="cpu", ActionsSuppressorWaitPeriod=60, ActionsSuppressorExtensionPeriod=120)
        told = self.composite()
        self.assertEqual(told["ActionsEnabled"], True)
        self.assertEqual(told["ActionsSuppressor"], "cpu")
        self.assertEqual([told["ActionsSuppressorWaitPeriod"], told["ActionsSuppressorExtensionPeriod"]], [60, 120])

    def test_only_alarms_of_the_wanted_types_are_told(self):
        self.put()
        self.assertEqual(self.names(), [["cpu", "disk"], []])
        self.assertEqual(self.names(AlarmTypes=["CompositeAlarm"]), [[], ["all"]])
        self.assertEqual(self.names(AlarmTypes=["CompositeAlarm", "MetricAlarm"]), [["cpu", "disk"], ["all"]])
        self.assertEqual(self.names(AlarmNames=["all"]), [[], []])

    def test_a_rule_names_alarms_that_are_there(self):
        for function in ["ALARM(gone)", 'OK("gone")', "INSUFFICIENT_DATA ( 'gone' )"]:
            with self.assertRaises(ClientError) as refusal:
                self.cloudwatch.put_composite_alarm(AlarmName="all", AlarmRule=f"ALARM(cpu) AND {function}")
            self.assertEqual(refusal.exception.response["Error"]["Code"], "ValidationError")
        self.assertEqual(self.names(AlarmTypes=["CompositeAlarm"]), [[], []])

    def test_its_tags_are_kept_changed_and_removed(self):
        def tags():
            told = self.cloudwatch.list_tags_for_resource(ResourceARN=self.arn)["Tags"]
            return {tag["Key"]: tag["Value"] for tag in told}

        self.put(Tags=[{"Key": "System", "Value": "one"}])
        self.assertEqual(tags(), {"System": "one"})
        self.cloudwatch.tag_resource(ResourceARN=self.arn, Tags=[{"Key": "System", "Value": "two"}])
        self.assertEqual(tags(), {"System": "two"})
        self.cloudwatch.untag_resource(ResourceARN=self.arn, TagKeys=["System"])
        self.assertEqual(tags(), {})

    def test_it_is_deleted_and_the_others_stay(self):
        self.put()
        self.cloudwatch.delete_alarms(AlarmNames=["all"])
        self.assertEqual(self.names(AlarmTypes=["CompositeAlarm", "MetricAlarm"]), [["cpu", "disk"], []])


@mock_aws
class Ecs(unittest.TestCase):
    def setUp(self):
        self.ecs = boto3.client("ecs")
        ec2 = boto3.client("ec2")
        self.ecs.create_cluster(clusterName="main")
        container = {"name": "app", "image": "app", "memory": 128}
        self.ecs.register_task_definition(family="app", containerDefinitions=[container])
        network = {
            "subnets": [ec2.describe_subnets()["Subnets"][0]["SubnetId"]],
            "securityGroups": [ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]],
            "assignPublicIp": "ENABLED",
        }
        self.ecs.create_service(
            cluster="main",
            serviceName="app",
            taskDefinition="app",
            desiredCount=1,
            capacityProviderStrategy=[{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}],
            deploymentConfiguration={"maximumPercent": 100, "minimumHealthyPercent": 0},
            enableECSManagedTags=True,
            networkConfiguration={"awsvpcConfiguration": network},
        )

    def service(self):
        return self.ecs.describe_services(cluster="main", services=["app"])["services"][0]

    def test_a_service_keeps_its_capacity_providers_and_has_no_launch_type_then(self):
        service = self.service()
        self.assertEqual(service["capacityProviderStrategy"][0]["capacityProvider"], "FARGATE_SPOT")
        self.assertNotIn("launchType", service)
        self.assertEqual(service["deploymentConfiguration"], {"maximumPercent": 100, "minimumHealthyPercent": 0})
        self.assertEqual(service["enableECSManagedTags"], True)

    def test_a_task_runs_of_which_only_the_whole_has_a_size(self):
        self.ecs.register_task_definition(
            family="sized",
            cpu="256",
            memory="512",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            containerDefinitions=[{"name": "app", "image": "app"}],
        )
        network = self.service()["networkConfiguration"]
        ran = self.ecs.run_task(
            cluster="main",
            taskDefinition="sized",
            capacityProviderStrategy=[{"capacityProvider": "FARGATE", "weight": 1}],
            networkConfiguration=network,
        )
        self.assertEqual([len(ran["tasks"]), ran["failures"]], [1, []])

    def test_its_capacity_providers_can_be_changed(self):
        strategy = [{"capacityProvider": "FARGATE", "weight": 1, "base": 0}]
        self.ecs.update_service(cluster="main", service="app", capacityProviderStrategy=strategy)
        self.assertEqual(self.service()["capacityProviderStrategy"], strategy)

    def test_a_scalable_target_has_tags(self):
        scaling = boto3.client("application-autoscaling")
        target = {
            "ServiceNamespace": "ecs",
            "ResourceId": "service/main/app",
            "ScalableDimension": "ecs:service:DesiredCount",
        }
        cluster = {"MinCapacity": 1, "MaxCapacity": 2, "ServiceNamespace": "rds", "ResourceId": "cluster:one"}
        other = scaling.register_scalable_target(**cluster, ScalableDimension="rds:cluster:ReadReplicaCount")
        tags = {"System": "one"}
        arn = scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=2, Tags=tags)["ScalableTargetARN"]
        self.assertEqual(scaling.list_tags_for_resource(ResourceARN=arn)["Tags"], tags)
        scaling.register_scalable_target(**target, MaxCapacity=3)
        scaling.tag_resource(ResourceARN=arn, Tags={"Environment": "stage"})
        self.assertEqual(scaling.list_tags_for_resource(ResourceARN=arn)["Tags"], {**tags, "Environment": "stage"})
        scaling.untag_resource(ResourceARN=arn, TagKeys=["System"])
        self.assertEqual(scaling.list_tags_for_resource(ResourceARN=arn)["Tags"], {"Environment": "stage"})
        self.assertEqual(scaling.list_tags_for_resource(ResourceARN=other["ScalableTargetARN"])["Tags"], {})
        scaling.deregister_scalable_target(**target)
        with self.assertRaises(ClientError) as refusal:
            scaling.list_tags_for_resource(ResourceARN=arn)
        self.assertEqual(refusal.exception.response["Error"]["Code"], "ResourceNotFoundException")


@mock_aws
class ServiceDiscovery(unittest.TestCase):
    def setUp(self):
        self.discovery = boto3.client("servicediscovery")
        vpc = boto3.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
        self.discovery.create_http_namespace(Name="other")
        self.discovery.create_private_dns_namespace(Name="stage.internal", Vpc=vpc)
        self.ids = {n["Name"]: n["Id"] for n in self.discovery.list_namespaces()["Namespaces"]}

    def zones(self):
        return [zone["Name"] for zone in boto3.client("route53").list_hosted_zones()["HostedZones"]]

    def test_a_namespace_has_a_zone_of_its_name_that_goes_with_it(self):
        self.assertEqual(self.zones(), ["stage.internal."])
        self.discovery.delete_namespace(Id=self.ids["other"])
        self.assertEqual(self.zones(), ["stage.internal."])
        self.discovery.delete_namespace(Id=self.ids["stage.internal"])
        self.assertEqual(self.zones(), [])

    def test_what_is_no_namespace_is_not_deleted(self):
        with self.assertRaises(ClientError) as refusal:
            self.discovery.delete_namespace(Id="ns-none")
        self.assertEqual(refusal.exception.response["Error"]["Code"], "NamespaceNotFound")


@mock_aws
class Acm(unittest.TestCase):
    def setUp(self):
        self.acm = boto3.client("acm")
        self.arn = self.acm.request_certificate(DomainName="app.example.com", ValidationMethod="DNS")["CertificateArn"]

    def certificate(self):
        return self.acm.describe_certificate(CertificateArn=self.arn)["Certificate"]

    def prove(self, value):
        route53 = boto3.client("route53")
        zone = route53.create_hosted_zone(Name="example.com", CallerReference="one")["HostedZone"]["Id"]
        record = self.certificate()["DomainValidationOptions"][0]["ResourceRecord"]
        records = [{"Value": value or record["Value"]}]
        change = {"Name": record["Name"], "Type": record["Type"], "TTL": 300, "ResourceRecords": records}
        changes = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": change}]}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=changes)

    def long_ago(self):
        from moto.acm.models import acm_backends

        bundle = acm_backends["123456789012"]["us-east-1"]._certificates[self.arn]
        bundle.created_at = bundle.created_at.replace(year=2000)

    def test_a_certificate_is_issued_once_its_domain_is_proven(self):
        self.long_ago()
        self.assertEqual(self.certificate()["Status"], "PENDING_VALIDATION")
        self.prove(None)
        self.assertEqual(self.certificate()["Status"], "ISSUED")

    def test_another_record_proves_nothing(self):
        self.long_ago()
        self.prove("other.example.com.")
        self.assertEqual(self.certificate()["Status"], "PENDING_VALIDATION")

    def listener(self, **properties):
        ec2 = boto3.client("ec2")
        subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"][:2]]
        elbv2 = boto3.client("elbv2")
        balancer = elbv2.create_load_balancer(Name="one", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
        fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
        return elbv2.create_listener(LoadBalancerArn=balancer, Port=443, DefaultActions=[fixed], **properties)

    def test_a_listener_takes_no_certificate_that_is_not_issued(self):
        certificates = [{"CertificateArn": self.arn}]
        with self.assertRaises(ClientError) as refusal:
            self.listener(Protocol="HTTPS", Certificates=certificates)
        self.assertEqual(refusal.exception.response["Error"]["Code"], "UnsupportedCertificate")

    def test_nor_later(self):
        listener = self.listener(Protocol="HTTP")["Listeners"][0]["ListenerArn"]
        change = {"ListenerArn": listener, "Protocol": "HTTPS", "Certificates": [{"CertificateArn": self.arn}]}
        elbv2 = boto3.client("elbv2")
        with self.assertRaises(ClientError) as refusal:
            elbv2.modify_listener(**change)
        self.assertEqual(refusal.exception.response["Error"]["Code"], "UnsupportedCertificate")
        self.prove(None)
        self.assertEqual(elbv2.modify_listener(**change)["Listeners"][0]["Protocol"], "HTTPS")


@mock_aws
class Efs(unittest.TestCase):
    def setUp(self):
        self.efs = boto3.client("efs")
        self.id = self.efs.create_file_system(CreationToken="one")["FileSystemId"]

    def test_a_backup_policy_is_kept(self):
        for status in ["ENABLED", "DISABLED"]:
            self.efs.put_backup_policy(FileSystemId=self.id, BackupPolicy={"Status": status})
            told = self.efs.describe_backup_policy(FileSystemId=self.id)["BackupPolicy"]
            self.assertEqual(told["Status"], status)

    def test_a_policy_can_be_taken_away(self):
        self.efs.put_file_system_policy(FileSystemId=self.id, Policy="{}")
        self.efs.delete_file_system_policy(FileSystemId=self.id)
        with self.assertRaises(ClientError):
            self.efs.describe_file_system_policy(FileSystemId=self.id)


@mock_aws
class Budgets(unittest.TestCase):
    account = "123456789012"
    arn = f"arn:aws:budgets::{account}:budget/main"
    notification = {
        "NotificationType": "ACTUAL",
        "ComparisonOperator": "GREATER_THAN",
        "Threshold": 80,
        "ThresholdType": "PERCENTAGE",
    }
    subscriber = {"SubscriptionType": "SNS", "Address": "arn:aws:sns:us-east-1:123456789012:alarms"}

    def budget(self, amount):
        limit = {"Amount": amount, "Unit": "USD"}
        return {"BudgetName": "main", "BudgetLimit": limit, "BudgetType": "COST", "TimeUnit": "MONTHLY"}

    def setUp(self):
        self.budgets = boto3.client("budgets")
        self.budgets.create_budget(
            AccountId=self.account,
            Budget=self.budget("50"),
            NotificationsWithSubscribers=[{"Notification": self.notification, "Subscribers": [self.subscriber]}],
            ResourceTags=[{"Key": "System", "Value": "one"}],
        )

    def tags(self):
        tags = self.budgets.list_tags_for_resource(ResourceARN=self.arn)["ResourceTags"]
        return {tag["Key"]: tag["Value"] for tag in tags}

    def test_subscribers_of_a_notification_are_told(self):
        ask = {"AccountId": self.account, "BudgetName": "main"}
        told = self.budgets.describe_subscribers_for_notification(**ask, Notification=self.notification)
        self.assertEqual(told["Subscribers"], [self.subscriber])
        with self.assertRaises(ClientError):
            self.budgets.describe_subscribers_for_notification(
                **ask, Notification={**self.notification, "Threshold": 90}
            )

    def test_tags_are_kept_changed_and_removed(self):
        self.assertEqual(self.tags(), {"System": "one"})
        self.budgets.tag_resource(ResourceARN=self.arn, ResourceTags=[{"Key": "System", "Value": "two"}])
        self.assertEqual(self.tags(), {"System": "two"})
        self.budgets.untag_resource(ResourceARN=self.arn, ResourceTagKeys=["System"])
        self.assertEqual(self.tags(), {})

    def test_a_budget_can_be_changed(self):
        self.budgets.update_budget(AccountId=self.account, NewBudget=self.budget("70"))
        told = self.budgets.describe_budget(AccountId=self.account, BudgetName="main")["Budget"]
        self.assertEqual(told["BudgetLimit"]["Amount"], "70")


@mock_aws
class Rds(unittest.TestCase):
    def setUp(self):
        self.rds = boto3.client("rds")

    def create(self, name, **options):
        options = {"Engine": "postgres", "MasterUsername": "one", "MasterUserPassword": "long enough", **options}
        return self.rds.create_db_instance(
            DBInstanceIdentifier=name, DBInstanceClass="db.t3.small", AllocatedStorage=20, **options
        )["DBInstance"]

    def test_each_instance_has_a_resource_id_of_its_own(self):
        one, two = self.create("one"), self.create("two")
        self.assertNotEqual(one["DbiResourceId"], two["DbiResourceId"])
        by_id = {"Name": "dbi-resource-id", "Values": [two["DbiResourceId"]]}
        found = self.rds.describe_db_instances(Filters=[by_id])["DBInstances"]
        self.assertEqual([instance["DBInstanceIdentifier"] for instance in found], ["two"])

    def test_an_instance_has_a_certificate_of_the_default_authority_or_of_another(self):
        self.assertEqual(self.create("one")["CACertificateIdentifier"], "rds-ca-rsa2048-g1")
        other = self.create("two", CACertificateIdentifier="rds-ca-ecc384-g1")
        self.assertEqual(other["CACertificateIdentifier"], "rds-ca-ecc384-g1")

    def test_an_instance_keeps_its_insights_and_takes_others(self):
        self.create("one", EnablePerformanceInsights=True, PerformanceInsightsRetentionPeriod=7)
        one = self.rds.describe_db_instances(DBInstanceIdentifier="one")["DBInstances"][0]
        self.assertEqual((one["PerformanceInsightsEnabled"], one["PerformanceInsightsRetentionPeriod"]), (True, 7))
        self.rds.modify_db_instance(DBInstanceIdentifier="one", EnablePerformanceInsights=False)
        one = self.rds.describe_db_instances(DBInstanceIdentifier="one")["DBInstances"][0]
        self.assertFalse(one["PerformanceInsightsEnabled"])
        self.assertFalse(self.create("two")["PerformanceInsightsEnabled"])

    def test_parameters_of_a_group_are_read_back_as_the_users(self):
        self.rds.create_db_parameter_group(DBParameterGroupName="one", DBParameterGroupFamily="postgres16", Description="one")
        wanted = {"ParameterName": "rds.force_ssl", "ParameterValue": "1", "ApplyMethod": "immediate"}
        self.rds.modify_db_parameter_group(DBParameterGroupName="one", Parameters=[wanted])
        self.assertEqual(self.rds.describe_db_parameters(DBParameterGroupName="one")["Parameters"], [{**wanted, "Source": "user"}])

    def test_only_serverless_v1_has_its_scaling(self):
        cluster = {"Engine": "aurora-postgresql", "MasterUsername": "one", "MasterUserPassword": "long enough"}
        scaling = {"MinCapacity": 0.5, "MaxCapacity": 4}
        made = self.rds.create_db_cluster(
            DBClusterIdentifier="two", ServerlessV2ScalingConfiguration=scaling, **cluster
        )["DBCluster"]
        self.assertNotIn("ScalingConfigurationInfo", made)
        self.assertEqual(made["ServerlessV2ScalingConfiguration"]["MaxCapacity"], 4)
        made = self.rds.create_db_cluster(DBClusterIdentifier="one", EngineMode="serverless", **cluster)["DBCluster"]
        self.assertIn("ScalingConfigurationInfo", made)


class Server(unittest.TestCase):
    def test_it_does_one_thing_at_a_time(self):
        running, most = [], []

        def moto(environ, start_response):
            running.append(environ)
            most.append(len(running))
            time.sleep(0.01)
            running.pop()
            start_response("200 OK", [])
            return []

        application = server.emulator(moto, "token")
        with ThreadPoolExecutor(8) as pool:
            for _ in range(8):
                pool.submit(application, {"PATH_INFO": "/", "REQUEST_METHOD": "POST"}, lambda *_: None)
        self.assertEqual(most, [1] * 8)

    def ask(self, application, environ):
        told = []
        body = b"".join(application({"PATH_INFO": "/", "REQUEST_METHOD": "POST", **environ}, lambda *told_now: told.extend(told_now)))
        return (*told, body)

    def counting(self, status):
        """An application that answers with how often it was asked."""
        asked = []

        def moto(environ, start_response):
            asked.append(environ)
            start_response(status, [("X-Asked", str(len(asked)))])
            return [str(len(asked)).encode()]

        return server.emulator(moto, "token")

    def test_what_a_client_asks_again_is_done_once(self):
        application = self.counting("200 OK")
        first = self.ask(application, {"HTTP_AMZ_SDK_INVOCATION_ID": "a", "HTTP_AMZ_SDK_REQUEST": "attempt=1; max=3"})
        again = self.ask(application, {"HTTP_AMZ_SDK_INVOCATION_ID": "a", "HTTP_AMZ_SDK_REQUEST": "attempt=2; max=3"})
        self.assertEqual(first, ("200 OK", [("X-Asked", "1")], b"1"))
        self.assertEqual(again, first)
        other = self.ask(application, {"HTTP_AMZ_SDK_INVOCATION_ID": "b", "HTTP_AMZ_SDK_REQUEST": "attempt=1; max=3"})
        self.assertEqual(other[2], b"2")

    def test_what_failed_is_done_again_and_what_is_nobodys_too(self):
        for status, environ in [
            ("503 Slow Down", {"HTTP_AMZ_SDK_INVOCATION_ID": "a"}),
            ("200 OK", {"HTTP_AMZ_SDK_INVOCATION_ID": "a", "REQUEST_METHOD": "GET"}),
            ("200 OK", {}),
        ]:
            application = self.counting(status)
            self.assertEqual([self.ask(application, environ)[2] for _ in range(2)], [b"1", b"2"])


if __name__ == "__main__":
    unittest.main()
