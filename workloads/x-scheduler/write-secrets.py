#!/usr/bin/python3 -I
"""Writes the environment's Parameter Store values to /run/x-scheduler/secrets.env, for systemd to read.

/stage/x-scheduler/x_api_key becomes X_API_KEY. The folder and the file belong to root and are closed to all others from
the first byte; values are never in an argument. The folder is not a RuntimeDirectory: that would belong to the service,
which could then lead this script, which is root, to any other file.

systemd takes any character in double quotes, line breaks too, where `"`, `\\`, `$` and "`" have a backslash before them.
It drops a value with any other control character, such as the carriage return of a file from Windows, so such a value
is an error here.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.environ.get("ROOT", "")


def fail(message):
    sys.exit(f"error: {message}")


def settings():
    with open(f"{ROOT}/etc/landfall/host.env", encoding="utf-8") as file:
        return dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)


def parameters(prefix, region):
    """Name and value of each parameter directly below a prefix."""
    command = ["aws", "ssm", "get-parameters-by-path", "--path", prefix, "--with-decryption"]
    command += ["--region", region, "--output", "json"]
    done = subprocess.run(command, stdout=subprocess.PIPE)
    if done.returncode != 0:
        fail(f"cannot read the parameters below {prefix}: see above")
    found = json.loads(done.stdout).get("Parameters", [])
    return [(parameter["Name"], parameter["Value"]) for parameter in found]


def variable(name):
    """Environment variable for a parameter."""
    short = re.sub(r"[^A-Z0-9_]", "_", name.rsplit("/", 1)[-1].upper())
    if not re.match(r"[A-Z_]", short):
        fail(f"parameter {name} makes no name of an environment variable: let it begin with a letter")
    return short


def quoted(name, value):
    """A value as systemd's EnvironmentFile= takes it."""
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", value):
        fail(
            f"parameter {name} has a control character (a carriage return?), which no environment variable "
            "of a service may have; put it again without"
        )
    return '"' + re.sub(r'(["\\$`])', r"\\\1", value) + '"'


def write(folder, text):
    os.makedirs(folder, mode=0o700, exist_ok=True)
    handle, path = tempfile.mkstemp(dir=folder, prefix=".secrets.")  # mode 0600, a new file
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(path, f"{folder}/secrets.env")
    except BaseException:
        os.unlink(path)
        raise


def main():
    given = settings()
    prefix, region = given["PARAMETER_STORE_PREFIX"], given["AWS_REGION"]
    lines = {"AWS_DEFAULT_REGION": region}  # boto3 does not read AWS_REGION
    origin = {}
    for name, value in sorted(parameters(prefix, region)):
        short = variable(name)
        if short in origin:
            fail(f"parameters {origin[short]} and {name} both make {short}: remove one")
        origin[short] = name
        lines[short] = quoted(name, value)
    if not origin:
        print(f"warning: no parameters below {prefix}; the application gets no secrets", file=sys.stderr)
    write(f"{ROOT}/run/x-scheduler", "".join(f"{name}={value}\n" for name, value in lines.items()))


main()
