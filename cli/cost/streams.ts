import { charge, type Pricer } from "./charge";
import { HOURS_PER_MONTH } from "./schedule";

/** `aws_msk_serverless_cluster`: costs by the hour whether used or not, and by its partitions and data. */
export const serverlessKafka: Pricer = (resource, { usage }) => [
  charge("msk_serverless_hour", "serverless Kafka cluster", HOURS_PER_MONTH),
  charge("msk_partition_hour", "partitions", HOURS_PER_MONTH * usage.of("kafka_partitions", resource)),
  charge("msk_serverless_gb", "Kafka storage", usage.of("kafka_gb", resource)),
  charge("msk_serverless_gb_in", "data written", usage.of("kafka_gb_in", resource)),
  charge("msk_serverless_gb_out", "data read", usage.of("kafka_gb_out", resource)),
];
