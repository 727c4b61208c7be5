/**
 * The body of a CloudWatch dashboard, as far as our widgets go:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
 * A property that is not there is none that CloudWatch has.
 */
const integer = (minimum: number, maximum?: number) => ({ type: "integer", minimum, maximum });
const closed = (required: readonly string[], properties: object) => ({
  type: "object",
  additionalProperties: false,
  required,
  properties,
});
const text = { type: "string", minLength: 1 };

const statistic = {
  type: "string",
  pattern: "^(Average|Minimum|Maximum|Sum|SampleCount|p(100|\\d{1,2}(\\.\\d{1,10})?))$",
};
const period = { type: "integer", enum: [1, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400] };
const colour = { type: "string", pattern: "^#[0-9a-fA-F]{6}$" };

/** Namespace, metric, pairs of dimension and value, and last of all how to show it. */
const metric = {
  type: "array",
  minItems: 2,
  items: { anyOf: [text, { $ref: "#/definitions/rendering" }] },
};

const horizontal = closed(["value"], {
  value: { type: "number" },
  label: { type: "string" },
  color: colour,
  fill: { enum: ["above", "below", "none"] },
  visible: { type: "boolean" },
  yAxis: { enum: ["left", "right"] },
});
const axis = closed([], {
  label: { type: "string" },
  min: { type: "number" },
  max: { type: "number" },
  showUnits: { type: "boolean" },
});

const properties = {
  text: closed(["markdown"], { markdown: text, background: { enum: ["transparent", "solid"] } }),
  alarm: closed(["alarms"], {
    title: { type: "string" },
    alarms: { type: "array", minItems: 1, maxItems: 100, items: text },
    sortBy: { enum: ["default", "stateUpdatedTimestamp", "timestamp"] },
    states: { type: "array", items: { enum: ["ALARM", "INSUFFICIENT_DATA", "OK"] } },
  }),
  metric: closed(["metrics", "region"], {
    title: { type: "string" },
    metrics: { type: "array", minItems: 1, maxItems: 500, items: metric },
    region: { type: "string", pattern: "^[a-z]{2}(-[a-z]+)+-\\d$" },
    view: { enum: ["timeSeries", "singleValue", "gauge", "bar", "pie", "table"] },
    stacked: { type: "boolean" },
    period,
    stat: statistic,
    liveData: { type: "boolean" },
    legend: closed(["position"], { position: { enum: ["right", "bottom", "hidden"] } }),
    yAxis: closed([], { left: axis, right: axis }),
    annotations: closed([], { horizontal: { type: "array", items: horizontal } }),
  }),
};

const widget = (type: keyof typeof properties) =>
  closed(["type", "properties"], {
    type: { const: type },
    x: integer(0, 23),
    y: integer(0),
    width: integer(1, 24),
    height: integer(1, 1000),
    properties: properties[type],
  });

export const dashboardBodySchema = {
  ...closed(["widgets"], {
    start: { type: "string" },
    end: { type: "string" },
    periodOverride: { enum: ["auto", "inherit"] },
    widgets: {
      type: "array",
      maxItems: 500,
      items: { oneOf: [widget("text"), widget("alarm"), widget("metric")] },
    },
  }),
  definitions: {
    rendering: closed([], {
      label: { type: "string" },
      stat: statistic,
      period,
      color: colour,
      visible: { type: "boolean" },
      yAxis: { enum: ["left", "right"] },
    }),
  },
};
