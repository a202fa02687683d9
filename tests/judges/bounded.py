"""Runs a program within one GiB of address space and says what it took.

python bounded.py PROGRAM ARGUMENT...

Prints one JSON object: exit code, seconds, the most memory it held at once in MiB, standard error.
"""

import json
import resource
import subprocess
import sys
import time

GIB = 1 << 30


def limit():
    resource.setrlimit(resource.RLIMIT_AS, (GIB, GIB))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


begin = time.monotonic()
done = subprocess.run(sys.argv[1:], preexec_fn=limit, capture_output=True, timeout=60)
print(json.dumps({
    "code": done.returncode,
    "seconds": time.monotonic() - begin,
    "mib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
    "stderr": done.stderr.decode(),
}))
