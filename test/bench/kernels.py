"""Drives one kernel through jupyter_client for the kernel benchmarks: `kernels.py KERNEL ARGV...`, requests on standard input.

ARGV is the kernel's command with {connection_file}. KERNEL chooses the language of the cells.
"""

import json
import sys
import time

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

LIMIT = 60.0
PRINT = {
    "python": "for i in range(20000): print('line', i)",
    "typescript": "for (let i = 0; i < 20000; i++) console.log('line', i)",
}


class Spec(KernelManager):
    """A kernel that is started from a command instead of an installed kernelspec."""

    @property
    def kernel_spec(self):
        return KernelSpec(argv=sys.argv[2:], display_name=sys.argv[1], language="")


LANGUAGE = "python" if sys.argv[1] == "ipykernel" else "typescript"


def start():
    manager = Spec()
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=LIMIT)
    return manager, client


def stop(manager, client):
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def run(client, code):
    """Executes a cell until both its reply and its idle are here; returns (text of its streams, iopub messages)."""
    request = client.execute(code)
    text, messages = [], 0
    deadline = time.monotonic() + LIMIT
    while True:
        message = client.get_iopub_msg(timeout=max(0.1, deadline - time.monotonic()))
        if message["parent_header"].get("msg_id") != request:
            continue
        content = message["content"]
        if message["msg_type"] == "stream":
            messages += 1
            text.append(content["text"])
        if message["msg_type"] == "status" and content["execution_state"] == "idle":
            break
    while client.get_shell_msg(timeout=LIMIT)["parent_header"].get("msg_id") != request:
        pass
    return "".join(text), messages


counter = 0
open_kernel = None


def measure(case):
    global counter, open_kernel
    if case == "start to first 1+1":
        begin = time.perf_counter()
        manager, client = start()
        run(client, "1+1")
        seconds = time.perf_counter() - begin
        stop(manager, client)
        return {"seconds": seconds}
    open_kernel = open_kernel or start()
    counter += 1
    begin = time.perf_counter()
    if case == "trivial new cell":
        run(open_kernel[1], f"{'x' if LANGUAGE == 'python' else 'const x'}{counter} = {counter}")
        return {"seconds": time.perf_counter() - begin}
    text, messages = run(open_kernel[1], PRINT[LANGUAGE])
    seconds = time.perf_counter() - begin
    return {"seconds": seconds, "note": f"{text.count(chr(10))} of 20000 lines before idle, {messages} messages"}


for line in sys.stdin:
    wanted = json.loads(line)
    try:
        answers = [measure(wanted["case"]) for _ in range(wanted["count"])]
        answer = {**answers[-1], "seconds": sum(each["seconds"] for each in answers)}
    except Exception as error:  # a peer that hangs or dies is a result, not a reason to stop
        answer = {"error": f"{type(error).__name__} {error}".strip()}
    print(json.dumps(answer), flush=True)
if open_kernel:
    stop(*open_kernel)
