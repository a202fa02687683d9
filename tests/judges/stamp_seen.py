"""What poppler and zxing-cpp see of a stamped page.

python stamp_seen.py BEFORE AFTER WIDTH X,Y,W,H...   (millimetres; WIDTH is that of the displayed page 1)

The width is given because poppler draws pages with /UserUnit smaller than they are.

Prints one JSON object: the texts of the codes on page 1, their sizes in millimetres, how many pixels differ outside the
boxes and how many inside, and all text of the stamped file.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import zxingcpp
from PIL import Image, ImageChops

DPI = 150
SLACK_MM = 0.4


def draw(pdf, dpi, directory):
    stem = Path(directory) / "page"
    subprocess.run(["pdftoppm", "-cropbox", "-r", f"{dpi:.4f}", "-f", "1", "-l", "1", "-singlefile", "-png", pdf, str(stem)], check=True, capture_output=True)
    with Image.open(stem.with_suffix(".png")) as image:
        return image.convert("RGB").copy()


def picture(pdf, width, directory):
    image = draw(pdf, DPI, directory)
    ratio = width / 25.4 * DPI / image.width
    return image if abs(ratio - 1) < 0.01 else draw(pdf, DPI * ratio, directory)


def text(pdf):
    return subprocess.run(["pdftotext", "-enc", "UTF-8", pdf, "-"], check=True, capture_output=True).stdout.decode()


def side(code):
    place = code.position
    return round(((place.top_right.x - place.top_left.x) ** 2 + (place.top_right.y - place.top_left.y) ** 2) ** 0.5 / DPI * 25.4, 1)


def main(before, after, width, boxes):
    with tempfile.TemporaryDirectory() as directory:
        old, new = picture(before, width, directory), picture(after, width, directory)
    difference = ImageChops.difference(old, new).convert("L").point(lambda light: 255 if light > 8 else 0)
    outside = difference.copy()
    for box in boxes:
        x, y, width, height = (float(number) for number in box.split(","))
        corners = (x - SLACK_MM, y - SLACK_MM, x + width + SLACK_MM, y + height + SLACK_MM)
        outside.paste(0, tuple(round(mm / 25.4 * DPI) for mm in corners))
    codes = zxingcpp.read_barcodes(new)
    print(json.dumps({
        "codes": [code.text for code in codes],
        "upright": all(abs(code.orientation) <= 1 for code in codes),
        "sides": [side(code) for code in codes],
        "size": [new.size, old.size],
        "outside": sum(1 for light in outside.getdata() if light),
        "inside": sum(1 for light in difference.getdata() if light),
        "words": text(after),
    }))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4:])
