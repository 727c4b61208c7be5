import { BudgetsBudget } from "@cdktf/provider-aws/lib/budgets-budget";
import { Construct } from "constructs";

export interface BudgetProps {
  readonly name: string;
  /** US dollars a month. */
  readonly monthly: number;
  /** Percentages of it at which the topic is told. */
  readonly thresholds: readonly number[];
  readonly topicArn: string;
  /** Counts only what has this tag, which must be an active cost allocation tag. @default the whole account */
  readonly tag?: { readonly name: string; readonly value: string };
}

/** A monthly budget that tells, and stops nothing. */
export class Budget extends Construct {
  constructor(scope: Construct, id: string, props: BudgetProps) {
    super(scope, id);
    new BudgetsBudget(this, "this", {
      name: props.name,
      budgetType: "COST",
      timeUnit: "MONTHLY",
      limitAmount: String(props.monthly),
      limitUnit: "USD",
      costFilter: props.tag
        ? [{ name: "TagKeyValue", values: [`user:${props.tag.name}$${props.tag.value}`] }]
        : undefined,
      notification: props.thresholds.map((threshold) => ({
        comparisonOperator: "GREATER_THAN",
        notificationType: "ACTUAL",
        threshold,
        thresholdType: "PERCENTAGE",
        subscriberSnsTopicArns: [props.topicArn],
      })),
    });
  }
}
