import { AcmCertificate } from "@cdktf/provider-aws/lib/acm-certificate";
import { AcmCertificateValidation } from "@cdktf/provider-aws/lib/acm-certificate-validation";
import { Route53Record } from "@cdktf/provider-aws/lib/route53-record";
import { Construct } from "constructs";

export interface CertificateProps {
  readonly domain: string;
  /** Id of the public hosted zone that answers for the domain. */
  readonly hostedZoneId: string;
}

/** Seconds that resolvers may keep the record that proves the domain is ours. */
const RECORD_TTL = 300;

/** A certificate for one domain, proven by a record in its hosted zone. Its ARN is known once it is issued. */
export class Certificate extends Construct {
  readonly arn: string;

  constructor(scope: Construct, id: string, props: CertificateProps) {
    super(scope, id);
    const certificate = new AcmCertificate(this, "this", {
      domainName: props.domain,
      validationMethod: "DNS",
      lifecycle: { createBeforeDestroy: true }, // a listener cannot be without
    });
    const option = (attribute: string) =>
      `\${one(${certificate.terraformResourceType}.${certificate.friendlyUniqueId}.domain_validation_options).${attribute}}`;
    const record = new Route53Record(this, "record", {
      zoneId: props.hostedZoneId,
      name: option("resource_record_name"),
      type: option("resource_record_type"),
      records: [option("resource_record_value")],
      ttl: RECORD_TTL,
      allowOverwrite: true, // the same for every certificate of the domain
    });
    this.arn = new AcmCertificateValidation(this, "issued", {
      certificateArn: certificate.arn,
      validationRecordFqdns: [record.fqdn],
    }).certificateArn;
  }
}
