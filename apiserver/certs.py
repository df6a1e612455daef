"""The server's certificate: a CA of its own for every folder, and a certificate for the loopback names signed by it."""

from __future__ import annotations

import ipaddress
import os
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from upright.apiserver.auth import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterable

VALID = timedelta(days=365)
RENEW_BEFORE = timedelta(days=30)
_EARLIER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Where the files are: the CA that clients trust, the server's chain, and its key (0600)."""

    authority: Path
    chain: Path
    key: Path


def certificate(folder: Path, now: datetime, hosts: Iterable[str] = ()) -> Certificate:
    """Return the folder's certificate for the loopback names and ``hosts``, made anew if there is none that serves.

    The CA's key is forgotten at once: it signs this one certificate and no other.
    """
    names = sorted(LOOPBACK | set(hosts))
    found = Certificate(folder / "ca.crt", folder / "tls.crt", folder / "tls.key")
    if not _serves(found, now, names):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make(found, now, names)
    return found


def _serves(found: Certificate, now: datetime, names: list[str]) -> bool:
    if not all(path.exists() for path in (found.authority, found.chain, found.key)):
        return False
    try:
        old = x509.load_pem_x509_certificate(found.chain.read_bytes())
        covered = old.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return False
    return old.not_valid_after_utc - now > RENEW_BEFORE and set(covered) == set(_alternatives(names))


def _make(target: Certificate, now: datetime, names: list[str]) -> None:
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _authority(authority_key, now)
    signed = _server(key, names, authority, authority_key, now)
    _write(target.authority, authority.public_bytes(serialization.Encoding.PEM), 0o644)
    _write(
        target.key,
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        0o600,
    )
    _write(target.chain, signed.public_bytes(serialization.Encoding.PEM), 0o644)


def _authority(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    identity = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        _begun("upright CA", "upright CA", now)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(identity, critical=False)
        .sign(key, hashes.SHA256())
    )


def _server(
    key: ec.EllipticCurvePrivateKey,
    names: list[str],
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> x509.Certificate:
    issuer = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        _begun("upright", "upright CA", now)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_alternatives(names)), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer), critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _begun(subject: str, issuer: str, now: datetime) -> x509.CertificateBuilder:
    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    return (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + VALID)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternatives(names: list[str]) -> list[x509.GeneralName]:
    return [_alternative(name) for name in names]


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path: Path, data: bytes, mode: int) -> None:
    """Put a file in place whole, never readable by more than ``mode`` allows."""
    handle, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(made).chmod(mode)
        Path(made).replace(path)
    except BaseException:
        Path(made).unlink(missing_ok=True)
        raise
