"""Relational Database Service."""

from random import choices
from string import ascii_uppercase, digits

from moto.core.responses import ActionResult
from moto.rds.models import DBCluster, DBInstance
from moto.rds.responses import RDSResponse

make_instance = DBInstance.__init__
describe_parameters = RDSResponse.describe_db_parameters
scaling_configuration = DBCluster.scaling_configuration_info

# Of CreateDBInstance's parameters, those that moto 5.2.5 forgets, with what they are where a request has them not
forgotten = {
    "enable_performance_insights": False,
    "performance_insights_kms_key_id": None,
    "performance_insights_retention_period": None,
}


def make_whole_instance(instance, *args, **kwargs):
    """CreateDBInstance: moto 5.2.5 gives all instances one resource id, so that nobody can tell them apart by it, a
    certificate of an authority that is none, and forgets the parameters above. ModifyDBInstance keeps them.
    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html
    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html
    """
    make_instance(instance, *args, **kwargs)
    instance.dbi_resource_id = "db-" + "".join(choices(ascii_uppercase + digits, k=26))
    instance.ca_certificate_identifier = kwargs.get("ca_certificate_identifier", "rds-ca-rsa2048-g1")
    for name, default in forgotten.items():
        setattr(instance, name, kwargs.get(name, default))


def described_parameters(response):
    """DescribeDBParameters: moto 5.2.5 does not say whose a parameter is. It knows only those that were set.
    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_Parameter.html
    """
    parameters = describe_parameters(response).result["Parameters"]
    return ActionResult({"Parameters": [{**parameter, "Source": "user"} for parameter in parameters]})


def own_scaling_configuration(cluster):
    """DescribeDBClusters: moto 5.2.5 gives every cluster the scaling of Aurora Serverless v1.
    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBCluster.html
    """
    return scaling_configuration.fget(cluster) if cluster.engine_mode == "serverless" else None


def apply():
    DBInstance.__init__ = make_whole_instance
    DBInstance.performance_insights_enabled = property(lambda instance: instance.enable_performance_insights)
    RDSResponse.describe_db_parameters = described_parameters
    DBCluster.scaling_configuration_info = property(own_scaling_configuration)
