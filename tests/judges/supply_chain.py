"""Holds the dependencies to deny.toml: licences, banned crates, sources.

`cargo deny check` does the same and reads the advisory database besides; this part needs neither a network
nor a program that takes minutes to build, so it runs in every `make test`.

    python tests/judges/supply_chain.py deny.toml
"""

import json
import re
import subprocess
import sys
import tomllib
from collections import Counter


def licence_fits(expression, allowed):
    """Whether an SPDX expression can be met with the allowed licences; `/` is the old spelling of OR."""
    tokens = re.findall(r"[()]|[^\s()]+", expression.replace("/", " OR "))

    def either():
        fits = both()
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            fits = both() or fits
        return fits

    def both():
        fits = one()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            fits = one() and fits
        return fits

    def one():
        token = tokens.pop(0)
        if token == "(":
            fits = either()
            tokens.pop(0)
            return fits
        if tokens and tokens[0] == "WITH":
            tokens.pop(0)
            token = f"{token} WITH {tokens.pop(0)}"
        return token in allowed

    return either()


def packages(targets):
    """Every package that a build for one of the targets would use."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    for target in targets:
        command += ["--filter-platform", target]
    metadata = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return [package for package in metadata["packages"] if package["source"] is not None]


def faults(rules, found):
    allowed = set(rules["licenses"]["allow"])
    exceptions = {rule["crate"]: set(rule["allow"]) for rule in rules["licenses"].get("exceptions", [])}
    banned = {ban["crate"]: ban["reason"] for ban in rules["bans"]["deny"]}
    # Cargo's default registry is the one that most packages come from; another one would stand out.
    sources = Counter(package["source"] for package in found).most_common(1)
    usual = {source for source, _ in sources if source.startswith("registry+")}
    for package in found:
        name = f"{package['name']} {package['version']}"
        licence = package["license"]
        if licence is None or not licence_fits(licence, allowed | exceptions.get(package["name"], set())):
            yield f"{name}: licence {licence}"
        if package["name"] in banned:
            yield f"{name}: banned, {banned[package['name']]}"
        if package["source"] not in usual:
            yield f"{name}: from {package['source']}"


def main(path):
    with open(path, "rb") as file:
        rules = tomllib.load(file)
    found = packages(rules["graph"]["targets"])
    broken = list(faults(rules, found))
    print("\n".join(broken) or f"{len(found)} crates: licences, names and sources as {path} allows")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
