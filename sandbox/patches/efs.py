"""Elastic File System."""

import json

from moto.efs.models import EFSBackend
from moto.efs.responses import EFSResponse

describe_backup_policy = EFSBackend.describe_backup_policy


def file_system(response):
    """The file system that a request is about."""
    return response.efs_backend.file_systems_by_id[response._get_param("FileSystemId")]


def put_backup_policy(response):
    """PutBackupPolicy: moto 5.2.5 has it not.
    https://docs.aws.amazon.com/efs/latest/ug/API_PutBackupPolicy.html
    """
    policy = response._get_param("BackupPolicy")
    file_system(response).put_backup_policy = policy
    return json.dumps({"BackupPolicy": policy}), {"Content-Type": "application/json"}


def described_backup_policy(backend, file_system_id):
    """DescribeBackupPolicy: the one that was put, also where it is disabled.
    https://docs.aws.amazon.com/efs/latest/ug/API_DescribeBackupPolicy.html
    """
    policy = getattr(backend.file_systems_by_id[file_system_id], "put_backup_policy", None)
    return policy or describe_backup_policy(backend, file_system_id)


def delete_file_system_policy(response):
    """DeleteFileSystemPolicy: moto 5.2.5 has it not.
    https://docs.aws.amazon.com/efs/latest/ug/API_DeleteFileSystemPolicy.html
    """
    file_system(response).file_system_policy = None
    return json.dumps({}), {"Content-Type": "application/json"}


def apply():
    EFSResponse.put_backup_policy = put_backup_policy
    EFSBackend.describe_backup_policy = described_backup_policy
    EFSResponse.delete_file_system_policy = delete_file_system_policy
