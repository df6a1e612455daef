"""Whom a connection trusts, and by which certificate it is known, as the kubeconfig says."""

from __future__ import annotations

import os
import ssl
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from upright.client.kubeconfig import Access


def trusted(access: Access) -> ssl.SSLContext:
    """Return the context of TLS. Raises ValueError for a certificate that cannot be read."""
    try:
        context = ssl.create_default_context(cadata=access.authority or None)
        if not access.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if access.certificate:
            _present(context, access)
    except ssl.SSLError as error:
        raise ValueError(f"the certificates for {access.server} cannot be read: {error}") from error
    return context


def _present(context: ssl.SSLContext, access: Access) -> None:
    """Have the client show its certificate; OpenSSL reads it from a file only, which is there for that moment."""
    handle, name = tempfile.mkstemp(prefix="upright-")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{access.certificate}\n{access.key}\n")
        context.load_cert_chain(name)
    finally:
        os.unlink(name)  # noqa: PTH108  reason: mkstemp gives a name
