import { checkArguments } from "../../cli/verbs/plan";

it.each(["-destroy", "--destroy", "-destroy=true", "-out=x", "-lock=false"])(
  "%s is not handed on to Terraform",
  (arg) => {
    expect(() => checkArguments("stage", [arg])).toThrow("is not handed on");
  },
);

it.each(["-replace=aws_instance.chronos_host_dashboard", "-target=aws_eip.x", "-lock-timeout=1m"])(
  "%s is",
  (arg) => {
    expect(() => checkArguments("stage", [arg])).not.toThrow();
  },
);
