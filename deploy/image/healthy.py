"""Say whether the service on a port of this machine is well: the image's health check, in place of curl.

``python healthy.py 9101`` exits with 0 if ``/healthz`` answers 200 within three seconds, else with 1.
"""

import http.client
import sys


def _fault(port: int) -> str | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        body = answer.read(2000).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return f"no answer on port {port}: {error}"
    finally:
        connection.close()
    return None if answer.status == http.client.OK else f"{answer.status}: {body}"


if __name__ == "__main__":
    if fault := _fault(int(sys.argv[1])):
        sys.exit(fault)
