import { containerDefinitions } from "../../modules/container";
import { ContainerService, type ContainerServiceProps } from "../../modules/container-service";
import { EcsCluster } from "../../modules/ecs-cluster";
import { ServiceNamespace } from "../../modules/service-namespace";
import { TaskDefinition, type TaskDefinitionProps } from "../../modules/task-definition";
import { ModuleStack, type Json } from "../support/module-stack";
import { resource, resources } from "../support/stacks";

const account = { partition: "aws", region: "us-east-1", accountIds: ["123456789012"] };
const image = "example.com/api@sha256:1";

function service(
  props: Partial<ContainerServiceProps> = {},
  task: Partial<TaskDefinitionProps> = {},
): { name: string; json: Json } {
  const stack = new ModuleStack();
  const cluster = new EcsCluster(stack, "cluster", { name: "main", capacity: { spot: false } });
  const { name } = new ContainerService(stack, "api", {
    name: "api",
    cluster,
    task: new TaskDefinition(stack, "task", {
      family: "api",
      roleName: "api",
      ...account,
      cpu: 256,
      memory: 512,
      container: { name: "api", image, port: 8080 },
      repositoryArns: [],
      logRetentionDays: 30,
      ...task,
    }),
    desiredCount: 2,
    capacity: { spot: false },
    network: { subnetIds: ["subnet-1"], securityGroupIds: ["sg-1"], assignPublicIp: false },
    ...props,
  });
  return { name, json: stack.json };
}

describe("a service", () => {
  it("has the defaults that its props name", () => {
    const found = resource(service().json, "aws_ecs_service", "api");
    expect(found).toMatchObject({
      desired_count: 2,
      deployment_minimum_healthy_percent: 100,
      deployment_maximum_percent: 200,
      deployment_circuit_breaker: { enable: true, rollback: true },
      capacity_provider_strategy: [{ capacity_provider: "FARGATE", weight: 1, base: 0 }],
      enable_execute_command: false,
    });
    for (const attribute of ["lifecycle", "health_check_grace_period_seconds"])
      expect(found).not.toHaveProperty(attribute);
  });

  it("that a load balancer serves gives new tasks time before their health counts", () => {
    const targets = { targetGroupArns: ["arn:one", "arn:two"] };
    expect(resource(service(targets).json, "aws_ecs_service", "api")).toMatchObject({
      health_check_grace_period_seconds: 60,
      load_balancer: [
        { target_group_arn: "arn:one", container_name: "api", container_port: 8080 },
        { target_group_arn: "arn:two", container_name: "api", container_port: 8080 },
      ],
    });
    expect(
      resource(service({ ...targets, healthCheckGraceSeconds: 0 }).json, "aws_ecs_service", "api")
        .health_check_grace_period_seconds,
    ).toBe(0);
  });

  it("that a load balancer serves must listen somewhere", () => {
    expect(() => service({ targetGroupArns: ["arn:one"] }, { container: { name: "api", image } })).toThrow(
      "api has target groups, and its container no port",
    );
  });

  it("can be found by name, and waits for what it is made after", () => {
    const stack = new ModuleStack();
    const namespace = new ServiceNamespace(stack, "names", { name: "stage.internal", vpcId: "vpc-1" });
    const { hostName, registryArn } = namespace.register("api");
    expect(hostName).toBe("api.stage.internal");
    const json = stack.json;
    expect(resource(json, "aws_service_discovery_service", "names_api")).toMatchObject({
      name: "api",
      dns_config: { routing_policy: "MULTIVALUE", dns_records: [{ type: "A", ttl: 10 }] },
      health_check_custom_config: { failure_threshold: 1 },
    });
    const found = service({ discovery: { hostName, registryArn }, after: [namespace.resource] }).json;
    expect(resource(found, "aws_ecs_service", "api")).toMatchObject({
      service_registries: { registry_arn: "${aws_service_discovery_service.names_api.arn}" },
      depends_on: expect.arrayContaining(["aws_service_discovery_private_dns_namespace.names"]) as string[],
    });
    expect(resource(service().json, "aws_ecs_service", "api")).not.toHaveProperty("service_registries");
    expect(() => namespace.register("no_label")).toThrow('dns label name "no_label"');
  });

  it("that scales has its number of tasks changed by nobody but auto scaling", () => {
    const { json } = service({ autoScaling: { min: 0, max: 4, cpu: 60 } });
    expect(resource(json, "aws_ecs_service", "api").lifecycle).toEqual({ ignore_changes: ["desired_count"] });
    expect(resource(json, "aws_appautoscaling_target", "api_scaling")).toMatchObject({
      resource_id: "service/main/api",
      min_capacity: 0,
      max_capacity: 4,
    });
    expect(resources(json, "aws_appautoscaling_policy")).toEqual({
      api_scaling_cpu: expect.objectContaining({
        target_tracking_scaling_policy_configuration: {
          predefined_metric_specification: { predefined_metric_type: "ECSServiceAverageCPUUtilization" },
          target_value: 60,
          scale_in_cooldown: 300,
          scale_out_cooldown: 60,
        },
      }),
    });
  });

  it("cannot scale to less than its least", () => {
    expect(() => service({ autoScaling: { min: 3, max: 2 } })).toThrow(
      "api: at least 3 tasks are more than at most 2",
    );
  });
});

describe("a task", () => {
  it("with a size that Fargate does not have is refused with those that it has", () => {
    expect(() => service({}, { memory: 8192 })).toThrow(
      "api: 8192 MiB do not go with 256 CPU units: Fargate takes 512, 1024, 2048",
    );
  });

  it("has no rights unless it is given some, and a shell only where that is asked for", () => {
    const plain = service().json;
    expect(resources(plain, "aws_iam_role_policy")).not.toHaveProperty("task_task_role_policy");
    const withShell = service({}, { exec: true }).json;
    expect(resource(withShell, "aws_iam_role_policy", "task_task_role_policy").policy).toContain(
      "ssmmessages:OpenDataChannel",
    );
  });
});

describe("a container", () => {
  const context = { region: "us-east-1", logGroup: "/ecs/api" };

  it("has a read-only root, no writable folder and nothing beside it unless asked for", () => {
    const definitions = containerDefinitions({ name: "api", image }, context);
    expect(definitions).toHaveLength(1);
    expect(definitions[0]).toMatchObject({
      readonlyRootFilesystem: true,
      user: "1000:1000",
      mountPoints: [],
      portMappings: [],
      stopTimeout: 30,
    });
    expect(definitions[0]).not.toHaveProperty("dependsOn");
  });

  it("takes a secret whole or by a key of its JSON, and a health check with its times", () => {
    const [definition] = containerDefinitions(
      {
        name: "api",
        image,
        port: 8080,
        secrets: { TOKEN: { arn: "arn:token" }, PASSWORD: { arn: "arn:database", jsonKey: "password" } },
        healthCheck: { command: ["wget", "-q", "http://127.0.0.1:8080/health"] },
        writable: { tmp: "/tmp", cache: "/var/cache" },
      },
      context,
    );
    expect(definition).toMatchObject({
      secrets: [
        { name: "TOKEN", valueFrom: "arn:token" },
        { name: "PASSWORD", valueFrom: "arn:database:password::" },
      ],
      healthCheck: {
        command: ["CMD", "wget", "-q", "http://127.0.0.1:8080/health"],
        interval: 30,
        timeout: 5,
        retries: 3,
        startPeriod: 60,
      },
      mountPoints: [
        { sourceVolume: "tmp", containerPath: "/tmp", readOnly: false },
        { sourceVolume: "cache", containerPath: "/var/cache", readOnly: false },
      ],
      portMappings: [{ name: "api", containerPort: 8080, hostPort: 8080, protocol: "tcp" }],
    });
  });

  it.each([
    [{ interval: 4 }, "interval 4 is not from 5 to 300"],
    [{ timeout: 61 }, "timeout 61 is not from 2 to 60"],
    [{ retries: 0 }, "retries 0 is not from 1 to 10"],
    [{ startPeriod: 301 }, "startPeriod 301 is not from 0 to 300"],
  ])("cannot have a health check with %j", (times, message) => {
    const healthCheck = { command: ["true"], ...times };
    expect(() => containerDefinitions({ name: "api", image, healthCheck }, context)).toThrow(
      `api: its health check's ${message}`,
    );
  });

  it("may have others beside it, which end without it and know only their own secrets", () => {
    const sidecar = {
      name: "traces",
      image: "example.com/traces@sha256:2",
      secrets: { KEY: { arn: "arn:key" } },
    };
    const definitions = containerDefinitions({ name: "api", image, timeLimit: 60 }, context, [sidecar]);
    expect(definitions.map(({ name, essential }) => [name, essential])).toEqual([
      ["api", true],
      ["time-limit", true],
      ["traces", false],
    ]);
    expect(definitions[0]?.secrets).toEqual([]);
    expect(definitions[2]).toMatchObject({
      image: "example.com/traces@sha256:2",
      readonlyRootFilesystem: true,
      secrets: [{ name: "KEY", valueFrom: "arn:key" }],
      logConfiguration: { options: { "awslogs-stream-prefix": "traces" } },
    });
    const { json } = service({}, { sidecars: [sidecar] });
    expect(resource(json, "aws_iam_role_policy", "task_execution_role_policy").policy).toContain('"arn:key"');
    const again = { ...sidecar, name: "time-limit" };
    expect(() => containerDefinitions({ name: "api", image, timeLimit: 60 }, context, [again])).toThrow(
      'api: two containers are called "time-limit"',
    );
  });

  it("without a shell in its image is helped by another image", () => {
    const props = { name: "api", image, writable: { tmp: "/tmp" }, timeLimit: 60 };
    const images = (helperImage?: string) =>
      containerDefinitions({ ...props, helperImage }, context).map((each) => each.image);
    expect(images()).toEqual([image, image, image]);
    expect(images("example.com/busybox@sha256:3")).toEqual([
      image,
      "example.com/busybox@sha256:3",
      "example.com/busybox@sha256:3",
    ]);
  });

  it.each([0, 121])("cannot have %d seconds to stop", (stopTimeout) => {
    expect(() => containerDefinitions({ name: "api", image, stopTimeout }, context)).toThrow(
      `api: a stop time of ${stopTimeout} s is not from 1 to 120`,
    );
  });
});
