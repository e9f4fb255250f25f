"""Ports for servers that have to be told where to listen, each given to one test only.

The system's own answer to "any free port" comes from the range that outgoing connections use, too: between
asking and listening, another process of the run can take it. These lie below that range.
"""

import itertools
import os
import socket

# Below 32768, where Linux begins to number connections; a thousand for each process of a parallel run.
_FIRST, _COUNT, _PROCESSES = 20_000, 1_000, 12
_process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _PROCESSES
_BEGIN = _FIRST + _process * _COUNT
# Two runs at once do not begin at the same port.
_ports = itertools.cycle(_BEGIN + (os.getpid() + step) % _COUNT for step in range(_COUNT))


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on and that no other test was given."""
    for port in itertools.islice(_ports, _COUNT):
        with socket.socket() as probe:
            # A server may listen where a connection has just ended.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port from {_BEGIN} to {_BEGIN + _COUNT - 1}")
