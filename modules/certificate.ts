import { AcmCertificate } from "@cdktf/provider-aws/lib/acm-certificate";
import { AcmCertificateValidation } from "@cdktf/provider-aws/lib/acm-certificate-validation";
import { Route53Record } from "@cdktf/provider-aws/lib/route53-record";
import { Token, type IResolvable, type Precondition } from "cdktf";
import { Construct } from "constructs";

export interface CertificateProps {
  readonly domain: string;
  /**
   * Id of the public hosted zone that answers for the domain: the record that proves the domain is made there, and the
   * apply waits until the certificate is issued.
   * @default none: somebody makes the record by hand, and nothing waits for it
   */
  readonly hostedZoneId?: string;
}

/** Seconds that resolvers may keep the record that proves the domain is ours. */
const RECORD_TTL = 300;

/** A certificate for one domain, proven by a record in DNS. */
export class Certificate extends Construct {
  /** With a hosted zone it is known once the certificate is issued. */
  readonly arn: string;
  /** Records that prove the domain: a list of objects with `name`, `type` and `value`. Known after apply. */
  readonly records: IResolvable;
  /** What is asked for its listener: AWS refuses one for a certificate that is not issued, and says not why. */
  readonly issued: Precondition;

  constructor(scope: Construct, id: string, props: CertificateProps) {
    super(scope, id);
    const certificate = new AcmCertificate(this, "this", {
      domainName: props.domain,
      validationMethod: "DNS",
      lifecycle: { createBeforeDestroy: true }, // a listener cannot be without
    });
    const address = `${certificate.terraformResourceType}.${certificate.friendlyUniqueId}`;
    this.records = Token.asAny(
      `\${[for option in ${address}.domain_validation_options : { name = option.resource_record_name, type = option.resource_record_type, value = option.resource_record_value }]}`,
    );
    this.issued = {
      condition: `\${${address}.status == "ISSUED"}`,
      errorMessage:
        `The certificate for ${props.domain} is not issued: ACM says \${${address}.status}. Take back the ` +
        "input that says it is, apply, make the DNS records that are among the outputs where the domain's DNS is, wait " +
        "until ACM says ISSUED, and set the input again. ACM gives up after 72 hours; the next apply then asks anew.",
    };
    this.arn = props.hostedZoneId ? this.prove(certificate, props.hostedZoneId) : certificate.arn;
  }

  /** @returns the certificate's ARN, known once it is issued */
  private prove(certificate: AcmCertificate, zoneId: string): string {
    const option = (attribute: string) =>
      `\${one(${certificate.terraformResourceType}.${certificate.friendlyUniqueId}.domain_validation_options).${attribute}}`;
    const record = new Route53Record(this, "record", {
      zoneId,
      name: option("resource_record_name"),
      type: option("resource_record_type"),
      records: [option("resource_record_value")],
      ttl: RECORD_TTL,
      allowOverwrite: true, // the same for every certificate of the domain
    });
    return new AcmCertificateValidation(this, "issued", {
      certificateArn: certificate.arn,
      validationRecordFqdns: [record.fqdn],
    }).certificateArn;
  }
}
