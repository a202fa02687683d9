"""PAdES CMS by pyHanko with a throw-away key over SHA-256 digests, one line of hexadecimal each.

usage: cms_over_digest.py HEX_DIGEST ...
"""

import asyncio
import datetime
import sys

from asn1crypto import keys, x509
from cryptography import x509 as builder
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pyhanko.sign.signers import SimpleSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

key = ec.generate_private_key(ec.SECP256R1())
name = builder.Name([builder.NameAttribute(builder.NameOID.COMMON_NAME, "Throw-away")])
begin = datetime.datetime(2020, 1, 1)
certificate = (
    builder.CertificateBuilder()
    .subject_name(name)
    .issuer_name(name)
    .public_key(key.public_key())
    .serial_number(1)
    .not_valid_before(begin)
    .not_valid_after(begin + datetime.timedelta(days=36500))
    .sign(key, hashes.SHA256())
)
pkcs8 = key.private_bytes(
    serialization.Encoding.DER,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
)
signer = SimpleSigner(
    signing_cert=x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER)),
    signing_key=keys.PrivateKeyInfo.load(pkcs8),
    cert_registry=SimpleCertificateStore(),
)


async def sign_all() -> None:
    for digest in sys.argv[1:]:
        cms = await signer.async_sign(bytes.fromhex(digest), "sha256", use_pades=True)
        print(cms.dump().hex())


asyncio.run(sign_all())
