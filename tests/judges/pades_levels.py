"""What pyHanko says of one signature, by what its file brings and without a network.

python pades_levels.py ROOT.pem < CASES

CASES is a JSON array of {"path": file, "field": name, "at": RFC 3339}. ROOT is the only trust anchor, and every certificate
but it has to be known not to be withdrawn. Prints a JSON array with an object for each case: `archive`, the indication of EN
319 102-1 § 5.6.3 at that time, with `evidence`, the time of the oldest time stamp of the file; `kept`, whether the signature
is valid as of its own time stamp by what the file keeps, null if it has none.
"""

import asyncio
import json
import logging
import sys
from datetime import datetime, timedelta

from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.ades import ades_lta_validation
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko.sign.validation.policy_decl import (
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.authority import CertTrustAnchor
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import CertRevTrustPolicy, RevocationCheckingPolicy, RevocationCheckingRule
from pyhanko_certvalidator.registry import SimpleTrustManager

logging.disable(logging.CRITICAL)


def specification(root):
    rule = RevocationCheckingRule.CRL_OR_OCSP_REQUIRED
    policy = RevocationCheckingPolicy(ee_certificate_rule=rule, intermediate_ca_cert_rule=rule)
    trust = SimpleTrustManager.build([CertTrustAnchor(root)])
    return PdfSignatureValidationSpec(
        SignatureValidationSpec(
            cert_validation_policy=CertValidationPolicySpec(trust_manager=trust, revinfo_policy=CertRevTrustPolicy(policy)),
            revinfo_gathering_policy=RevocationInfoGatheringSpec(online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY),
        )
    )


def archive(embedded, root, at):
    timing = ValidationTimingInfo(validation_time=at, best_signature_time=at, point_in_time_validation=False)
    result = asyncio.run(ades_lta_validation(embedded, specification(root), timing))
    evidence = result.oldest_evidence_record_timestamp
    indication = f"{result.ades_subindic.status.name}:{result.ades_subindic.name}"
    return {"archive": indication, "why": result.failure_msg, "evidence": evidence and evidence.isoformat()}


def kept(embedded, reader, root):
    unsigned = {attribute["type"].native: attribute["values"] for attribute in embedded.signer_info["unsigned_attrs"]}
    if "signature_time_stamp_token" not in unsigned:
        return None
    token = unsigned["signature_time_stamp_token"][0]["content"]
    moment = token["encap_content_info"]["content"].parsed["gen_time"].native
    settings = {"trust_roots": [root], "moment": moment, "allow_fetching": False, "revocation_mode": "require", "time_tolerance": timedelta(seconds=5)}
    try:
        context = DocumentSecurityStore.read_dss(reader).as_validation_context(settings)
    except NoDSSFoundError:
        context = ValidationContext(**settings, ocsps=[], crls=[])
    try:
        return validate_pdf_signature(embedded, context, context).bottom_line
    except Exception as error:
        return str(error)


def seen(case, root):
    with open(case["path"], "rb") as file:
        reader = PdfFileReader(file)
        [embedded] = [one for one in reader.embedded_regular_signatures if one.field_name == case["field"]]
        at = datetime.fromisoformat(case["at"])
        return {**archive(embedded, root, at), "kept": kept(embedded, reader, root)}


root = load_cert_from_pemder(sys.argv[1])
print(json.dumps([seen(case, root) for case in json.load(sys.stdin)]))
