import type { InputGroup } from "../input";
import * as type from "../types";

export const macroAiInputs = {
  macro_ai_capacity: {
    use: "structural",
    type: type.oneOf("single", "group"),
    default: "single",
    description: "One host, or an Auto Scaling group behind a load balancer with TLS.",
  },
  macro_ai_instance_type: {
    use: "structural",
    type: type.instanceType,
    default: "t3.small",
    description: "EC2 instance type of Macro AI hosts.",
  },
  macro_ai_volume_size: {
    use: "terraform",
    type: type.volumeSize,
    default: "20",
    description: "Root volume of Macro AI hosts in GiB.",
  },
  macro_ai_min_size: {
    use: "structural",
    type: type.count(1, 100),
    default: "1",
    description: "Fewest hosts of the group.",
  },
  macro_ai_max_size: {
    use: "structural",
    type: type.count(1, 100),
    default: "3",
    description: "Most hosts of the group.",
  },
  macro_ai_cpu_target: {
    use: "structural",
    type: type.percentage,
    default: "60",
    description: "Average CPU utilization in percent that the group scales for.",
  },
  macro_ai_memory_target: {
    use: "structural",
    type: type.percentage,
    default: "70",
    description: "Average memory use in percent that the group scales for.",
  },
  macro_ai_domain: {
    use: "structural",
    type: type.domainName,
    optional: true,
    description: "Host name of the API; needed by a group.",
    example: "api.example.com",
  },
  macro_ai_hosted_zone: {
    use: "structural",
    type: type.domainName,
    optional: true,
    description:
      "Public Route 53 zone of `macro_ai_domain`, where its certificate's and its own records are made.",
    example: "example.com",
  },
  macro_ai_cidrs: {
    use: "structural",
    type: type.cidrs,
    optional: true,
    description:
      "Networks that may reach the API: the load balancer, or port 3030 of the single host, which has no TLS. The world for a group and nobody for a single host when left out.",
  },
  macro_ai_egress_ports: {
    use: "structural",
    type: type.ports,
    default: "",
    description: "TCP ports that hosts may reach besides 80 and 443, such as 5432 of a database.",
  },
  macro_ai_egress_cidrs: {
    use: "structural",
    type: type.cidrs,
    default: "",
    description: "Networks where hosts may reach `macro_ai_egress_ports`.",
  },
  macro_ai_app_env: {
    use: "structural",
    type: type.word,
    optional: true,
    description: "`APP_ENV` of the application; the environment's name when left out.",
  },
  macro_ai_keep_releases: {
    use: "structural",
    type: type.count(2, 20),
    default: "5",
    description: "Releases that a host keeps.",
  },
} as const satisfies InputGroup;
