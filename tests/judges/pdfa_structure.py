"""Rules of PDF/A (ISO 19005) that an update may break, for the objects that it added or changed.

python pdfa_structure.py BEFORE AFTER PART

No PDF/A checker is packaged for Debian; these are the rules about what a stamp and a signature bring along. Prints a JSON array
of what is wrong, empty if nothing is.
"""

import json
import sys

import pikepdf

HIDDEN = 1 << 0 | 1 << 1 | 1 << 5  # invisible, hidden, no view
PRINT = 1 << 2


def raw(stream):
    return stream.read_raw_bytes()


def changed(old, new):
    """Objects of the new file that the old one does not have, or has otherwise."""
    last = len(old.objects)
    for number in range(1, len(new.objects) + 1):
        obj = new.get_object(number, 0)
        if not isinstance(obj, pikepdf.Object):
            continue
        before = old.get_object(number, 0) if number <= last else None
        same = isinstance(before, pikepdf.Object) and before.unparse() == obj.unparse()
        if not same or (isinstance(obj, pikepdf.Stream) and raw(before) != raw(obj)):
            yield obj


def entries(obj):
    return obj.keys() if isinstance(obj, (pikepdf.Dictionary, pikepdf.Stream)) else []


def problems(old, new, part):
    if old.Root.keys() - new.Root.keys():
        yield "the catalog lost an entry"
    allowed = {"/AcroForm"} | ({"/AF", "/Names"} if part == 3 else set())
    if new.Root.keys() - old.Root.keys() - allowed:
        yield f"new entries of the catalog: {new.Root.keys() - old.Root.keys() - allowed}"
    if raw(old.Root.Metadata) != raw(new.Root.Metadata):
        yield "the metadata changed"
    if old.Root.OutputIntents.unparse(resolved=True) != new.Root.OutputIntents.unparse(resolved=True):
        yield "the output intent changed"
    if new.Root.AcroForm.get("/NeedAppearances", False):
        yield "NeedAppearances"
    if "/ID" not in new.trailer or "/Encrypt" in new.trailer:
        yield "trailer"
    for obj in changed(old, new):
        keys = set(entries(obj))
        name = f"object {obj.objgen[0]}"
        if keys & {"/AA", "/A", "/JS", "/OPI", "/PS", "/TR"}:
            yield f"{name}: {keys}"
        if isinstance(obj, pikepdf.Stream):
            filters = obj.get("/Filter", [])
            if "/LZWDecode" in ([filters] if isinstance(filters, pikepdf.Name) else list(filters)) or keys & {"/F", "/FFilter"}:
                yield f"{name}: filter or external data"
            if obj.get("/Subtype") == "/Image" and obj.get("/Interpolate", False):
                yield f"{name}: Interpolate"
        if obj.get("/Type") == "/FontDescriptor" if keys else False:
            if not keys & {"/FontFile", "/FontFile2", "/FontFile3"}:
                yield f"{name}: a font that is not embedded"
            if part == 1 and "/CIDSet" not in keys:
                yield f"{name}: a subset without CIDSet"
        if obj.get("/Subtype") == "/CIDFontType2" if keys else False:
            if obj.get("/CIDToGIDMap") != "/Identity" and not isinstance(obj.get("/CIDToGIDMap"), pikepdf.Stream):
                yield f"{name}: no CIDToGIDMap"
        if obj.get("/Subtype") == "/Widget" if keys else False:
            flags = int(obj.get("/F", 0))
            if not flags & PRINT or flags & HIDDEN:
                yield f"{name}: flags {flags}"
            if list(obj.get("/AP", {}).keys()) != ["/N"]:
                yield f"{name}: appearance"
        if part == 1:
            if "/SMask" in keys or "/Group" in keys and obj.get("/Type") != "/Page" or obj.get("/CA", 1) != 1 or obj.get("/ca", 1) != 1:
                yield f"{name}: transparency"
        if obj.get("/Type") == "/Filespec" if keys else False:
            if part != 3 or not {"/F", "/UF", "/AFRelationship", "/EF"} <= keys:
                yield f"{name}: embedded file"
            elif obj.EF.F.get("/Subtype") is None or "/ModDate" not in obj.EF.F.get("/Params", {}):
                yield f"{name}: embedded file without media type or date"
    if part == 3 and len(new.Root.get("/AF", [])) != 1:
        yield "no associated file"


with pikepdf.open(sys.argv[1]) as old, pikepdf.open(sys.argv[2]) as new:
    print(json.dumps(list(problems(old, new, int(sys.argv[3])))))
