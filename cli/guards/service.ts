import type { PlanDocument } from "../plan-document";
import { changesOf, differs, resourcesOf, text, type Changed } from "./changes";
import type { Finding } from "./rules";

const hosts = ["aws_instance"];
const balancers = ["aws_lb", "aws_alb", "aws_elb"];
/** Stacks of fewer resources are replaced as a matter of course. */
const FEW_RESOURCES = 10;

/** Elastic IPs that go back to AWS: nobody gets the same again. */
export const addressesLost = (document: PlanDocument): Finding[] =>
  changesOf(document)
    .filter(({ type, destroyed, replaced }) => type === "aws_eip" && (destroyed || replaced))
    .map(({ address, before }) => ({
      address,
      what: `The address ${text(before.public_ip) ?? text(before.id) ?? "of it"} would go back to AWS for good.`,
    }));

/** Addresses and names at which something else, or nothing, answers afterwards. */
export const addressesChanged = (document: PlanDocument): Finding[] =>
  changesOf(document)
    .filter(({ existed }) => existed)
    .flatMap((changed) => {
      const what = addressChange(document, changed);
      return what ? [{ address: changed.address, what }] : [];
    });

function addressChange(document: PlanDocument, changed: Changed): string | undefined {
  const { type, before, destroyed, replaced } = changed;
  const name = text(before.name) ?? text(before.fqdn) ?? "it";
  if (type === "aws_route53_record") {
    if (destroyed) return `The name ${name} would be gone.`;
    const points = ["alias", "records", "name", "type", "set_identifier"].some((part) =>
      differs(changed, part),
    );
    return points ? `The name ${name} would point elsewhere.` : undefined;
  }
  if (type === "aws_eip_association" && (destroyed || replaced))
    return `${text(before.public_ip) ?? "The address"} would leave ${text(before.instance_id) ?? "its host"}${replaced ? " for a while, or for another" : ""}.`;
  if (type === "aws_nat_gateway" && (destroyed || replaced))
    return `What goes out from private subnets would no longer come from ${text(before.public_ip) ?? "the same address"}.`;
  if (balancers.includes(type) && (destroyed || replaced))
    return `The load balancer's own name ${text(before.dns_name) ?? ""} would be gone.`;
  if (!hosts.includes(type) || !replaced) return undefined;
  return hasElasticIp(document, changed)
    ? undefined
    : "The new host would have another address; no Elastic IP is bound to it.";
}

const hasElasticIp = (document: PlanDocument, { before }: Changed): boolean =>
  resourcesOf(document).some(
    ({ type, before: other }) =>
      (type === "aws_eip_association" && other.instance_id === before.id) ||
      (type === "aws_eip" && other.instance === before.id),
  );

/** What does not answer for a while. */
export const downtime = (document: PlanDocument): Finding[] =>
  changesOf(document)
    .filter(({ existed, stays }) => existed && stays)
    .flatMap((changed) => {
      const what = interruption(document, changed);
      return what ? [{ address: changed.address, what }] : [];
    });

const replacedWords: Readonly<Record<string, string>> = {
  aws_alb: "The load balancer would be replaced",
  aws_autoscaling_group: "All hosts of the group would be replaced at once",
  aws_db_instance: "The database would be replaced",
  aws_ecs_service: "The service would be replaced",
  aws_elb: "The load balancer would be replaced",
  aws_instance: "The host would be replaced",
  aws_lb: "The load balancer would be replaced",
  aws_lb_listener: "The listener would be replaced",
  aws_nat_gateway: "The NAT gateway would be replaced",
  aws_rds_cluster: "The database would be replaced",
};

function interruption(document: PlanDocument, changed: Changed): string | undefined {
  const { type, after, resource, replaced } = changed;
  if (replaced) {
    const madeFirst = resource.change.actions[0] === "create";
    const words = replacedWords[type];
    return words && `${words}${madeFirst ? ", the new one first" : ", the old one going first"}.`;
  }
  if (type === "aws_instance" && differs(changed, "instance_type"))
    return "The host would be stopped and started for its new type.";
  if (["aws_db_instance", "aws_rds_cluster_instance", "aws_rds_cluster"].includes(type))
    return databaseRestart(document, changed);
  if (type !== "aws_ecs_service") return undefined;
  if (differs(changed, "desired_count") && after.desired_count === 0)
    return "No task of the service would run.";
  return after.deployment_minimum_healthy_percent === 0 && differs(changed, "task_definition")
    ? "The service may have no task at all while new ones start (minimum healthy percent is 0)."
    : undefined;
}

/** Such as another class, which a single database does not outlast. */
function databaseRestart(document: PlanDocument, changed: Changed): string | undefined {
  const { type, before, after } = changed;
  const what = ["instance_class", "engine_version", "engine"].filter((name) => differs(changed, name));
  if (what.length === 0 || after.apply_immediately !== true) return undefined;
  const others = resourcesOf(document).filter(
    (other) =>
      other.type === "aws_rds_cluster_instance" &&
      other.before.cluster_identifier === before.cluster_identifier,
  );
  const hasStandby = type === "aws_db_instance" ? after.multi_az === true : others.length > 1;
  return `The database would restart at once for its ${what.join(" and ")}${hasStandby ? "; its standby takes over meanwhile" : ", and it has no standby"}.`;
}

/** A plan that makes most of a stack anew: nearly always a name or a prefix that was changed by mistake. */
export const stackReplaced = (document: PlanDocument, { name }: { readonly name: string }): Finding[] => {
  const existing = resourcesOf(document).filter(({ existed }) => existed);
  const replaced = existing.filter((one) => one.replaced);
  if (existing.length < FEW_RESOURCES || replaced.length * 2 <= existing.length) return [];
  return [
    { address: name, what: `${replaced.length} of its ${existing.length} resources would be replaced.` },
  ];
};
