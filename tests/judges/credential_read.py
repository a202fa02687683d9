"""Reads QR texts with nothing but docs/formats/, pycose and cbor2: KEYS.json VECTOR.json ...

KEYS.json maps key ids to public points, both in hex. Prints for every vector its claims in the form that
vectors use.
"""

import json
import re
import sys

import cbor2
from pycose.headers import KID
from pycose.keys import EC2Key
from pycose.keys.curves import P256
from pycose.messages import Sign1Message

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
TAILS = {3: 1, 5: 2, 8: 3, 10: 4, 13: 5, 15: 6, 17: 7}


def digits_to_bytes(digits):
    groups = [digits[start : start + 17] for start in range(0, len(digits), 17)]
    return b"".join(int(group).to_bytes(TAILS[len(group)], "big") for group in groups)


def id_to_bytes(text):
    number = 0
    for letter in text:
        number = number * 32 + ALPHABET.index(letter)
    return number.to_bytes(10, "big")


def claims(text, keys):
    match = re.fullmatch(r"HTTPS://[0-9A-Z.:-]+/([0-9A-Z]{16})#([0-9]+)", text)
    credential = digits_to_bytes(match[2])
    assert credential[0] == 1, "the version of the format"
    tagged = cbor2.loads(credential[1:])
    assert tagged.tag == 18, "the tag of a COSE_Sign1"
    # cbor2 6 makes tuples inside tags, which the decoder of pycose 1.1 does not take.
    protected, unprotected, payload, signature = tagged.value
    parts = [protected, dict(unprotected), payload, signature]
    message = Sign1Message.from_cose_obj(parts, allow_unknown_attributes=True)
    message.external_aad = id_to_bytes(match[1])
    holds = False
    for point in map(bytes.fromhex, keys[message.phdr[KID].hex()]):
        message.key = EC2Key(crv=P256, x=point[1:33], y=point[33:])
        holds = holds or message.verify_signature()
    assert holds, "no key signed it"
    said = cbor2.loads(message.payload)
    assert cbor2.dumps(said, canonical=True) == message.payload, "not deterministic"
    private = said[-70001]
    return {
        "issuer": said[1],
        "issued_at": said[6],
        "not_before": said[5],
        "expires": said.get(4),
        "type": private[0],
        "status": {"list": private[1] >> 20, "index": private[1] & 0xFFFFF},
        "fields": {str(key): value for key, value in private.items() if key > 2},
    }


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        keys = json.load(file)
    read = []
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8") as file:
            read.append(claims(json.load(file)["text"], keys))
    print(json.dumps(read))
