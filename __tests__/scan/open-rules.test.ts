import { serviceNames } from "../../workloads/atomic-calendar/services";
import { openRules } from "./open-rules";
import { synthesized } from "./synthesized";

const web = (group: string, direction: "ingress" | "egress") =>
  ["80-80", "443-443"].flatMap((ports) =>
    ["0.0.0.0/0", "::/0"].map((network) => `${group} ${direction} tcp ${ports} ${network}`),
  );

/** What the world may reach, and what may reach the world. Everything else is a mistake. */
const chronos = [
  ...web("chronos_dashboard_group", "ingress"), // the dashboard's site
  ...web("chronos_dashboard_group", "egress"), // packages, images, the application's repository
  ...web("chronos_edge_group", "egress"),
];
const outToTheWeb = (group: string) => web(group, "egress"); // packages, AWS's own addresses
const single = [
  ...web("x-scheduler_group", "ingress"), // the OAuth callback without a load balancer
  ...["0.0.0.0/0", "::/0"].map((network) => `x-scheduler_group ingress tcp 5000-5000 ${network}`),
  ...outToTheWeb("x-scheduler_group"),
  ...outToTheWeb("macro-ai_host_group"),
];
const balanced = [
  ...web("x-scheduler_balancer_group", "ingress"), // TLS, and port 80 that leads there
  ...web("macro-ai_balancer_group", "ingress"),
  ...outToTheWeb("x-scheduler_group"),
  ...outToTheWeb("macro-ai_host_group"),
];
const viewerAtlas = ["443-443", "6697-6697"].flatMap(
  (ports) => ["0.0.0.0/0", "::/0"].map((network) => `viewer-atlas_group egress tcp ${ports} ${network}`), // AWS, Twitch and its chat
);
const atomicCalendar = [
  ...web("atomic-calendar_balancer_group", "ingress"),
  ...serviceNames.flatMap(
    (name) =>
      ["0.0.0.0/0", "::/0"].map((network) => `atomic-calendar_group_${name} egress tcp 443-443 ${network}`), // AWS, and what it calls
  ),
];
const allowed: Readonly<Record<string, readonly string[]>> = {
  state: [],
  shared: [],
  sandbox: [...chronos, ...single, ...viewerAtlas, ...atomicCalendar],
  prod: [...chronos, ...balanced, ...viewerAtlas, ...atomicCalendar],
};

const stacks = synthesized();

test.each([...stacks.keys()])("%s opens to the world what is listed here, no more and no less", (stack) => {
  expect(openRules(stacks.get(stack) ?? {})).toEqual([...(allowed[stack] ?? [])].sort());
});

describe("finds", () => {
  const group = "${aws_security_group.web.id}";
  test.each([
    [
      "every protocol, which the scanner passes",
      "aws_vpc_security_group_ingress_rule",
      { security_group_id: group, ip_protocol: "-1", cidr_ipv4: "0.0.0.0/0" },
      ["web ingress -1 all 0.0.0.0/0"],
    ],
    [
      "SSH over IPv6, which the scanner passes",
      "aws_vpc_security_group_ingress_rule",
      { security_group_id: group, ip_protocol: "tcp", from_port: 22, to_port: 22, cidr_ipv6: "::/0" },
      ["web ingress tcp 22-22 ::/0"],
    ],
    [
      "the world in two halves",
      "aws_security_group_rule",
      {
        type: "egress",
        security_group_id: group,
        protocol: "tcp",
        from_port: 0,
        to_port: 65535,
        cidr_blocks: ["0.0.0.0/1", "128.0.0.0/1"],
      },
      ["web egress tcp 0-65535 0.0.0.0/1", "web egress tcp 0-65535 128.0.0.0/1"],
    ],
    [
      "rules inside a group",
      "aws_security_group",
      {
        ingress: [
          {
            protocol: "tcp",
            from_port: 22,
            to_port: 22,
            cidr_blocks: ["10.0.0.0/8"],
            ipv6_cidr_blocks: ["2000::/3"],
          },
        ],
      },
      ["it ingress tcp 22-22 2000::/3"],
    ],
    [
      "an opened default group",
      "aws_default_security_group",
      { egress: [{ protocol: "-1", cidr_blocks: ["0.0.0.0/0"] }] },
      ["it egress -1 all 0.0.0.0/0"],
    ],
  ])("%s", (_what, type, attributes, found) => {
    expect(openRules({ resource: { [type]: { it: attributes } } })).toEqual(found);
  });
});

test.each([
  ["a private network", { cidr_ipv4: "10.0.0.0/8" }],
  ["a company's network", { cidr_ipv6: "2001:db8::/32" }],
  ["an address of ours", { cidr_ipv4: "${aws_eip.dashboard.public_ip}/32" }],
  ["another group", { referenced_security_group_id: "${aws_security_group.edge.id}" }],
])("%s is not the world", (_what, end) => {
  const rule = { security_group_id: "sg-1", ip_protocol: "-1", ...end };
  expect(openRules({ resource: { aws_vpc_security_group_ingress_rule: { it: rule } } })).toEqual([]);
});
