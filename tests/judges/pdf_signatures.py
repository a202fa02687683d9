"""What pyHanko sees in signed PDFs: a JSON array of their signatures per file, one line each.

usage: pdf_signatures.py FILE ...
"""

import json
import logging
import sys

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

logging.disable(logging.CRITICAL)


def facts(signature: EmbeddedPdfSignature) -> dict:
    signature.compute_integrity_info()
    coverage = signature.evaluate_signature_coverage()
    return {
        "field": signature.field_name,
        "byte_range": [int(number) for number in signature.byte_range],
        "coverage": coverage.name,
        "changes": changes(signature),
        "intact": signature.compute_digest() == message_digest(signature),
        "digest": signature.compute_digest().hex(),
        "sub_filter": str(signature.sig_object["/SubFilter"]).lstrip("/"),
        "claimed_time": str(signature.self_reported_timestamp),
    }


def changes(signature: EmbeddedPdfSignature) -> str:
    result = signature.diff_result
    level = getattr(result, "modification_level", None)
    return level.name if level else type(result).__name__


def message_digest(signature: EmbeddedPdfSignature) -> bytes:
    for attribute in signature.signer_info["signed_attrs"]:
        if attribute["type"].native == "message_digest":
            return attribute["values"][0].native
    raise ValueError("no message digest")


for path in sys.argv[1:]:
    with open(path, "rb") as file:
        # Strict reading refuses every hybrid-reference file.
        reader = PdfFileReader(file, strict=False)
        print(json.dumps([facts(embedded) for embedded in reader.embedded_signatures]))
