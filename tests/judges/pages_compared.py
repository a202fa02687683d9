"""Where pages differ that this system stamped and signed, as poppler draws them.

python pages_compared.py < CASES

CASES is a JSON array of {"before": path, "after": path}. Prints a JSON array with one object per file:
`outside`: pages with pixels that differ elsewhere than in our boxes, each with their number; `codes`: the codes of page 1 with
`text`, `upright`, `side` (dark part, millimetres on paper) and `version`; `widgets`: how many signature widgets were added.
Our boxes are read off the result: the code with its quiet zone and the words next to it, other added words, added widgets.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pikepdf
import zxingcpp
from PIL import Image, ImageChops

SLACK_MM = 0.5


def draw(pdf, page, dpi, directory):
    stem = Path(directory) / "page"
    subprocess.run(["pdftoppm", "-cropbox", "-r", f"{dpi:.4f}", "-f", str(page), "-l", str(page), "-singlefile", "-png", pdf, str(stem)], check=True, capture_output=True)
    with Image.open(stem.with_suffix(".png")) as image:
        return image.convert("RGB").copy()


def words(pdf, page, unit):
    out = subprocess.run(["pdftotext", "-bbox", "-cropbox", "-enc", "UTF-8", "-f", str(page), "-l", str(page), pdf, "-"], check=True, capture_output=True).stdout.decode()
    for found in re.finditer(r'<word xMin="(.*?)" yMin="(.*?)" xMax="(.*?)" yMax="(.*?)">(.*?)</word>', out):
        x0, y0, x1, y1 = (float(number) * unit / 72 * 25.4 for number in found.groups()[:4])
        yield (round(x0, 1), round(y0, 1), round(x1, 1), round(y1, 1)), found.group(5)


def inherited(page, key, default):
    node = page.obj
    while node is not None:
        if key in node:
            return node[key]
        node = node.get("/Parent")
    return default


def shown(page, rect, unit):
    """A rectangle of user space as [left, top, right, bottom] on the upright page, in millimetres."""
    media = [float(n) for n in inherited(page, "/MediaBox", None)]
    crop = [float(n) for n in inherited(page, "/CropBox", media)]
    left, bottom, right, top = max(media[0], crop[0]), max(media[1], crop[1]), min(media[2], crop[2]), min(media[3], crop[3])
    x0, y0, x1, y1 = (float(n) for n in rect)
    box = {
        0: (x0 - left, top - y1, x1 - left, top - y0),
        90: (y0 - bottom, x0 - left, y1 - bottom, x1 - left),
        180: (right - x1, y0 - bottom, right - x0, y1 - bottom),
        270: (top - y1, right - x1, top - y0, right - x0),
    }[int(inherited(page, "/Rotate", 0)) % 360]
    return [n * unit / 72 * 25.4 for n in box]


def widgets(pdf):
    """Signature widgets by page, with their number."""
    found = {}
    for number, page in enumerate(pdf.pages, 1):
        for annotation in page.obj.get("/Annots", []):
            if annotation.get("/FT") == "/Sig" or annotation.get("/Parent", {}).get("/FT") == "/Sig":
                if "/V" in annotation or "/V" in annotation.get("/Parent", {}):
                    found[annotation.objgen] = (number, list(annotation["/Rect"]))
    return found


def union(boxes):
    return [min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)]


def label(codes, added, pixel):
    """The code with its quiet zone, and what stands right under it."""
    boxes = []
    for code in codes:
        place, modules = code.position, 17 + 4 * int(code.extra["Version"])
        quiet = 4 * (place.top_right.x - place.top_left.x) * pixel / modules
        box = [place.top_left.x * pixel - quiet, place.top_left.y * pixel - quiet, place.bottom_right.x * pixel + quiet, place.bottom_right.y * pixel + quiet]
        under = [word for word in added if box[0] - 8 < word[0] and word[2] < box[2] + 8 and box[3] - quiet < word[1] < box[3] + 25]
        boxes.append(union([box, *under]))
        # White ground goes a little further than the letters.
        boxes.append([boxes[-1][0] - 0.8, boxes[-1][1], boxes[-1][2] + 0.8, boxes[-1][3] + 0.8])
    return boxes


def compared(before, after):
    with pikepdf.open(before) as old, pikepdf.open(after) as new, tempfile.TemporaryDirectory() as directory:
        known = widgets(old)
        added = [widget for key, widget in widgets(new).items() if key not in known]
        ours = {1} | {page for page, _ in added}
        outside, codes = [], []
        for number, page in enumerate(new.pages, 1):
            unit = float(page.obj.get("/UserUnit", 1))
            dpi = 150 if number in ours else 60
            pixel = 25.4 / dpi
            # Poppler draws pages with /UserUnit smaller than they are.
            one, two = draw(before, number, dpi * unit, directory), draw(after, number, dpi * unit, directory)
            difference = ImageChops.difference(one, two).convert("L").point(lambda light: 255 if light > 8 else 0)
            boxes = [shown(page, rect, unit) for at, rect in added if at == number]
            if number in ours:
                said = set(words(before, number, unit))
                new_words = [box for box, word in words(after, number, unit) if (box, word) not in said]
                boxes += new_words
            if number == 1:
                found = zxingcpp.read_barcodes(two)
                boxes += label(found, new_words, pixel)
                for code in found:
                    place = code.position
                    side = ((place.top_right.x - place.top_left.x) ** 2 + (place.top_right.y - place.top_left.y) ** 2) ** 0.5
                    codes.append({"text": code.text, "upright": abs(code.orientation) <= 1, "side": side * pixel, "version": int(code.extra["Version"])})
            for x0, y0, x1, y1 in boxes:
                corners = (x0 - SLACK_MM, y0 - SLACK_MM, x1 + SLACK_MM, y1 + SLACK_MM)
                difference.paste(0, tuple(round(mm / pixel) for mm in corners))
            pixels = difference.histogram()[255]
            if one.size != two.size or pixels:
                outside.append([number, pixels, [round(n * pixel, 1) for n in difference.getbbox() or ()]])
    return {"outside": outside, "codes": codes, "widgets": len(added)}


print(json.dumps([compared(case["before"], case["after"]) for case in json.load(sys.stdin)]))
