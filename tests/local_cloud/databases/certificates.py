"""A certificate authority that stands for RDS's: its bundle is what clients trust."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

LIFE = timedelta(days=365)
PEM = serialization.Encoding.PEM


class Authority:
    """Signs server certificates; kept in a folder, so that a later start is trusted as well."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        bundle, key = folder / "rds-ca.pem", folder / "rds-ca.key"
        if bundle.exists() and key.exists():
            self._certificate = x509.load_pem_x509_certificate(bundle.read_bytes())
            self._key = serialization.load_pem_private_key(key.read_bytes(), None)
        else:
            self._key = ec.generate_private_key(ec.SECP256R1())
            self._certificate = _build("Local Cloud RDS Root CA", self._key, self._key, None)
            key.touch(mode=0o600)
            key.write_bytes(_key_pem(self._key))
            bundle.write_bytes(self._certificate.public_bytes(PEM))

    @property
    def bundle(self) -> str:
        """The CA bundle (PEM), as AWS's global-bundle.pem."""
        return self._certificate.public_bytes(PEM).decode()

    def issue(self, host: str) -> tuple[str, str]:
        """A certificate for a host name, and its key (both PEM)."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _build(host, key, self._key, self._certificate)
        return certificate.public_bytes(PEM).decode(), _key_pem(key).decode()


def _build(
    name: str, key: ec.EllipticCurvePrivateKey, signing_key: object, issuer: x509.Certificate | None
) -> x509.Certificate:
    """A certificate for the key; an authority's own when it has no issuer."""
    now = datetime.now(tz=timezone.utc)
    # A common name has at most 64 characters; the host name counts where it is checked.
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    public = key.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIFE)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    if issuer is None:
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(usage, critical=True)
    else:
        issuing = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        known = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuing)
        builder = builder.add_extension(known, critical=False)
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signing_key, hashes.SHA256())  # type: ignore[arg-type]


def _key_pem(key: object) -> bytes:
    return key.private_bytes(  # type: ignore[attr-defined,no-any-return]
        PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
