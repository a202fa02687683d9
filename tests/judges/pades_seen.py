"""What others see of files that this system signed: pyHanko the signatures, poppler and zxing-cpp the pages.

python pades_seen.py ROOT.pem < CASES

CASES is a JSON array of {"before": path, "after": path, "signatory": name}. Prints a JSON array with one object per file:
what pyHanko says of each signature, with ROOT as the only trust anchor; the codes and the text of the stamped page; `seal`: the box of
the red that was added, in millimetres on paper, and `name`: the box of the signatory's name on that page, null if it has no text.
"""

import html
import json
import logging
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import zxingcpp
from PIL import Image, ImageChops
from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

logging.disable(logging.CRITICAL)

DPI = 150
MM = 25.4 / DPI


def signature(embedded, root):
    context = ValidationContext(trust_roots=[root], allow_fetching=False)
    status = validate_pdf_signature(embedded, context)
    attributes = [attribute["type"].native for attribute in embedded.signer_info["signed_attrs"]]
    return {
        "field": embedded.field_name,
        "bottom_line": status.bottom_line,
        "summary": status.summary(),
        "coverage": status.coverage.name,
        "sub_filter": str(embedded.sig_object["/SubFilter"]).lstrip("/"),
        "attributes": sorted(attributes),
        "algorithm": embedded.signer_info["signature_algorithm"].signature_algo,
        "subject": embedded.signer_cert.subject.native["common_name"],
        # From the signer to the anchor, as embedded.
        "certificates": len(embedded.signed_data["certificates"]),
    }


def draw(pdf, page, dpi, directory):
    stem = Path(directory) / "page"
    subprocess.run(["pdftoppm", "-cropbox", "-r", str(dpi), "-f", str(page), "-l", str(page), "-singlefile", "-png", pdf, str(stem)], check=True, capture_output=True)
    with Image.open(stem.with_suffix(".png")) as image:
        return image.convert("RGB").copy()


def reddish(image):
    red, green, blue = image.split()
    return ImageChops.subtract(red, ImageChops.lighter(green, blue))


def words(pdf, page):
    out = subprocess.run(["pdftotext", "-bbox", "-cropbox", "-enc", "UTF-8", "-f", str(page), "-l", str(page), pdf, "-"], check=True, capture_output=True).stdout.decode()
    for found in re.finditer(r'<word xMin="(.*?)" yMin="(.*?)" xMax="(.*?)" yMax="(.*?)">(.*?)</word>', out):
        yield [float(number) for number in found.groups()[:4]], html.unescape(found.group(5))


def name_box(pdf, page, name, unit):
    """The lowest place where the words of the name follow one another."""
    parts, all_words, found = name.split(), list(words(pdf, page)), []
    for at in range(len(all_words) - len(parts) + 1):
        run = all_words[at:at + len(parts)]
        if [word for _, word in run] == parts:
            boxes = [box for box, _ in run]
            found.append([min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)])
    if not found:
        return None
    x0, y0, x1, y1 = (number * unit / 72 * 25.4 for number in max(found, key=lambda box: box[1]))
    return [x0, y0, x1 - x0, y1 - y0]


def seen(case, root):
    before, after = case["before"], case["after"]
    with open(after, "rb") as file:
        # Strict reading refuses every hybrid-reference file.
        reader = PdfFileReader(file, strict="hybrid" not in before)
        signatures = [signature(embedded, root) for embedded in reader.embedded_signatures]
        widget = reader.embedded_signatures[-1].sig_field
        pages = reader.root["/Pages"]["/Count"]
        references = [reader.find_page_for_modification(at)[0].reference for at in range(pages)]
        page = references.index(widget.raw_get("/P").reference) + 1
        unit = float(widget["/P"].get("/UserUnit", 1))
    with tempfile.TemporaryDirectory() as directory:
        # Poppler draws pages with /UserUnit smaller than they are.
        dpi = DPI * unit
        codes = [code.text for code in zxingcpp.read_barcodes(draw(after, 1, dpi, directory))]
        added = ImageChops.subtract(reddish(draw(after, page, dpi, directory)), reddish(draw(before, page, dpi, directory)))
    box = added.point(lambda light: 255 if light > 60 else 0).getbbox()
    text = subprocess.run(["pdftotext", "-enc", "UTF-8", after, "-"], check=True, capture_output=True).stdout.decode()
    return {
        "signatures": signatures,
        "codes": codes,
        "text": text,
        "page": page,
        "seal": box and [box[0] * MM, box[1] * MM, (box[2] - box[0]) * MM, (box[3] - box[1]) * MM],
        "name": name_box(after, page, case["signatory"], unit),
    }


root = load_cert_from_pemder(sys.argv[1])
print(json.dumps([seen(case, root) for case in json.load(sys.stdin)]))
