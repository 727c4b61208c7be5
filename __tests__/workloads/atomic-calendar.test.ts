import { resources, sharedEnv, synthesizeFiles } from "../support/stacks";
import { serviceNames } from "../../workloads/atomic-calendar/services";
import { imageInput } from "../../environments/catalogue/atomic-calendar";
import { writeFileSync } from "node:fs";

const digest = (digit: string) => `sha256:${digit.repeat(64)}`;

it("synthesizes", () => {
  const files = {
    "shared.env": { ...sharedEnv, TF_VAR_image_repositories: "atomic-calendar", TF_VAR_nat_gateways: "single" },
    "stage.env": {
      TF_VAR_deptype: "stage",
      TF_VAR_systems: "atomic-calendar",
      TF_VAR_atomic_calendar_domain: "app.example.com",
      TF_VAR_atomic_calendar_hosted_zone: "example.com",
      TF_VAR_atomic_calendar_xray_daemon_image: digest("9"),
      ...Object.fromEntries(serviceNames.map((name) => [`TF_VAR_${imageInput(name)}`, digest("1")])),
    },
  };
  const synthesized = synthesizeFiles(files);
  expect(synthesized.broken.flatMap(({ problems }) => problems)).toEqual([]);
  const json = synthesized.json("stage");
  writeFileSync("/tmp/lab/ac-stage.json", JSON.stringify(json, null, 1));
  writeFileSync("/tmp/lab/ac-shared.json", JSON.stringify(synthesized.json("shared"), null, 1));
  expect(Object.keys(resources(json, "aws_ecs_service"))).toHaveLength(8);
});
