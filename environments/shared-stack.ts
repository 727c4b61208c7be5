import { Eip } from "@cdktf/provider-aws/lib/eip";
import { IamPolicy } from "@cdktf/provider-aws/lib/iam-policy";
import { Aspects, Token } from "cdktf";
import { Construct } from "constructs";
import { createHash } from "node:crypto";
import { LandfallStack, type LandfallStackProps } from "../backend/landfall-stack";
import { digestOutput, writeSharedOutputs } from "../backend/shared-outputs";
import { workloadBoundary } from "../backend/workload-boundary";
import { ImageRepository } from "../modules/image-repository";
import { EventLogPolicy } from "../modules/event-log";
import { ExistingNetwork } from "../modules/existing-network";
import { HostRole } from "../modules/host-role";
import { iamPath, resourceName } from "../modules/naming";
import { Network, type INetwork } from "../modules/network";
import { PermissionsBoundary } from "../modules/permissions-boundary";
import { policyDocument } from "../modules/service-role";
import { systemImages } from "../workloads/images";
import { sharedInputs } from "./catalogue";
import { addressPlan, type SharedValues } from "./derived";
import type { Settings } from "./settings";
import { declareInputs } from "./variables";

/** What all environments share: the network, addresses that outlive hosts, roles, and what bounds them. */
export class SharedStack extends LandfallStack {
  /** Changes with anything in the stack; known when the JSON is made. */
  digest = "";

  constructor(scope: Construct, props: LandfallStackProps & { readonly settings: Settings }) {
    super(scope, "shared", props);
    const { values, refs } = declareInputs(this, sharedInputs, props.settings);
    const prefix = values.name_prefix;

    const network = this.network(values, refs.flow_log_retention_days);
    const addresses = new Construct(this, "address");
    const hostRole = new HostRole(this, "ec2_host", {
      name: `${prefix}-ec2-host`,
      partition: this.partition,
      region: this.region,
      accountIds: this.accountIds,
      statements: [
        {
          Sid: "Health",
          Effect: "Allow",
          Action: ["cloudwatch:PutMetricData"],
          Resource: "*", // the action knows no resources
          Condition: { StringEquals: { "cloudwatch:namespace": "Landfall/Chronos" } },
        },
      ],
    });
    const boundary = new IamPolicy(this, "boundary", {
      name: resourceName("iam policy", prefix, "workload-boundary"),
      path: iamPath,
      description: "The most that roles of hosts and services may do. It grants nothing by itself.",
      policy: policyDocument(workloadBoundary(this)),
    });
    Aspects.of(this).add(new PermissionsBoundary(boundary.arn));
    writeSharedOutputs(this, {
      network,
      addresses: Object.fromEntries(
        values.addresses.map((name) => {
          const address = new Eip(addresses, name, { domain: "vpc", tags: { Name: name } });
          return [name, { allocation_id: address.id, public_ip: address.publicIp }];
        }),
      ),
      imageRepositories: this.forContainers(values),
      instanceProfile: hostRole.instanceProfile.name,
      boundaryPolicyArn: boundary.arn,
    });
  }

  /** What systems in containers share: image repositories, whose URLs it returns, and the right of events to be noted. */
  private forContainers({ image_repositories: systems, name_prefix: prefix }: SharedValues) {
    const repositories = new Construct(this, "image_repository");
    if (systems.length > 0)
      new EventLogPolicy(this, "event_logs", {
        name: `${prefix}-events`,
        partition: this.partition,
        region: this.region,
        accountIds: this.accountIds,
      });
    const names = systems.flatMap((system) =>
      systemImages[system].images.map(({ repository }) => repository),
    );
    return Object.fromEntries(
      names.map((name) => [name, new ImageRepository(repositories, name, { name: `${prefix}-${name}` }).url]),
    );
  }

  /** The JSON, with its own digest among the outputs. */
  override toTerraform(): ReturnType<LandfallStack["toTerraform"]> {
    const json = super.toTerraform();
    this.digest = createHash("sha256").update(JSON.stringify(json)).digest("hex");
    json.output[digestOutput].value = this.digest;
    return json;
  }

  private network(values: SharedValues, flowLogRetentionDays: string): INetwork {
    if (values.vpc_id) {
      return new ExistingNetwork(this, "network", {
        vpcId: values.vpc_id,
        publicSubnetIds: values.public_subnet_ids,
        privateSubnetIds: values.private_subnet_ids,
      });
    }
    return new Network(this, "network", {
      name: `${values.name_prefix}-shared`,
      region: this.region,
      partition: this.partition,
      accountIds: this.accountIds,
      ...addressPlan(values),
      natGateways: values.nat_gateways,
      acl: { publicPorts: values.network_acl_public_ports, adminCidrs: values.network_acl_admin_cidrs },
      flowLogRetentionDays: Token.asNumber(flowLogRetentionDays),
    });
  }
}
