"""Inputs that the fuzzer begins with, out of the fixtures.

python3 fuzz/seeds.py FOLDER

Writes FOLDER/TARGET/… for the targets whose inputs are parts of fixtures: texts and bytes of QRs, and the signatures
in PDFs. Files that are inputs as they stand are read where they are (tools/fuzz.sh).
"""

import base64
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent / "fixtures"


def write(folder, target, name, data):
    path = folder / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def codes(folder):
    for path in sorted((ROOT / "credential").glob("*.json")):
        text = json.loads(path.read_text())["text"]
        write(folder, "credential", path.stem, text.encode())
        digits = text.partition("#")[2]
        write(folder, "numeric", path.stem, digits.encode())


def signatures(folder):
    for kind in ["pdf", "bad"]:
        for path in sorted((ROOT / kind).glob("*.pdf")):
            for number, found in enumerate(re.findall(rb"/Contents ?<([0-9a-fA-F]{200,})>", path.read_bytes())):
                write(folder, "cms", f"{path.stem}-{number}", bytes.fromhex(found.decode()))


def certificates(folder):
    for path in sorted(ROOT.glob("**/*.pem")):
        text = path.read_text()
        if "CERTIFICATE" not in text:
            continue
        write(folder, "certificate", path.stem, text.encode())
        first = text.split("-----")[2]
        write(folder, "certificate", f"{path.stem}.der", base64.b64decode("".join(first.split())))


if __name__ == "__main__":
    out = Path(sys.argv[1])
    codes(out)
    signatures(out)
    certificates(out)
