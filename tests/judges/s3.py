"""An S3 service (moto) for one test run: `python s3.py BUCKET`.

Says its address on stdout when the bucket is made. Lives as long as its stdin is open, which the kernel
closes when the test process ends in whatever way.
"""

import logging
import os
import sys
import urllib.request

from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").disabled = True
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
address = f"{host}:{port}"
urllib.request.urlopen(urllib.request.Request(f"http://{address}/{sys.argv[1]}", method="PUT"))
print(address, flush=True)
sys.stdin.read()
os._exit(0)
