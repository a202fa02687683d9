"""Makes a COSE_Sign1 with pycose and a new key: the external_aad and the payload in hex.

Prints the public point and the tagged message as JSON. Our formats take the low one of two signatures;
pycose signs deterministically, so keys are made until one signs with it.
"""

import hashlib
import json
import sys

import cbor2
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric import ec
from pycose.algorithms import Es256
from pycose.headers import KID, Algorithm
from pycose.keys import EC2Key
from pycose.messages import Sign1Message

HALF = 0x7FFFFFFF800000007FFFFFFFFFFFFFFFDE737D56D38BCF4279DCE5617E3192A8

aad, payload = (bytes.fromhex(text) for text in sys.argv[1:3])
while True:
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key()
    spki = public.public_bytes(s.Encoding.DER, s.PublicFormat.SubjectPublicKeyInfo)
    point = public.public_bytes(s.Encoding.X962, s.PublicFormat.UncompressedPoint)
    d = key.private_numbers().private_value.to_bytes(32, "big")
    message = Sign1Message(
        phdr={Algorithm: Es256, KID: hashlib.sha256(spki).digest()[:4]},
        payload=payload,
        external_aad=aad,
    )
    message.key = EC2Key(crv="P_256", x=point[1:33], y=point[33:], d=d)
    encoded = message.encode()
    signature = cbor2.loads(encoded).value[3]
    if int.from_bytes(signature[32:], "big") <= HALF:
        break
print(json.dumps({"point": point.hex(), "cose": encoded.hex()}))
