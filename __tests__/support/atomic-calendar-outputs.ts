import type { Outputs } from "../../backend/state-store";

const arn = (name: string) =>
  `arn:aws:secretsmanager:us-east-1:436957243186:secret:stage-atomic-calendar/${name}-AbCdEf`;
export const adminSecretArn = arn("HasuraAdminSecret");
export const databaseSecretArn = arn("DbSecret");

const service = (name: string) => ({
  kind: "service",
  service: `stage-atomic-calendar-${name}`,
  family: `stage-atomic-calendar-${name}`,
  container: name,
  log_group: `/ecs/stage-atomic-calendar-${name}`,
  log_stream_prefix: name,
  capacity: [{ provider: "FARGATE", weight: 1, base: 0 }],
  secrets: [],
});

/** Outputs of an environment with Atomic Calendar, as far as commands read them. */
export function atomicCalendarOutputs(changed: Readonly<Record<string, unknown>> = {}): Outputs {
  const values: Readonly<Record<string, unknown>> = {
    atomic_calendar_url: "https://app.example.com",
    atomic_calendar_admin_cidrs: ["203.0.113.7/32"],
    atomic_calendar_database_endpoint: "stage.c1.us-east-1.rds.amazonaws.com:5432",
    atomic_calendar_database_name: "atomicdb",
    atomic_calendar_database_user: "postgres",
    atomic_calendar_database_secret_arn: databaseSecretArn,
    atomic_calendar_containers: {
      cluster: "stage-atomic-calendar-cluster",
      subnets: ["subnet-1"],
      security_groups: ["sg-1"],
      assign_public_ip: false,
      containers: Object.fromEntries(
        ["app", "hasura", "supertokens", "optaplanner"].map((name) => [name, service(name)]),
      ),
    },
    atomic_calendar_secrets: {
      HasuraAdminSecret: {
        name: "stage-atomic-calendar/HasuraAdminSecret",
        arn: adminSecretArn,
        owner: "terraform",
        used_by: ["hasura"],
      },
    },
    ...changed,
  };
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, { value, sensitive: false }]),
  );
}
