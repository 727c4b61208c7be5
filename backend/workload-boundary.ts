import type { PolicyStatement } from "../modules/service-role";

/**
 * The most that roles of hosts and services may do, whatever policies they are given. It grants nothing by itself; it
 * keeps whoever may write our roles' policies from making a role that may do more than the workloads need.
 */
export const workloadBoundary = (): PolicyStatement[] => [
  {
    Sid: "Logs",
    Effect: "Allow",
    Action: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLog*", "logs:PutLogEvents"],
    Resource: "*",
  },
  {
    Sid: "Metrics",
    Effect: "Allow",
    Action: ["cloudwatch:PutMetricData", "ec2:DescribeTags", "ec2:DescribeVolumes"],
    Resource: "*",
  },
  {
    // What AmazonSSMManagedInstanceCore has, and parameters
    Sid: "SystemsManager",
    Effect: "Allow",
    Action: [
      "ec2messages:*",
      "ssm:Describe*",
      "ssm:Get*",
      "ssm:List*",
      "ssm:PutComplianceItems",
      "ssm:PutConfigurePackageResult",
      "ssm:PutInventory",
      "ssm:UpdateAssociationStatus",
      "ssm:UpdateInstanceAssociationStatus",
      "ssm:UpdateInstanceInformation",
      "ssmmessages:*",
    ],
    Resource: "*",
  },
];
