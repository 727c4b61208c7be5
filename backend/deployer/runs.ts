import type { SystemName } from "../../environments/catalogue";

/** Values of inputs that a run sets; "" leaves one out. */
type Inputs = Readonly<Record<string, string>>;

/** What the recording deploys of a system, one after the other; then it destroys it. */
export interface SystemRun {
  readonly system: SystemName;
  /** Each is applied on top of the one before; the last is planned again. */
  readonly steps: readonly Inputs[];
}

const protectedProd: Inputs = { TF_VAR_stage_class: "prod", TF_VAR_deletion_protection: "true" };
const prod: Inputs = { TF_VAR_stage_class: "prod", TF_VAR_deletion_protection: "false" };
const letGo: Inputs = { TF_VAR_deletion_protection: "false" };
const dev: Inputs = { TF_VAR_stage_class: "", TF_VAR_deletion_protection: "" };
const image = (digit: string) => `sha256:${digit.repeat(64)}`;

/** Steps of `shared`, after its first apply. */
export const sharedSteps: readonly Inputs[] = [
  {
    TF_VAR_nat_gateways: "per_az",
    TF_VAR_availability_zones: "us-east-1a,us-east-1b,us-east-1c",
    TF_VAR_flow_log_retention_days: "90",
    TF_VAR_addresses: "sandbox-dashboard,sandbox-edge-1,sandbox-x-scheduler,sandbox-edge-2",
    TF_VAR_network_acl_admin_cidrs: "203.0.113.0/25",
  },
  {
    TF_VAR_nat_gateways: "single",
    TF_VAR_availability_zones: "",
    TF_VAR_flow_log_retention_days: "",
    TF_VAR_addresses: "sandbox-dashboard,sandbox-edge-1,sandbox-x-scheduler",
    TF_VAR_network_acl_admin_cidrs: "203.0.113.0/24,2001:db8::/32",
  },
];

/**
 * The inputs on which it depends what there is. The emulator does not give log groups another key, so that only
 * Chronos, which has none, changes its class.
 */
export const systemRuns: readonly SystemRun[] = [
  {
    system: "chronos",
    steps: [
      {},
      { ...protectedProd, TF_VAR_dashboard_ports: "80,443,8443", git_ref: "v2" },
      letGo,
      { ...dev, TF_VAR_edge_hosts: "", TF_VAR_dashboard_instance_type: "t3.large" },
    ],
  },
  {
    system: "x-scheduler",
    steps: [
      { ...prod, TF_VAR_x_scheduler_ssh_cidrs: "203.0.113.0/24" },
      {
        TF_VAR_x_scheduler_ssh_cidrs: "",
        TF_VAR_x_scheduler_domain: "x.example.com",
        TF_VAR_x_scheduler_hosted_zone: "example.com",
        TF_VAR_x_scheduler_git_ref: "v2",
        TF_VAR_x_scheduler_secrets_version: "2",
      },
    ],
  },
  {
    system: "macro-ai",
    steps: [
      { ...prod, TF_VAR_macro_ai_cidrs: "203.0.113.0/24" },
      {
        TF_VAR_macro_ai_cidrs: "",
        TF_VAR_macro_ai_capacity: "group",
        TF_VAR_macro_ai_domain: "api.example.com",
        TF_VAR_macro_ai_hosted_zone: "example.com",
      },
    ],
  },
  {
    system: "viewer-atlas",
    steps: [
      prod,
      {
        TF_VAR_viewer_atlas_file_system: "new",
        TF_VAR_viewer_atlas_collector_image: image("4"),
        TF_VAR_viewer_atlas_monthly_budget: "60",
        TF_VAR_viewer_atlas_container_insights: "true",
        TF_VAR_viewer_atlas_analysis_schedule: "cron(0 4 * * ? *)",
      },
    ],
  },
  {
    system: "atomic-calendar",
    steps: [
      {
        ...protectedProd,
        TF_VAR_atomic_calendar_hosted_zone: "example.com",
        TF_VAR_atomic_calendar_web_acl: "new",
      },
      {
        ...letGo,
        TF_VAR_atomic_calendar_password_version: "2",
        TF_VAR_atomic_calendar_secrets_version: "2",
        TF_VAR_atomic_calendar_app_image: image("d"),
        TF_VAR_atomic_calendar_tasks: "app=2:8",
        TF_VAR_atomic_calendar_admin_cidrs: "203.0.113.7/32",
        TF_VAR_atomic_calendar_database_storage: "60",
      },
      {
        TF_VAR_atomic_calendar_database: "aurora",
        TF_VAR_atomic_calendar_web_acl: "none",
      },
    ],
  },
];
