import {
  reviewedActions,
  type AttributeChange,
  type Review,
  type ReviewedAction,
  type ReviewedChange,
  type Shown,
} from "../../cli/review/model";

export const absent: Shown = { kind: "absent" };
export const unknown: Shown = { kind: "unknown" };
export const sensitive: Shown = { kind: "sensitive" };
export const value = (text: string): Shown => ({ kind: "value", text });

/** One attribute; texts stand for values. */
export const attribute = (
  path: string | AttributeChange["path"],
  before: Shown | string,
  after: Shown | string,
  replaces = false,
): AttributeChange => ({
  path: typeof path === "string" ? path.split(".") : path,
  before: typeof before === "string" ? value(before) : before,
  after: typeof after === "string" ? value(after) : after,
  replaces,
});

export const change = (
  address: string,
  action: ReviewedAction,
  attributes: readonly AttributeChange[] = [],
  more: Partial<ReviewedChange> = {},
): ReviewedChange => ({
  address,
  type: address.split(".")[0] ?? "",
  system: systemOf(address.slice(address.lastIndexOf(".") + 1)),
  action,
  attributes,
  ...more,
});

/** A review of these changes, with everything else that it must have. */
export const review = (changes: readonly ReviewedChange[], more: Partial<Review> = {}): Review => ({
  version: 1,
  stack: "stage",
  fingerprint: "sha256:7b0f4a6c1d92e3358f04bb1f7f6e2c8a5d1e9c0b3a4f5e6d7c8b9a0f1e2d3c4b",
  counts: Object.fromEntries(
    reviewedActions.map((action) => [action, changes.filter((one) => one.action === action).length]),
  ) as Review["counts"],
  changes,
  outputs: [],
  drift: [],
  risks: [],
  ...more,
});

interface StackBlocks {
  readonly resource?: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
}

/** A review that creates every resource of a stack's JSON. */
export function creating(stack: string, json: StackBlocks): Review {
  const changes = Object.entries(json.resource ?? {}).flatMap(([type, blocks]) =>
    Object.entries(blocks).map(([name, block]) =>
      change(
        `${type}.${name}`,
        "create",
        [...attributesOf({ ...block, "//": undefined }), attribute("id", absent, unknown)],
        {
          system: systemOf(name, block),
        },
      ),
    ),
  );
  const bySystem = [...changes].sort((a, b) => (a.system < b.system ? -1 : a.system > b.system ? 1 : 0));
  return review(bySystem, {
    stack,
    cost: { before: 0, after: 412.37, lines: [], notEstimated: [] },
    outputs: [{ name: "dashboard_address", action: "create", before: absent, after: unknown }],
  });
}

function systemOf(name: string, { tags }: Readonly<Record<string, unknown>> = {}): string {
  const tag = (tags as Readonly<Record<string, unknown>> | undefined)?.System;
  const prefixes = ["atomic-calendar", "chronos", "macro-ai", "viewer-atlas", "x-scheduler"];
  return typeof tag === "string" && !tag.includes("${")
    ? tag
    : (prefixes.find((prefix) => name.startsWith(`${prefix}_`)) ?? "landfall");
}

function attributesOf(block: unknown, path: readonly (string | number)[] = []): AttributeChange[] {
  if (typeof block === "object" && block !== null)
    return Object.entries(block).flatMap(([key, part]) =>
      attributesOf(part, [...path, Array.isArray(block) ? Number(key) : key]),
    );
  if (block === undefined) return [];
  const text = String(block);
  return [attribute(path, absent, text.includes("${") ? unknown : value(text))];
}

/** One of everything: what a busy day's plan may have. */
export function busy(): Review {
  const policy = (actions: readonly string[]) =>
    JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        { Sid: "Objects", Effect: "Allow", Action: actions, Resource: "arn:aws:s3:::stage-videos/*" },
        { Sid: "List", Effect: "Allow", Action: "s3:ListBucket", Resource: "arn:aws:s3:::stage-videos" },
      ],
    });
  const changes = [
    change(
      "aws_db_instance.atomic-calendar_database",
      "replace",
      [
        attribute("storage_encrypted", "false", "true", true),
        attribute("instance_class", "db.t4g.micro", "db.t4g.small"),
        attribute("password", sensitive, sensitive),
        attribute("endpoint", "stage-calendar.c1a2b3.us-east-1.rds.amazonaws.com:5432", unknown),
        attribute("arn", "arn:aws:rds:us-east-1:436957243186:db:stage-calendar", unknown),
      ],
      { reason: "it cannot be changed in place" },
    ),
    change(
      "aws_cloudwatch_log_group.atomic-calendar_old_logs",
      "delete",
      [attribute("name", "/stage/atomic-calendar/old", absent), attribute("retention_in_days", "30", absent)],
      { reason: "it is no longer in the configuration" },
    ),
    change("aws_ecs_service.atomic-calendar_hasura", "update", [
      attribute("desired_count", "1", "2"),
      attribute(["capacity_provider_strategy", 0, "weight"], "1", "3"),
      attribute(
        "task_definition",
        "arn:aws:ecs:us-east-1:436957243186:task-definition/stage-hasura:14",
        unknown,
      ),
    ]),
    change("aws_security_group.chronos_group", "update", [
      attribute(["tags", "Owner"], absent, "ops@example.com"),
    ]),
    change(
      "aws_vpc_security_group_ingress_rule.chronos_dashboard_group_from_ssh_22_203-0-113-0-24",
      "create",
      [
        attribute("cidr_ipv4", absent, "0.0.0.0/0"),
        attribute("from_port", absent, "22"),
        attribute("ip_protocol", absent, "tcp"),
        attribute("to_port", absent, "22"),
        attribute("arn", absent, unknown),
        attribute("security_group_rule_id", absent, unknown),
      ],
    ),
    change("aws_instance.macro-ai_host", "move", [], {
      previousAddress: "aws_instance.macro-ai_server",
    }),
    change("aws_iam_role_policy.x-scheduler_host_role_policy", "update", [
      attribute(
        "policy",
        policy(["s3:GetObject"]),
        policy(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]),
      ),
    ]),
    change("aws_s3_bucket.x-scheduler_videos", "import", [], { importId: "stage-videos" }),
    change("aws_sqs_queue.viewer-atlas_old_queue", "forget", [attribute("name", "stage-old", absent)]),
    change("aws_instance.viewer-atlas_host", "create", [
      attribute("ami", absent, "ami-0abc"),
      attribute(
        "user_data",
        absent,
        ["#!/bin/bash", "set -eu", ...Array.from({ length: 40 }, (_, line) => `echo step ${line}`)].join(
          "\n",
        ),
      ),
      attribute("public_ip", absent, unknown),
    ]),
    change("data.aws_ami.viewer-atlas_image", "read", [attribute("id", absent, unknown)], {
      type: "aws_ami",
    }),
  ];
  return review(changes, {
    risks: [
      {
        rule: "ingress-from-anywhere",
        refused: false,
        address: "aws_vpc_security_group_ingress_rule.chronos_dashboard_group_from_ssh_22_203-0-113-0-24",
        what: "The security group lets anybody on the Internet reach port 22.",
      },
      {
        rule: "data-lost",
        refused: true,
        address: "aws_db_instance.atomic-calendar_database",
        what: "The database is replaced: what it holds is gone unless a snapshot is restored.",
      },
      {
        rule: "access-widened",
        refused: false,
        address: "aws_iam_role_policy.x-scheduler_host_role_policy",
        what: "The role may do more than before: s3:DeleteObject, s3:PutObject.",
      },
    ],
    cost: {
      before: 182.4,
      after: 236.15,
      lines: [
        { address: "aws_ecs_service.atomic-calendar_hasura", system: "atomic-calendar", monthly: 38.2 },
        {
          address: "aws_db_instance.atomic-calendar_database",
          system: "atomic-calendar",
          monthly: 16.06,
        },
        {
          address: "aws_cloudwatch_log_group.atomic-calendar_old_logs",
          system: "atomic-calendar",
          monthly: -0.51,
        },
      ],
      notEstimated: ["aws_sqs_queue.viewer-atlas_old_queue"],
    },
    outputs: [
      {
        name: "database_endpoint",
        action: "update",
        before: value("stage-calendar.c1a2b3.us-east-1.rds.amazonaws.com"),
        after: unknown,
      },
      { name: "hasura_admin_secret", action: "create", before: absent, after: sensitive },
      { name: "old_address", action: "delete", before: value("203.0.113.9"), after: absent },
    ],
    drift: [
      change("aws_instance.chronos_host_edge-1", "update", [
        attribute("instance_type", "t3.micro", "t3.large"),
      ]),
    ],
  });
}

/** What is shown of JSON, of texts of lines, of lists and of what is not known. */
export const detailed = (): Review => {
  const lines = Array.from(
    { length: 60 },
    (_, line) => ` echo a line of a script, which says ${line} and goes on`,
  );
  const user = [...lines, "-systemctl start old.service", "+systemctl start new.service"];
  return review([
    change(
      "aws_ecs_task_definition.atomic-calendar_app",
      "replace",
      [
        attribute(
          ["container_definitions", "app", "environment", "LOG_LEVEL", "value"],
          "info",
          "debug",
          true,
        ),
        attribute(
          ["container_definitions", "app", "secrets", "API_TOKEN", "valueFrom"],
          "arn:aws:secretsmanager:us-east-1:436957243186:secret:stage-token-a1b2c3",
          {
            kind: "unknown",
            from: ["aws_secretsmanager_secret.atomic-calendar_token.arn", "var.key"],
            configured: "${aws_secretsmanager_secret.atomic-calendar_token.arn}:${var.key}::",
          },
          true,
        ),
        {
          ...attribute(["container_definitions", "app", "command"], '["a","b"]', '["a","c"]', true),
          entries: { gone: ["b"], new: ["c"], same: 1 },
        },
      ],
      {
        documents: [
          {
            path: ["container_definitions"],
            lines: [
              " [",
              "   {",
              '     "name": "app",',
              '-    "value": "info"',
              '+    "value": "debug"',
              "   }",
              " ]",
            ],
          },
        ],
      },
    ),
    change("aws_instance.chronos_host", "update", [
      { ...attribute(["user_data_base64"], "old", "new"), lines: user },
    ]),
  ]);
};

/** Texts that are markup, code, or a disguise to whoever does not escape them. */
export const hostileTexts: readonly string[] = [
  "<script>window.pwned = 1</script>",
  "</script><script>window.pwned = 2</script>",
  "</style><img src=x onerror=window.pwned=3>",
  '"><svg onload=window.pwned=4>',
  "' onfocus='window.pwned=5' autofocus='",
  "<!-- --><iframe srcdoc='<script>parent.pwned=6</script>'>",
  "javascript:window.pwned=7",
  "]]></title></details></summary></dl><a href=javascript:window.pwned=8>x</a>",
  "&lt;b&gt; &amp;amp; &#60;i&#62;",
  "a|b `c` **d** 🙂👩‍👩‍👧 \u202egnp.exe \u0000 \ud800 \r\n\ttab",
  "pwned",
  "__proto__",
];

/** Lines of a text that differ, one after another. */
const linesOf = (texts: readonly string[], times: number): string[] =>
  Array.from({ length: times }, () => texts.flatMap((text) => [`-${text}`, `+${text}`, ` ${text}`])).flat();

/** A review with these texts wherever one may be. */
export const withTexts = (texts: readonly string[]): Review => {
  const all = (before: string, after: string): AttributeChange[] => [
    attribute([before, 0, after], before, after, true),
    attribute([after], absent, unknown),
    attribute([before], before.repeat(60), `${after}\n`.repeat(20)),
    {
      ...attribute(["entries"], before, after),
      entries: { gone: [before], new: Array(60).fill(after), same: 1 },
    },
    { ...attribute(["lines"], before, after), lines: linesOf([before, after], 60) },
    attribute(["later"], absent, {
      kind: "unknown",
      from: [before, after],
      configured: `${after}\n`.repeat(20),
    }),
    attribute(["long"], absent, { kind: "value", text: before, full: after.repeat(100) }),
  ];
  const changes = texts.flatMap((text, index) => {
    const action = reviewedActions[index % reviewedActions.length] ?? "create";
    const made = change(text, action, all(text, texts[(index + 1) % texts.length] ?? ""), {
      type: text,
      system: text,
      reason: text,
      previousAddress: text,
      importId: text,
      documents: [{ path: [text, 0], lines: linesOf([text], 3) }],
    });
    return [made, made];
  });
  return review(changes, {
    stack: texts.join(" "),
    fingerprint: texts.join(" "),
    drift: changes,
    risks: texts.map((text, index) => ({ rule: text, refused: index % 2 === 0, address: text, what: text })),
    outputs: texts.map((name) => ({
      name,
      action: "update",
      before: value(name),
      after: value(`${name}\n`),
    })),
    cost: {
      before: 1,
      after: 2,
      lines: texts.map((text) => ({ address: text, system: text, monthly: 1 })),
      notEstimated: texts,
    },
  });
};

/** Changes of a thousand resources. */
export const large = (): Review =>
  review(
    Array.from({ length: 1000 }, (_, index) =>
      change(
        `aws_instance.${["chronos", "macro-ai", "x-scheduler"][index % 3]}_host_${index}`,
        reviewedActions[index % 5] ?? "create",
        Array.from({ length: 10 }, (_, number) =>
          attribute(["tags", `Name${number}`], `before ${index}`, `after-${index}-${number}`),
        ),
      ),
    ).sort((a, b) => (a.system < b.system ? -1 : a.system > b.system ? 1 : 0)),
  );
