import { ServiceDiscoveryPrivateDnsNamespace } from "@cdktf/provider-aws/lib/service-discovery-private-dns-namespace";
import { ServiceDiscoveryService } from "@cdktf/provider-aws/lib/service-discovery-service";
import { Construct } from "constructs";
import { resourceName } from "./naming";

export interface ServiceNamespaceProps {
  /** DNS zone that only the VPC sees, such as `stage.internal`. */
  readonly name: string;
  /** VPC with DNS support and DNS host names. */
  readonly vpcId: string;
}

/** Seconds that a client may keep an address: so long it may ask a task that has ended. */
const TTL = 10;

/** DNS names by which services find each other inside a VPC, in Cloud Map. */
export class ServiceNamespace extends Construct {
  readonly name: string;
  readonly resource: ServiceDiscoveryPrivateDnsNamespace;

  constructor(scope: Construct, id: string, props: ServiceNamespaceProps) {
    super(scope, id);
    this.name = resourceName("dns zone", props.name);
    this.resource = new ServiceDiscoveryPrivateDnsNamespace(this, "this", {
      name: this.name,
      description: "Services by name",
      vpc: props.vpcId,
    });
  }

  /** Registers a service of that name. @returns what it is called in DNS, and its registry's ARN */
  register(name: string): DiscoveryName {
    const service = new ServiceDiscoveryService(this, name.replace(/[^A-Za-z0-9]/g, "_"), {
      name: resourceName("dns label", name),
      dnsConfig: {
        namespaceId: this.resource.id,
        routingPolicy: "MULTIVALUE",
        dnsRecords: [{ type: "A", ttl: TTL }],
      },
      healthCheckCustomConfig: { failureThreshold: 1 }, // ECS says which tasks are healthy
      forceDestroy: true, // tasks that are ending are still registered
    });
    return { hostName: `${name}.${this.name}`, registryArn: service.arn };
  }
}

/** A service's name in its VPC's DNS. */
export interface DiscoveryName {
  readonly hostName: string;
  readonly registryArn: string;
}
