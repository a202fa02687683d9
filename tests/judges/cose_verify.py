"""Checks a COSE_Sign1 with pycose: FILE, the public point in hex, the external_aad in hex ('' for none).

Prints the protected header and the payload as JSON.
"""

import json
import sys

import cbor2
from pycose.headers import KID, Algorithm
from pycose.keys import EC2Key
from pycose.keys.curves import P256
from pycose.messages import Sign1Message

path, point, aad = sys.argv[1], bytes.fromhex(sys.argv[2]), bytes.fromhex(sys.argv[3])
assert len(point) == 65 and point[0] == 4, "an uncompressed point"
with open(path, "rb") as file:
    tagged = cbor2.loads(file.read())
assert tagged.tag == 18, "the tag of a COSE_Sign1"
# cbor2 6 makes tuples inside tags, which the decoder of pycose 1.1 does not take.
protected, unprotected, payload, signature = tagged.value
parts = [protected, dict(unprotected), payload, signature]
message = Sign1Message.from_cose_obj(parts, allow_unknown_attributes=True)
message.key = EC2Key(crv=P256, x=point[1:33], y=point[33:])
message.external_aad = aad
assert message.verify_signature(), "the signature does not hold"
assert message.uhdr == {}, "the unprotected header is not empty"
message.external_aad = aad + b"\0"
assert not message.verify_signature(), "the signature holds with other outside data"
header = {getattr(k, "identifier", k): v for k, v in message.phdr.items()}
print(
    json.dumps(
        {
            "alg": message.phdr[Algorithm].fullname,
            "kid": message.phdr[KID].hex(),
            "typ": header.get(16),
            "payload": message.payload.hex(),
        }
    )
)
