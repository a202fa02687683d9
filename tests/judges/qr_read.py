"""Reads QR codes with zxing-cpp: one JSON array a picture, in the order of the arguments.

Each code is {"text", "level", "version", "mask", "unused"}; `unused` is the share of error correction that
was not needed, 1.0 for a symbol without a wrong module.
"""

import json
import sys

import zxingcpp
from PIL import Image


def read(path):
    codes = zxingcpp.read_barcodes(
        Image.open(path).convert("L"),
        formats=zxingcpp.BarcodeFormat.QRCode,
        try_invert=False,  # what is printed is dark on light
    )
    codes.sort(key=lambda code: (code.position.top_left.y, code.position.top_left.x))
    for code in codes:
        extra = code.extra
        yield {
            "text": code.text,
            "level": code.ec_level,
            "version": int(extra["Version"]),
            "mask": extra["DataMask"],
            "unused": extra["UEC"],
        }


for picture in sys.argv[1:]:
    print(json.dumps(list(read(picture))))
