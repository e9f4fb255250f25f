"""Exim, a mail server that many relays are, on 127.0.0.1 with a configuration of the test."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pytest

# It greylists "later", knows no "nobody", and ends each session after three mails.
_CONFIGURATION: Final = """
exim_user = root
exim_group = root
never_users =
primary_hostname = mail.example
spool_directory = {folder}/spool
log_file_path = {folder}/log-%s
pid_file_path = {folder}/pid
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
host_lookup =
rfc1413_hosts =
smtp_accept_max_per_connection = 3
message_size_limit = 1M
tls_advertise_hosts = {tls_hosts}
{tls}
acl_smtp_mail = mail
acl_smtp_rcpt = rcpt

begin acl
mail:
  deny  condition = {needs_login}
        !authenticated = *
        message = 5.7.0 log in first
  accept
rcpt:
  deny  local_parts = nobody
        message = 5.1.1 Empf\\344nger unbekannt
  defer local_parts = later
        message = 4.7.1 greylisted
  accept

begin routers
everyone:
  driver = accept
  transport = folder

begin transports
folder:
  driver = appendfile
  directory = {folder}/mails
  user = nobody

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{convex}}}}{{eq{{$auth3}}{{right}}}}}}}}
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${{if and{{{{eq{{$auth1}}{{convex}}}}{{eq{{$auth2}}{{right}}}}}}}}
"""
_START_SECONDS: Final = 20.0


class Exim:
    """Take mails into a folder; skips the test on a machine without Exim, or without the right to run it.

    Parameters
    ----------
    certificate, key
        Offer STARTTLS with them.
    needs_login
        Take mails only from the user ``convex`` with the password ``right``.
    """

    def __init__(
        self,
        *,
        certificate: Path | None = None,
        key: Path | None = None,
        needs_login: bool = False,
    ) -> None:
        program = shutil.which("exim4", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if program is None:
            pytest.skip("exim4 is not on this machine (Debian package exim4-daemon-light)")
        if os.geteuid() != 0:
            pytest.skip("Exim takes a configuration of the test only from root")
        self._program = program
        # Not pytest's folder: Exim writes mails as nobody, who must be able to enter it.
        self._folder = Path(tempfile.mkdtemp(prefix="exim-"))
        self._tls = (
            f"tls_certificate = {certificate}\ntls_privatekey = {key}" if certificate is not None else ""
        )
        self._needs_login = needs_login
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()

    def __enter__(self) -> Self:
        """Start it, and wait until it listens."""
        configuration = self._folder / "exim.conf"
        self._folder.chmod(0o755)
        (self._folder / "spool").mkdir()
        mails = self._folder / "mails"
        mails.mkdir()
        mails.chmod(0o777)
        configuration.write_text(
            _CONFIGURATION.format(
                folder=self._folder,
                port=self.port,
                tls=self._tls,
                tls_hosts="*" if self._tls else "",
                needs_login="yes" if self._needs_login else "no",
            )
        )
        self._process = subprocess.Popen(
            [self._program, "-C", str(configuration), "-bdf"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + _START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except ConnectionRefusedError:
                if self._process.poll() is not None or time.monotonic() > until:
                    pytest.fail(f"Exim does not listen: {self._log()}")
                time.sleep(0.05)
            else:
                return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
        shutil.rmtree(self._folder, ignore_errors=True)

    def mails(self, count: int) -> list[EmailMessage]:
        """Return the mails that were delivered, once there are ``count`` of them."""
        until = time.monotonic() + _START_SECONDS
        while len(found := sorted((self._folder / "mails").glob("q*"))) < count:
            if time.monotonic() > until:
                pytest.fail(f"{len(found)} mails instead of {count}: {self._log()}")
            time.sleep(0.05)
        return [message_from_bytes(path.read_bytes(), policy=default) for path in found]

    def _log(self) -> str:
        return "\n".join(path.read_text() for path in self._folder.glob("log-*"))[-2_000:]


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
