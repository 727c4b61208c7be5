"""Cloud Map."""

from moto.route53.models import route53_backends
from moto.servicediscovery.models import ServiceDiscoveryBackend
from moto.utilities.utils import get_partition

create_private_dns_namespace = ServiceDiscoveryBackend.create_private_dns_namespace
delete_namespace = ServiceDiscoveryBackend.delete_namespace


def zones_of(backend):
    """Route 53 beside it."""
    return route53_backends[backend.account_id][get_partition(backend.region_name)]


def create_namespace_with_its_name(backend, *args, **kwargs):
    """CreatePrivateDnsNamespace: moto 5.2.5 adds "-hz" to the name of the hosted zone.
    https://docs.aws.amazon.com/cloud-map/latest/api/API_CreatePrivateDnsNamespace.html
    """
    operation = create_private_dns_namespace(backend, *args, **kwargs)
    namespace = list(backend.namespaces.values())[-1]
    zone = zones_of(backend).get_hosted_zone(namespace.dns_properties["HostedZoneId"])
    zone.name = f"{namespace.name}."
    return operation


def delete_namespace_and_zone(backend, namespace_id):
    """DeleteNamespace: moto 5.2.5 leaves the hosted zone behind.
    https://docs.aws.amazon.com/cloud-map/latest/dg/deleting-namespaces.html
    """
    namespace = backend.namespaces.get(namespace_id)
    operation = delete_namespace(backend, namespace_id)
    zone = (namespace.dns_properties or {}).get("HostedZoneId")
    if zone:
        zones_of(backend).delete_hosted_zone(zone)
    return operation


def apply():
    ServiceDiscoveryBackend.create_private_dns_namespace = create_namespace_with_its_name
    ServiceDiscoveryBackend.delete_namespace = delete_namespace_and_zone
