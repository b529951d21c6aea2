"""Drives one kernel through jupyter_client for the kernel benchmarks: `kernels.py KERNEL ARGV...`, requests on standard input.

ARGV is the kernel's command with {connection_file}. KERNEL chooses the language of the cells.
"""

import json
import queue
import sys
import time

import psutil
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

KERNEL = sys.argv[1]
IS_PYTHON = KERNEL == "ipykernel"
IS_OURS = KERNEL == "cellgrad"
# Seconds after which a kernel that has not finished is given up.
LIMIT = 30.0
LINES = 20_000
WRITES = 1_000_000
BUFFER = bytes(8_000_000)
LOOP = 1.0  # seconds of the synchronous loop

if IS_PYTHON:
    PRINT_LINES = f"for i in range({LINES}): print('line', i)"
    PRINT_TINY = f"import sys\nfor i in range({WRITES}): sys.stdout.write('.')"
    RUN_LOOP = f"import time\nprint('go', flush=True)\nuntil = time.time() + {LOOP}\nwhile time.time() < until: pass"
    SERVE_ECHO = (
        "def echo(comm, _):\n"
        "    comm.on_msg(lambda message: comm.send({}, buffers=message['buffers']))\n"
        "get_ipython().kernel.comm_manager.register_target('echo', echo)"
    )
else:
    # Deno has no stream of the notebook but console.
    write = "console.log('.')" if KERNEL == "Deno" else "process.stdout.write('.')"
    PRINT_LINES = f"for (let i = 0; i < {LINES}; i++) console.log('line', i)"
    PRINT_TINY = f"for (let i = 0; i < {WRITES}; i++) {write}"
    RUN_LOOP = f"console.log('go'); for (const until = Date.now() + {LOOP * 1000}; Date.now() < until; );"
    SERVE_ECHO = "Comm.register('echo', (comm) => { comm.onMessage(({ buffers }) => comm.send({}, { buffers })) })"


class Spec(KernelManager):
    """A kernel that is started from a command instead of an installed kernelspec."""

    @property
    def kernel_spec(self):
        return KernelSpec(argv=sys.argv[2:], display_name=KERNEL, language="")


class Slow(Exception):
    """A kernel has not finished in time."""

    def __init__(self):
        super().__init__(f"did not finish in {LIMIT:.0f} s")


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


def receive(channel, deadline):
    try:
        return channel.get_msg(timeout=max(0, deadline - time.monotonic()))
    except queue.Empty:
        raise Slow from None


def published(client, deadline, request=None):
    """What is published for a request, as it comes."""
    while time.monotonic() < deadline:
        message = receive(client.iopub_channel, deadline)
        if request is None or message["parent_header"].get("msg_id") == request:
            yield message
    raise Slow


answered = set()


def reply(client, channel, request, deadline):
    """Waits for the reply to a request, which may have come while another was waited for."""
    while request not in answered:
        answered.add(receive(getattr(client, f"{channel}_channel"), deadline)["parent_header"].get("msg_id"))


def send(client, channel, kind, content, buffers=None):
    message = client.session.msg(kind, content)
    client.session.send(getattr(client, f"{channel}_channel").socket, message, buffers=buffers)
    return message["header"]["msg_id"]


def run(client, code):
    """Executes a cell until both its reply and its idle are here; returns (text of its streams, stream messages)."""
    deadline = time.monotonic() + LIMIT
    request = client.execute(code)
    text = []
    for message in published(client, deadline, request):
        content = message["content"]
        if message["msg_type"] == "stream":
            text.append(content["text"])
        if message["msg_type"] == "status" and content["execution_state"] == "idle":
            break
    reply(client, "shell", request, deadline)
    return "".join(text), len(text)


class Session:
    """A kernel that runs, and what is asked of it. Each case returns what it measured."""

    def __init__(self):
        self.manager, self.client = start()
        self.cells = 0
        self.echo = None

    def new_cell(self):
        self.cells += 1
        name = f"x{self.cells}"
        code = f"{name} = {self.cells}" if IS_PYTHON else f"const {name} = {self.cells}"
        begin = time.perf_counter()
        run(self.client, code)
        return {"seconds": time.perf_counter() - begin}

    def cell_after_300(self):
        """A cell that uses the types of an earlier one, in a session of at least 300."""
        while self.cells < 300:
            self.new_cell()
        self.cells += 1
        i = self.cells
        code = f"y{i} = [x{i % 299 + 1} * 2]" if IS_PYTHON else f"const y{i} = [x{i % 299 + 1} * 2].map((y) => y.toFixed(1))"
        begin = time.perf_counter()
        run(self.client, code)
        return {"seconds": time.perf_counter() - begin}

    def print(self, code, character, count):
        begin = time.perf_counter()
        text, messages = run(self.client, code)
        seconds = time.perf_counter() - begin
        return {"seconds": seconds, "messages": messages, "note": f"{text.count(character)} of {count}, {messages} messages"}

    def during_loop(self, ask):
        """How long an answer takes that is asked for while a cell runs a synchronous loop."""
        deadline = time.monotonic() + LIMIT
        request = self.client.execute(RUN_LOOP)
        running = published(self.client, deadline, request)
        while next(running)["msg_type"] != "stream":
            pass
        begin = time.perf_counter()
        ask(deadline)
        seconds = time.perf_counter() - begin
        while next(running)["content"].get("execution_state") != "idle":
            pass
        reply(self.client, "shell", request, deadline)
        return {"seconds": seconds, **({"note": "after the cell"} if seconds > LOOP / 2 else {})}

    def heartbeat(self, deadline):
        socket = self.client.context.socket(3)  # REQ
        socket.linger = 0
        socket.connect(self.client._make_url("hb"))
        socket.send(b"ping")
        if not socket.poll((deadline - time.monotonic()) * 1000):
            raise Slow
        socket.close()

    def ask(self, channel, kind, **content):
        return lambda deadline: reply(self.client, channel, send(self.client, channel, kind, content), deadline)

    def comm_echo(self):
        """8 MB to the kernel and back."""
        deadline = time.monotonic() + LIMIT
        if not self.echo:
            if KERNEL in ("Deno", "tslab"):
                raise NotImplementedError("has no comms")
            run(self.client, SERVE_ECHO)
            self.echo = f"echo-{time.time()}"
            opened = send(self.client, "shell", "comm_open", {"comm_id": self.echo, "target_name": "echo", "data": {}})
            for message in published(self.client, deadline, opened):
                if message["content"].get("execution_state") == "idle":
                    break
        begin = time.perf_counter()
        send(self.client, "shell", "comm_msg", {"comm_id": self.echo, "data": {}}, [BUFFER])
        for message in published(self.client, deadline):
            if message["msg_type"] == "comm_msg":
                break
        assert len(message["buffers"][0]) == len(BUFFER)
        return {"seconds": time.perf_counter() - begin}

    def memory(self):
        """Resident bytes of the kernel's processes after a first cell; what they share counts in each of them."""
        run(self.client, "1+1")
        time.sleep(5)  # what is loaded ahead
        kernel = psutil.Process(self.manager.provisioner.pid)
        used = [each.memory_info().rss for each in [kernel, *kernel.children(recursive=True)]]
        return {"seconds": sum(used), "note": f"{len(used)} processes"}

    def stop(self):
        stop(self.manager, self.client)


def start_to_result():
    begin = time.perf_counter()
    manager, client = start()
    run(client, "1+1")
    seconds = time.perf_counter() - begin
    stop(manager, client)
    return {"seconds": seconds}


NAME = {"code": "pri" if IS_PYTHON else "conso", "cursor_pos": 3}
CASES = {
    "trivial new cell": lambda session: session.new_cell(),
    "new cell after 300 cells": lambda session: session.cell_after_300(),
    "20000 lines": lambda session: session.print(PRINT_LINES, "\n", LINES),
    "1 M tiny writes": lambda session: session.print(PRINT_TINY, ".", WRITES),
    "heartbeat in a loop": lambda session: session.during_loop(session.heartbeat),
    "control in a loop": lambda session: session.during_loop(session.ask("control", "kernel_info_request")),
    "complete in a loop": lambda session: session.during_loop(session.ask("shell", "complete_request", **NAME)),
    "inspect in a loop": lambda session: session.during_loop(session.ask("shell", "inspect_request", **NAME, detail_level=0)),
    "8 MB comm there and back": lambda session: session.comm_echo(),
    "idle memory": lambda session: session.memory(),
}

session = None


def measure(case):
    global session
    if case == "start to first 1+1":
        return start_to_result()
    if case == "idle memory" and session:
        session.stop()
        session = None
    session = session or Session()
    return CASES[case](session)


for line in sys.stdin:
    wanted = json.loads(line)
    try:
        answers = [measure(wanted["case"]) for _ in range(wanted["count"])]
        answer = {**answers[-1], "seconds": sum(each["seconds"] for each in answers)}
    except Exception as error:  # a peer that hangs or dies is a result, not a reason to stop
        answer = {"error": str(error) if isinstance(error, (Slow, NotImplementedError)) else f"{type(error).__name__} {error}".strip()}
        if session:
            session.stop()
            session = None
    print(json.dumps(answer), flush=True)
if session:
    session.stop()
