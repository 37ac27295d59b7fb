"""Variables of the environment, for what is started meanwhile."""

import contextlib
import os


@contextlib.contextmanager
def environment(variables: dict[str, str]):
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
