"""What moto lacks or does otherwise than AWS, mended: a module for each service, with its `apply()`. Each patch goes
once moto has it."""

from importlib import import_module
from pkgutil import iter_modules


def apply():
    """Puts every patch in place; once, before the first request."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}").apply()
