import { readFileSync } from "node:fs";
import { join } from "node:path";
import { enforceGuards, parseAllowed, tellGuards } from "../../../cli/guards/risks";
import { rules, type Guarded } from "../../../cli/guards/rules";
import { LandfallError, UsageError } from "../../../environments/errors";
import { projectRoot } from "../../../environments/root";
import { change, document } from "./support";

let said = "";
beforeEach(() => {
  said = "";
  jest.spyOn(process.stderr, "write").mockImplementation((text) => ((said += String(text)), true));
});
afterEach(() => jest.restoreAllMocks());

const stage: Guarded = { name: "stage", stageClass: "staging", deletionProtection: false };
const prod: Guarded = { name: "prod", stageClass: "prod", deletionProtection: true };
const open = (name: string, port = 22) =>
  change(
    "aws_vpc_security_group_ingress_rule",
    null,
    { ip_protocol: "tcp", from_port: port, to_port: port, cidr_ipv4: "0.0.0.0/0" },
    { name },
  );
const eip = change("aws_eip", { id: "eipalloc-1", public_ip: "198.51.100.7" }, null);
const table = change("aws_dynamodb_table", { id: "t" }, null);
const files = { ...change("aws_efs_file_system", { id: "fs-1" }, null, { actions: ["forget"] }) };
const [ssh, other] = [
  "security-group-open-to-world:aws_vpc_security_group_ingress_rule.ssh",
  "security-group-open-to-world",
];

/** The error, or undefined where the plan may be applied. */
function refusal(stack: Guarded, changes: Parameters<typeof document>[0], allow: string[] = []) {
  try {
    enforceGuards(stack, document(changes), { allowed: parseAllowed(allow) });
  } catch (error) {
    if (error instanceof LandfallError) return error;
    throw error;
  }
  return undefined;
}

describe("--allow", () => {
  test("takes rules, and rules of one resource, whose address may hold colons", () => {
    expect(parseAllowed()).toEqual([]);
    expect(parseAllowed(["public-bucket", 'iam-opened:aws_iam_role.a["b:c"]'])).toEqual([
      { rule: "public-bucket" },
      { rule: "iam-opened", address: 'aws_iam_role.a["b:c"]' },
    ]);
  });

  test.each([
    ["public-buckets", 'There is no rule "public-buckets" for --allow. Did you mean public-bucket?'],
    ["", 'There is no rule "" for --allow.'],
    ["aws_iam_role.a:iam-opened", 'There is no rule "aws_iam_role.a"'],
    ["public-bucket:", "names no address"],
    ["data-lost", "--allow does not take data-lost"],
    ["data-lost:aws_s3_bucket.a", "--allow does not take data-lost"],
  ])("does not take %p", (value, told) => {
    expect(() => parseAllowed([value])).toThrow(UsageError);
    expect(() => parseAllowed([value])).toThrow(told);
  });
});

describe("a plan is refused", () => {
  test("with each finding, its reason, what to do, and how to override it", () => {
    const error = refusal(prod, [open("ssh"), open("db", 5432), eip, open("other", 8443)]);
    expect(error?.exitCode).toBe(1);
    expect(error?.message.split("\n")).toEqual([
      "This plan of prod is refused; nothing was applied.",
      "address-lost: an Elastic IP would be given back:",
      "  aws_eip.one: The address 198.51.100.7 would go back to AWS for good.",
      "security-group-open-to-world: the world could reach SSH, a database or all ports:",
      "  aws_vpc_security_group_ingress_rule.ssh: The world (0.0.0.0/0) could reach tcp port 22, with SSH.",
      "  aws_vpc_security_group_ingress_rule.db: The world (0.0.0.0/0) could reach tcp port 5432, with PostgreSQL.",
    ]);
    expect(error?.mend).toContain("address-lost: To keep it, leave its name in TF_VAR_addresses");
    expect(error?.mend).toContain(
      "for this one run: ./landfall apply prod --allow 'address-lost:aws_eip.one' --allow security-group-open-to-world",
    );
  });

  test("and no longer once all of it is allowed; what is allowed is told", () => {
    expect(refusal(stage, [open("ssh")], [ssh])).toBeUndefined();
    expect(said).toContain("Warning: security-group-open-to-world:");
    expect(refusal(stage, [open("ssh"), open("db", 5432)], [other])).toBeUndefined();
    const rest = refusal(stage, [open("ssh"), open("db", 5432)], [ssh]);
    expect(rest?.message).toContain("_rule.db");
    expect(rest?.message).not.toContain("_rule.ssh");
  });

  test("whatever is allowed, where it loses data that is kept; and the rest is named with it", () => {
    const error = refusal(prod, [table, open("ssh"), open("db", 5432)], [ssh]);
    expect(error?.message).toContain("This plan loses data that prod keeps; nothing was applied.");
    expect(error?.message).toContain(
      "  aws_dynamodb_table.one would be destroyed: all items in it would be lost.",
    );
    expect(error?.message).toContain("_rule.db");
    expect(error?.mend).toContain("put environments/prod.env back as it was");
    expect(refusal(prod, [table])?.mend).not.toContain("--allow");
  });
});

describe("a plan is not refused", () => {
  test("for what only needs a look, which is told before the question", () => {
    expect(refusal(stage, [table, open("other", 8443), eip])).toBeUndefined();
    expect(said).toContain(
      "Warning: data-lost: data would be lost:\n  aws_dynamodb_table.one: It would be destroyed",
    );
    expect(said).toContain("Warning: address-lost:");
    expect(said).toContain("Warning: port-open-to-world:");
  });

  test("and a permission that nothing needed is told", () => {
    expect(refusal(stage, [open("other", 8443)], ["public-bucket", ssh ?? ""])).toBeUndefined();
    expect(said).toContain("--allow public-bucket was not needed");
    expect(said).toContain(`--allow '${ssh}' was not needed`);
    said = "";
    expect(refusal(stage, [open("ssh")], [ssh ?? ""])).toBeUndefined();
    expect(said).not.toContain("not needed");
  });

  test("and data that stays in AWS is told once, with the way back", () => {
    expect(refusal(prod, [files])).toBeUndefined();
    expect(said.match(/Warning/g)).toHaveLength(1);
    expect(said).toContain("import aws_efs_file_system.one fs-1");
  });

  test("and a long list is cut", () => {
    expect(
      refusal(
        stage,
        Array.from({ length: 14 }, (_, n) => open(`p${n}`, 8000 + n)),
      ),
    ).toBeUndefined();
    expect(said).toContain("  and 4 more\n");
  });
});

describe("names and values of a plan", () => {
  const evil = "x\n::error::forged\r\n\u001B[2J\u202E##[error]forged";
  const bounded = (permissions_boundary: string, name = "role") =>
    change(
      "aws_iam_role",
      { name: "r", permissions_boundary },
      { name: "r", permissions_boundary: "arn:new" },
      { name },
    );
  /** Nothing that a terminal or GitHub's log would take for more than letters. */
  function expectHarmless(text: string) {
    expect(text).toContain("forged");
    // eslint-disable-next-line no-control-regex
    expect(text).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u202E]/);
    expect(text).not.toMatch(/^\s*::/m);
    expect(text).not.toContain("##[");
  }

  test("are told in one line each, in a warning", () => {
    expect(refusal(stage, [bounded(evil)])).toBeUndefined();
    expectHarmless(said);
    expect(said).toContain("\n  aws_iam_role.role: Its boundary x␊::error::forged␍␊␛[2J");
    expect(said.trim().split("\n")).toHaveLength(2);
  });

  test("are told in one line each, in a refusal", () => {
    const lost = { ...bounded(evil), change: { ...bounded(evil).change, after: { name: "r" } } };
    expectHarmless(refusal(stage, [lost])?.message ?? "");
    const named = { ...open("ssh"), address: `::error::aws_forged.${evil}` };
    const error = refusal(stage, [named]);
    expectHarmless(error?.message ?? "");
    expect(error?.mend).toContain("--allow security-group-open-to-world");
    expect(error?.mend).not.toContain("forged"); // what cannot be typed is not proposed
    tellGuards(stage, document([named]));
    expectHarmless(said);
  });

  test("are told in one line each, where data is lost or left", () => {
    const gone = { ...table, address: `::error::${evil}` };
    expectHarmless(refusal(prod, [gone])?.message ?? "");
    const left = { ...files, change: { ...files.change, before: { id: evil } } };
    expect(refusal(prod, [left])).toBeUndefined();
    expectHarmless(said);
  });

  test("are quoted in a command as a shell wants it", () => {
    const keyed = { ...open("ssh"), address: `aws_x.y["it's $(id)"]` };
    expect(refusal(stage, [keyed])?.mend).toContain(
      `--allow 'security-group-open-to-world:aws_x.y["it'\\''s $(id)"]'`,
    );
    const left = { ...files, address: 'aws_efs_file_system.one["a"]' };
    expect(refusal(prod, [left])).toBeUndefined();
    expect(said).toContain(`import 'aws_efs_file_system.one["a"]' fs-1`);
  });
});

test("a plan that is only looked at says what apply would do", () => {
  tellGuards(prod, document([open("ssh"), open("other", 8443)]));
  expect(said).toContain("Warning: port-open-to-world:");
  expect(said).toMatch(/Warning: apply will refuse this plan[^]*_rule\.ssh[^]*--allow/);
  said = "";
  tellGuards(prod, document([change("aws_sqs_queue", null, {})]));
  expect(said).toBe("");
});

test("docs/guards.md tells all rules as they are", () => {
  const text = readFileSync(join(projectRoot, "docs", "guards.md"), "utf8");
  const written = [...text.matchAll(/^\| `([\w-]+)` +\| (.*?) +\| (.*?) +\| (.*?) +\|$/gm)].map(
    ([, ...cells]) => cells,
  );
  const words = {
    always: "always",
    prod: "where the stage class is prod",
    protected: "where data is kept",
    never: "never",
  };
  expect(written).toEqual(
    rules.map(({ name, title, refused, overridable = true }) => [
      name,
      title,
      words[refused],
      refused === "never" ? "not needed" : overridable ? "yes" : "no",
    ]),
  );
});
