"""Reads OpenMetrics text from standard input with Prometheus' own parser; prints name, labels and value."""

import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

for family in text_string_to_metric_families(sys.stdin.read()):
    if not family.documentation or family.type == "unknown":
        sys.exit(f"{family.name}: no help or no type")
    for sample in family.samples:
        labels = [f"{name}={value}" for name, value in sorted(sample.labels.items())]
        print(" ".join([sample.name, *labels, f"{sample.value:g}"]))
