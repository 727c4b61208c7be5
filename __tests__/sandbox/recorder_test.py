"""What requests to the emulator need, and what is refused. Run by e2e/policy.test.ts."""

import io
import json
import os
import tempfile
import unittest
from urllib.parse import urlencode

os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1")

import recorder


def request(service, method="POST", path="/", query="", body=b"", **headers):
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential=sandbox/20260101/us-east-1/{service}/aws4_request, Signature=0",
        **headers,
    }


def form(service, **parameters):
    return request(service, body=urlencode(parameters).encode(), CONTENT_TYPE="application/x-www-form-urlencoded")


def target(signed_as, operation, **parameters):
    return request(signed_as, body=json.dumps(parameters).encode(), HTTP_X_AMZ_TARGET=f"Any_2026.{operation}")


def call(environ):
    return recorder.Call(environ, environ["wsgi.input"].read())


class Names(unittest.TestCase):
    def needs(self, environ, action, resource):
        found = call(environ)
        self.assertEqual((found.action, recorder.Recorder.resource_of(found)), (action, resource))

    def test_operations_of_s3_have_iam_s_names(self):
        for method, path, query, action in [
            ("GET", "/b", "list-type=2&prefix=x", "s3:ListBucket"),
            ("HEAD", "/b", "", "s3:ListBucket"),
            ("GET", "/b", "lifecycle", "s3:GetLifecycleConfiguration"),
            ("DELETE", "/b", "publicAccessBlock", "s3:PutBucketPublicAccessBlock"),
            ("GET", "/b", "versions", "s3:ListBucketVersions"),
            ("PUT", "/b", "", "s3:CreateBucket"),
        ]:
            self.needs(request("s3", method, path, query), action, "arn:aws:s3:::b")
        self.needs(request("s3", "HEAD", "/b/a/key"), "s3:GetObject", "arn:aws:s3:::b/a/key")
        self.needs(request("s3", "PUT", "/b/a/key"), "s3:PutObject", "arn:aws:s3:::b/a/key")

    def test_rest_is_named_by_method_and_path(self):
        zone = "arn:aws:route53:::hostedzone/Z1"
        self.needs(request("route53", "POST", "/2013-04-01/hostedzone/Z1/rrset"), "route53:ChangeResourceRecordSets", zone)
        self.needs(request("route53", "GET", "/2013-04-01/hostedzone/Z1"), "route53:GetHostedZone", zone)
        files = "arn:aws:elasticfilesystem:us-east-1:123456789012:file-system/fs-0"
        self.needs(
            request("elasticfilesystem", "GET", "/2015-02-01/file-systems/fs-0/lifecycle-configuration"),
            "elasticfilesystem:DescribeLifecycleConfiguration",
            files,
        )

    def test_forms_and_targets_name_themselves(self):
        here = "us-east-1:123456789012"
        self.needs(form("ec2", Action="DeleteVpc", VpcId="vpc-0123456789"), "ec2:DeleteVpc", f"arn:aws:ec2:{here}:vpc/vpc-0123456789")
        self.needs(form("iam", Action="GetRole", RoleName="r"), "iam:GetRole", "arn:aws:iam::123456789012:role/landfall/r")
        self.needs(
            form("monitoring", **{"Action": "DeleteDashboards", "DashboardNames.member.1": "d"}),
            "cloudwatch:DeleteDashboards",
            "arn:aws:cloudwatch::123456789012:dashboard/d",
        )
        self.needs(target("dynamodb", "DescribeTable", TableName="t"), "dynamodb:DescribeTable", f"arn:aws:dynamodb:{here}:table/t")
        self.needs(target("ssm", "GetParameter", Name="/aws/service/x"), "ssm:GetParameter", "arn:aws:ssm:us-east-1::parameter/aws/service/x")
        self.needs(
            target("ecs", "UpdateService", cluster="c", service="s"), "ecs:UpdateService", f"arn:aws:ecs:{here}:service/c/s"
        )

    def test_a_request_that_nobody_signed_is_none(self):
        self.assertFalse(call({**request("s3"), "HTTP_AUTHORIZATION": ""}).known)

    def test_roles_that_are_handed_over_are_seen(self):
        role = "arn:aws:iam::123456789012:role/landfall/r"
        given = call(target("ecs", "RegisterTaskDefinition", family="f", taskRoleArn=role))
        self.assertEqual(given.passed_roles(), [(role, "ecs-tasks.amazonaws.com")])
        self.assertEqual(call(target("secretsmanager", "PutResourcePolicy", ResourcePolicy=role)).passed_roles(), [])


def policy(action, resource="*", **condition):
    return [{"Statement": [{"Effect": "Allow", "Action": [action], "Resource": [resource], "Condition": condition}]}]


class Decisions(unittest.TestCase):
    def test_action_resource_and_condition_decide(self):
        allows = lambda documents, context={}: recorder.allowed(documents, "s3:PutObject", "arn:aws:s3:::b/k", context)
        self.assertTrue(allows(policy("s3:PutObject", "arn:aws:s3:::b/*")))
        self.assertFalse(allows(policy("s3:GetObject", "arn:aws:s3:::b/*")))
        self.assertFalse(allows(policy("s3:PutObject", "arn:aws:s3:::c/*")))
        tagged = policy("s3:PutObject", StringEquals={"aws:RequestTag/Project": "landfall"})
        self.assertFalse(allows(tagged))
        self.assertTrue(allows(tagged, {"aws:requesttag/project": "landfall"}))
        self.assertFalse(allows(tagged, {"aws:requesttag/project": "other"}))

    def test_a_denial_wins(self):
        deny = [{"Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}]
        self.assertFalse(recorder.allowed(policy("s3:PutObject") + deny, "s3:PutObject", "arn:aws:s3:::b/k", {}))

    def test_what_is_refused_is_noted_and_goes_no_further(self):
        with tempfile.TemporaryDirectory() as folder:
            record, rules = os.path.join(folder, "record"), os.path.join(folder, "policy")
            with open(rules, "w") as file:
                json.dump(policy("dynamodb:DescribeTable"), file)
            reached, answers = [], []
            app = recorder.Recorder(lambda environ, start: reached.append(environ) or [b""], record, rules)
            start = lambda status, headers: answers.append((status, dict(headers)))
            app(target("dynamodb", "DescribeTable", TableName="t"), start)
            text = b"".join(app(target("dynamodb", "DeleteTable", TableName="t", Secret="hush"), start))
            self.assertEqual(len(reached), 1)
            self.assertEqual(answers[0][0], "403 Forbidden")
            self.assertEqual(json.loads(text)["__type"], "AccessDeniedException")
            with open(record) as file:
                written = file.read()
            self.assertEqual([json.loads(line).get("denied", False) for line in written.splitlines()], [False, True])
            self.assertNotIn("hush", written)
            self.assertEqual(os.stat(record).st_mode & 0o777, 0o600)


if __name__ == "__main__":
    unittest.main()
