"""Elastic Load Balancing."""

from moto.acm.models import acm_backends
from moto.elbv2.exceptions import ELBClientError
from moto.elbv2.models import ELBv2Backend

create_listener = ELBv2Backend.create_listener
modify_listener = ELBv2Backend.modify_listener


def refuse_pending(backend, arn):
    """moto 5.2.5 takes a certificate for a listener that is not issued.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html#API_CreateListener_Errors
    """
    certificates = acm_backends[backend.account_id][backend.region_name]._certificates
    if arn not in certificates:
        return  # moto says so itself
    certificates[arn].check()
    if certificates[arn].status != "ISSUED":
        raise ELBClientError(
            "UnsupportedCertificate",
            f"The certificate '{arn}' must have a fully-qualified domain name, a supported signature, and a supported "
            "key size.",
        )


def create_listener_with_issued(backend, certificate=None, **properties):
    """CreateListener, with a certificate that is issued."""
    if certificate:
        refuse_pending(backend, certificate)
    return create_listener(backend, certificate=certificate, **properties)


def modify_listener_with_issued(backend, arn, port, protocol, ssl_policy, certificates, actions):
    """ModifyListener, with certificates that are issued."""
    for certificate in certificates or []:
        refuse_pending(backend, certificate["CertificateArn"])
    return modify_listener(backend, arn, port, protocol, ssl_policy, certificates, actions)


def apply():
    ELBv2Backend.create_listener = create_listener_with_issued
    ELBv2Backend.modify_listener = modify_listener_with_issued
