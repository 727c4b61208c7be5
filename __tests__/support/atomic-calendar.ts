import { imageInput } from "../../environments/catalogue/atomic-calendar";
import { serviceNames } from "../../workloads/atomic-calendar/services";
import { sharedEnv, synthesizeOnce, type Synthesized } from "./stacks";

export type Json = ReturnType<Synthesized["json"]>;

export const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;

/** Digest of each service's image, its place in the list being the digit. */
export const images: Readonly<Record<string, string>> = Object.fromEntries(
  serviceNames.map((name, index) => [`TF_VAR_${imageInput(name)}`, digest(String(index))]),
);
export const tracing = { TF_VAR_atomic_calendar_xray_daemon_image: digest("f") };

/** What `shared` must have for Atomic Calendar. */
export const sharedInputs: Readonly<Record<string, string>> = {
  TF_VAR_image_repositories: "atomic-calendar",
  TF_VAR_nat_gateways: "single",
};
/** The least that its environment's file holds, and a hosted zone. */
export const inputs: Readonly<Record<string, string>> = {
  TF_VAR_systems: "atomic-calendar",
  TF_VAR_atomic_calendar_domain: "app.example.com",
  TF_VAR_atomic_calendar_hosted_zone: "example.com",
  TF_VAR_alarm_emails: "ops@example.com",
};

/** An environment with Atomic Calendar alone, called "stage" unless `TF_VAR_deptype` says otherwise; "" leaves an input out. */
export function atomicCalendar(own: Record<string, string> = {}, shared: Record<string, string> = {}) {
  const name = own.TF_VAR_deptype ?? "stage";
  const given = Object.entries({ TF_VAR_deptype: name, ...inputs, ...images, ...tracing, ...own });
  const synthesis = synthesizeOnce(
    {
      "shared.env": { ...sharedEnv, ...sharedInputs, ...shared },
      [`${name}.env`]: Object.fromEntries(given.filter(([, value]) => value !== "")),
    },
    [name],
  );
  return {
    problems: synthesis.broken.flatMap(({ problems }) => problems),
    warnings: synthesis.warnings,
    json: () => synthesis.json(name),
  };
}

/** Its JSON. */
export function atomicCalendarJson(
  own: Record<string, string> = {},
  shared: Record<string, string> = {},
): Json {
  const { problems, json } = atomicCalendar(own, shared);
  if (problems.length > 0) throw new Error(JSON.stringify(problems, null, 2));
  return json();
}
