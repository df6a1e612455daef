"""TLS to an API server with the client certificate that holds now: another one means another context."""

from __future__ import annotations

import os
import ssl
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

    from upright.client.credentials import Secrets


class KubeTls:
    """``authority`` is the file of the CA that the server is trusted by (None: the system's); ``folder`` is ours alone."""

    def __init__(self, folder: Path, authority: str | None, *, verify: bool) -> None:
        self._folder = folder
        self._authority = authority
        self._verify = verify
        self._held = ("", "")
        self._context: ssl.SSLContext | None = None

    @property
    def context(self) -> ssl.SSLContext | bool:
        """What the HTTP library takes: True means what it has, which knows the server and no certificate of ours."""
        return self._context or True

    def hold(self, secrets: Secrets) -> None:
        """Have the context be the one for this certificate. Raises ssl.SSLError, OSError for one that is none."""
        wanted = (secrets.certificate, secrets.key)
        if wanted == self._held:
            return
        context = ssl.create_default_context(cafile=self._authority)
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if not self._verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if secrets.certificate:
            with _for_a_moment(self._folder, f"{secrets.certificate}\n{secrets.key}") as name:
                context.load_cert_chain(name)
        self._held, self._context = wanted, context


@contextmanager
def _for_a_moment(folder: Path, text: str) -> Generator[str]:
    """Have the text in a file that only we can read: the library takes nothing else."""
    handle, name = tempfile.mkstemp(dir=folder)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
        yield name
    finally:
        Path(name).unlink()
