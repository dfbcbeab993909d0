"""Certificates for OPC UA: making our own, reading those of a connection, and what may be wrong with them.

An application certificate (Part 6, 6.2.2) is self-signed with RSA 2048 and SHA-256, as Basic256Sha256 asks, and names
its application in the subject alternative name; a server refuses a session whose application has another name.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.errors import BusDown

KEY_BITS = 2048
"""Basic256Sha256 takes 2048 to 4096 (Part 7)."""
_BACKDATED = timedelta(hours=1)
"""A server whose clock is a little behind ours must not find the certificate not valid yet."""


class Files(NamedTuple):
    """What was written: the certificate as DER (what servers ask for) and the key as PEM, mode 0600."""

    certificate: Path
    key: Path
    fingerprint: str


def make_certificate(folder: Path, uri: str, host: str, days: int, now: datetime) -> Files:
    """Write ``certificate.der`` and ``key.pem`` of a new application ``uri`` on ``host``.

    Raises `FileExistsError` rather than overwrite one, and other `OSError`.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Gengfu gateway")])
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri), x509.DNSName(host)])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(names, critical=False)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    files = Files(folder / "certificate.der", folder / "key.pem", fingerprint(certificate))
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _write_new(files.key, pem, 0o600)
    _write_new(files.certificate, der(certificate), 0o644)
    return files


def _write_new(path: Path, data: bytes, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)


def der(certificate: x509.Certificate) -> bytes:
    """Its bytes on the wire."""
    return certificate.public_bytes(serialization.Encoding.DER)


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 as people compare it: two hex digits and a colon each."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def read_certificate(path: Path) -> x509.Certificate:
    """A certificate in DER or PEM. Raises `BusDown` naming the file and what is wrong with it."""
    data = read_file(path)
    try:
        if data.lstrip().startswith(b"-----BEGIN"):
            return x509.load_pem_x509_certificate(data)
        return x509.load_der_x509_certificate(data)
    except ValueError as error:
        raise BusDown(f"{path} is no certificate in DER or PEM: {error}") from None


def read_key(path: Path) -> rsa.RSAPrivateKey:
    """An RSA key in DER or PEM. Raises `BusDown` naming the file and what is wrong with it."""
    data = read_file(path)
    load = (
        serialization.load_pem_private_key
        if data.lstrip().startswith(b"-----BEGIN")
        else serialization.load_der_private_key
    )
    try:
        key = load(data, None)
    except (ValueError, TypeError):
        raise BusDown(f"{path} is no private key in DER or PEM without a passphrase") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise BusDown(f"{path} holds a key of another kind: Basic256Sha256 needs RSA")
    return key


def read_file(path: Path) -> bytes:
    """Its content. Raises `BusDown`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BusDown(f"{path} cannot be read: {error.strerror}") from None


def application_uri(certificate: x509.Certificate, path: Path) -> str:
    """The application the certificate names. Raises `BusDown` where it names none."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        names = x509.SubjectAlternativeName([])
    found = names.get_values_for_type(x509.UniformResourceIdentifier)
    if not found:
        raise BusDown(
            f"{path} names no application (a URI in its alternative names); make one: gengfu opcua certificate"
        )
    return found[0]


def expired(certificate: x509.Certificate, now: datetime) -> bool:
    """Whether its time is over."""
    return now >= certificate.not_valid_after_utc


def utc(now_ns: int) -> datetime:
    """A time of the gateway as one of a calendar."""
    return datetime.fromtimestamp(now_ns / 1e9, UTC)
