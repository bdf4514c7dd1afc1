"""ms-swift, imported once: PyTorch warns on import of what will be gone with Python 3.14."""

import warnings

import pytest


@pytest.fixture(scope="session")
def ms_swift() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("swift.arguments")
        import swift.model
        import swift.template  # noqa: F401
