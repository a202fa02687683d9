"""Reads a status list token with cbor2 and zlib: FILE INDEX ...

Prints the claims and the statuses at the indices as JSON.
"""

import json
import sys
import zlib

import cbor2

with open(sys.argv[1], "rb") as file:
    payload = cbor2.loads(file.read()).value[2]
claims = cbor2.loads(payload)
assert cbor2.dumps(claims, canonical=True) == payload, "not deterministic"
status_list = claims[65533]
packed = zlib.decompress(status_list["lst"])
bits = status_list["bits"]
per_byte = 8 // bits


def status(index):
    return packed[index // per_byte] >> (index % per_byte * bits) & (2**bits - 1)


print(
    json.dumps(
        {
            "sub": claims[2],
            "exp": claims[4],
            "iat": claims[6],
            "ttl": claims[65534],
            "bits": bits,
            "entries": len(packed) * per_byte,
            "statuses": [status(int(index)) for index in sys.argv[2:]],
        }
    )
)
