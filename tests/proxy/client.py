"""The client of the proxy's tests."""

import httpx

CLIENT = httpx.Client(timeout=30, trust_env=False, verify=False)
"""Made once: to read certificates takes longer than a request."""
