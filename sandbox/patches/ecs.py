"""Elastic Container Service."""

from moto.core.utils import camelcase_to_underscores
from moto.ecs.responses import EC2ContainerServiceResponse as Response

create_service = Response.create_service

# Of CreateService's parameters, those that moto 5.2.5 forgets. UpdateService keeps them
forgotten = [
    "availabilityZoneRebalancing",
    "capacityProviderStrategy",
    "deploymentConfiguration",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "healthCheckGracePeriodSeconds",
    "serviceConnectConfiguration",
]


def create_whole_service(response):
    """CreateService: moto 5.2.5 forgets the parameters above, and has EC2 for the launch type of a service with
    capacity providers, which has none.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html
    """
    answer = create_service(response)
    service = answer.result["service"]
    for name in forgotten:
        value = response._get_param(name)
        if value is not None:
            setattr(service, camelcase_to_underscores(name), value)
    if response._get_param("capacityProviderStrategy"):
        service.launch_type = None
        service.platform_version = service.platform_version or "LATEST"
    return answer


def apply():
    Response.create_service = create_whole_service
