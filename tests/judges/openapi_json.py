"""Checks openapi.yaml against the OpenAPI specification and prints it as JSON."""

import json
import sys

import yaml
from openapi_spec_validator import validate

with open(sys.argv[1], encoding="utf-8") as file:
    contract = yaml.safe_load(file)
validate(contract)
json.dump(contract, sys.stdout)
