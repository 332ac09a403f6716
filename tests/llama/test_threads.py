"""llama.cpp's threads wait as we set it, unless the user has."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.llama

_USERS = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
_CODE = """
import os
before = dict(os.environ)
import edgelingua.llama.library
print({name: os.environ[name] for name in set(os.environ) - set(before)})
"""


def looks(**set_by_user: str) -> int:
    """Return how often GNU's OpenMP looks before a thread sleeps, as the library says it."""
    environment = {name: value for name, value in os.environ.items() if name not in _USERS}
    done = subprocess.run(
        [sys.executable, "-c", _CODE],
        env=environment | set_by_user | {"OMP_DISPLAY_ENV": "VERBOSE"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not re.search("GOMP|OMP_WAIT", done.stdout), "the environment is left as it was"
    # The last: a trial of the build, in a process of its own, may come first.
    found = re.findall(r"GOMP_SPINCOUNT = '(\d+)'", done.stderr)
    if not found:
        pytest.skip("this build of llama.cpp does not use GNU's OpenMP")
    return int(found[-1])


def test_threads_wait_awake_for_a_short_time() -> None:
    assert 100 <= looks() <= 20_000


def test_what_the_user_set_is_heeded() -> None:
    assert looks(OMP_WAIT_POLICY="passive") == 0
    assert looks(OMP_WAIT_POLICY="active") > 10**9
    assert looks(GOMP_SPINCOUNT="12345") == 12345
    assert looks(GOMP_SPINCOUNT="7", OMP_WAIT_POLICY="active") == 7
