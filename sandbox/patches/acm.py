"""Certificate Manager."""

from moto.acm.models import CertBundle
from moto.route53.models import route53_backends
from moto.utilities.utils import get_partition

check = CertBundle.check


def proven(certificate):
    """Whether each record that proves the certificate's domains is in a hosted zone here."""
    _, _, _, region, account, _ = certificate.arn.split(":", 5)
    known = {
        (record_set.name.rstrip("."), value.rstrip("."))
        for zone in route53_backends[account][get_partition(region)].zones.values()
        for record_set in zone.rrsets
        if record_set.type == "CNAME"
        for value in record_set.records
    }
    options = certificate.describe()["Certificate"]["DomainValidationOptions"]
    wanted = [option["ResourceRecord"] for option in options]
    return all((record["Name"].rstrip("."), record["Value"].rstrip(".")) in known for record in wanted)


def check_dns(certificate):
    """DescribeCertificate: moto 5.2.5 has a certificate issued after a minute, whether its domain is proven or not.
    https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
    """
    if certificate.type != "AMAZON_ISSUED" or certificate.status != "PENDING_VALIDATION":
        check(certificate)
    elif proven(certificate):
        certificate.status = "ISSUED"


def apply():
    CertBundle.check = check_dns
