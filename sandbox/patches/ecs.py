"""Elastic Container Service."""

from types import SimpleNamespace

from moto.core.utils import camelcase_to_underscores
from moto.ecs.models import EC2ContainerServiceBackend as Backend
from moto.ecs.responses import EC2ContainerServiceResponse as Response

calculate_requirements = Backend._calculate_task_resource_requirements
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


def requirements_of_task(task_definition):
    """RunTask: moto 5.2.5 fails where only the task has a size, as on Fargate, and not each container.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html#task_size
    """
    sized = [{"memory": 0, **container} for container in task_definition.container_definitions]
    return calculate_requirements(SimpleNamespace(container_definitions=sized))


def apply():
    Backend._calculate_task_resource_requirements = staticmethod(requirements_of_task)
    Response.create_service = create_whole_service
