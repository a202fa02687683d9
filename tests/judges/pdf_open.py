"""Number of pages of each file, by pikepdf, one line each; fails on any warning.

usage: pdf_open.py FILE ...
"""

import sys

import pikepdf

for path in sys.argv[1:]:
    with pikepdf.open(path) as pdf:
        for number in range(1, len(pdf.objects)):
            repr(pdf.objects[number])
        problems = pdf.check_pdf_syntax() if hasattr(pdf, "check_pdf_syntax") else pdf.check()
        assert not problems, (path, problems)
        assert not pdf.get_warnings(), (path, pdf.get_warnings())
        print(len(pdf.pages))
