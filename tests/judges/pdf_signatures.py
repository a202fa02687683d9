"""What pyHanko sees in a signed PDF: one JSON line per signature, in signing order.

usage: pdf_signatures.py FILE
"""

import json
import logging
import sys

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

logging.disable(logging.CRITICAL)


def facts(signature: EmbeddedPdfSignature) -> dict:
    signature.compute_integrity_info()
    state = signature.summarise_integrity_info()
    return {
        "field": signature.field_name,
        "byte_range": [int(number) for number in signature.byte_range],
        "coverage": state["coverage"].name,
        "changes": getattr(state.get("mod_level"), "name", None) or "NONE",
        "intact": bool(signature.compute_digest() == signature.external_digest)
        and signature.compute_digest() == message_digest(signature),
        "digest": signature.compute_digest().hex(),
        "sub_filter": str(signature.sig_object["/SubFilter"]).lstrip("/"),
        "claimed_time": str(signature.self_reported_timestamp),
    }


def message_digest(signature: EmbeddedPdfSignature) -> bytes:
    for attribute in signature.signer_info["signed_attrs"]:
        if attribute["type"].native == "message_digest":
            return attribute["values"][0].native
    raise ValueError("no message digest")


with open(sys.argv[1], "rb") as file:
    reader = PdfFileReader(file)
    for embedded in reader.embedded_signatures:
        print(json.dumps(facts(embedded)))
