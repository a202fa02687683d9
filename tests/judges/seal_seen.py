"""Where poppler draws the red seal on a page, and whether it stands upright.

python seal_seen.py BEFORE AFTER PAGE WIDTH SEAL.png   (WIDTH of the displayed page in millimetres)

Prints one JSON object: `red` is [x, y, width, height] of the red pixels in millimetres; `likeness` is the correlation of what
is drawn there with the seal on white.
"""

import json
import sys
import tempfile
import subprocess
from pathlib import Path

from PIL import Image, ImageChops

DPI = 150


def draw(pdf, page, dpi, directory):
    stem = Path(directory) / "page"
    subprocess.run(["pdftoppm", "-cropbox", "-r", f"{dpi:.4f}", "-f", page, "-l", page, "-singlefile", "-png", pdf, str(stem)], check=True, capture_output=True)
    with Image.open(stem.with_suffix(".png")) as image:
        return image.convert("RGB").copy()


def reddish(image):
    red, green, blue = image.split()
    return ImageChops.subtract(red, ImageChops.lighter(green, blue))


def correlation(one, two):
    a, b = list(one.getdata()), list(two.getdata())
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    both = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b))
    return both / (sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b)) ** 0.5


def main(before, after, page, width, seal):
    with tempfile.TemporaryDirectory() as directory:
        dpi = DPI * width / 25.4 * DPI / draw(after, page, DPI, directory).width
        old, new = draw(before, page, dpi, directory), draw(after, page, dpi, directory)
    added = ImageChops.subtract(reddish(new), reddish(old))
    box = added.point(lambda light: 255 if light > 60 else 0).getbbox()
    with Image.open(seal) as image:
        model = Image.new("RGB", image.size, "white")
        model.paste(image, mask=image.getchannel("A"))
    model = reddish(model)
    model = model.crop(model.point(lambda light: 255 if light > 60 else 0).getbbox())
    drawn = added.crop(box)
    scale = 25.4 / DPI
    print(json.dumps({
        "red": [round(n, 2) for n in (box[0] * scale, box[1] * scale, (box[2] - box[0]) * scale, (box[3] - box[1]) * scale)],
        "likeness": correlation(drawn, model.resize(drawn.size)),
    }))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]), sys.argv[5])
