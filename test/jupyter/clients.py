"""The kernel as jupyter_client starts and drives it: transports, encryption, restarts, stdin, subshells, comms."""

import os
import unittest

import zmq
from jupyter_client.manager import KernelManager

LIMIT = 60


class KernelCase(unittest.TestCase):
    """A kernel for each test, started with the manager's `options`."""

    def start(self, **options):
        manager = KernelManager(kernel_name="cellgrad", **options)
        manager.start_kernel()
        client = manager.client()
        client.start_channels()
        self.addCleanup(self.stop, manager, client)
        client.wait_for_ready(timeout=LIMIT)
        return manager, client

    def stop(self, manager, client):
        client.stop_channels()
        manager.shutdown_kernel()
        self.assertFalse(os.path.exists(manager.connection_file))

    def request(self, client, kind, content, channel="shell", subshell=None, buffers=None):
        message = client.session.msg(kind, content)
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        stream = getattr(client, f"{channel}_channel")
        client.session.send(stream.socket, message, buffers=buffers)
        return message["header"]["msg_id"]

    def reply(self, client, request, channel="shell"):
        while True:
            message = getattr(client, f"{channel}_channel").get_msg(timeout=LIMIT)
            if message["parent_header"].get("msg_id") == request:
                return message["content"]

    def published(self, client, kind, request=None):
        """The next message of a kind on iopub."""
        while True:
            message = client.get_iopub_msg(timeout=LIMIT)
            if message["msg_type"] == kind and (request is None or message["parent_header"].get("msg_id") == request):
                return message

    def result(self, client, code):
        """The text/plain of a cell's result."""
        request = client.execute(code)
        self.assertEqual(self.reply(client, request)["status"], "ok")
        return self.published(client, "execute_result", request)["content"]["data"]["text/plain"]


class Transports(KernelCase):
    def test_tcp_encryption_required(self):
        manager, client = self.start(transport_encryption="required")
        self.assertTrue(manager.curve_publickey)
        self.assertEqual(self.result(client, "6 * 7"), "42")
        plain = zmq.Context.instance().socket(zmq.DEALER)
        plain.linger = 0
        self.addCleanup(plain.close)
        refusals = zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_DISCONNECTED
        monitor = plain.get_monitor_socket(refusals)
        self.addCleanup(plain.disable_monitor)
        plain.connect(f"tcp://{manager.ip}:{manager.shell_port}")
        self.assertTrue(monitor.poll(LIMIT * 1000), "a client without encryption was not refused")

    def test_ipc_encryption_required(self):
        _, client = self.start(transport="ipc", transport_encryption="required")
        self.assertEqual(self.result(client, "6 * 7"), "42")

    def test_ipc(self):
        _, client = self.start(transport="ipc")
        self.assertEqual(self.result(client, "6 * 7"), "42")

    def test_restart(self):
        manager, client = self.start()
        self.assertEqual(self.result(client, "const kept = 1; kept"), "1")
        manager.restart_kernel()
        client.wait_for_ready(timeout=LIMIT)
        self.assertEqual(self.result(client, "// @ts-nocheck\ntypeof kept"), "'undefined'")


class Requests(KernelCase):
    def test_stdin(self):
        _, client = self.start()
        client.execute('prompt("Name?") + confirm("Sure?")')
        for answer, expected in (("Ada", "Name? "), ("y", "Sure? [y/N] ")):
            question = client.get_stdin_msg(timeout=LIMIT)
            self.assertEqual(question["content"], {"prompt": expected, "password": False})
            client.input(answer)
        self.assertEqual(self.published(client, "execute_result")["content"]["data"]["text/plain"], "'Adatrue'")

    def test_interrupt_of_a_question(self):
        manager, client = self.start()
        request = client.execute('prompt("Name?")')
        client.get_stdin_msg(timeout=LIMIT)
        manager.interrupt_kernel()
        self.assertEqual(self.reply(client, request)["ename"], "KeyboardInterrupt")
        self.assertEqual(self.result(client, "6 * 7"), "42")

    def test_subshells(self):
        manager, client = self.start()
        created = self.reply(client, self.request(client, "create_subshell_request", {}, "control"), "control")
        loop = client.execute('console.log("go"); for (;;);')
        self.published(client, "stream", loop)
        request = self.request(client, "comm_info_request", {}, subshell=created["subshell_id"])
        self.assertEqual(self.reply(client, request), {"status": "ok", "comms": {}})
        manager.interrupt_kernel()
        self.reply(client, loop)
        listed = self.reply(client, self.request(client, "list_subshell_request", {}, "control"), "control")
        self.assertEqual(listed["subshell_id"], [created["subshell_id"]])

    def test_comm(self):
        _, client = self.start()
        self.reply(client, client.execute('Comm.register("echo", (c) => { c.onMessage(({ data, buffers }) => c.send(data, { buffers })) })'))
        self.request(client, "comm_open", {"comm_id": "a", "target_name": "echo", "data": {}})
        buffer = bytes(range(256)) * 1024
        self.request(client, "comm_msg", {"comm_id": "a", "data": {"n": 1}}, buffers=[buffer])
        message = self.published(client, "comm_msg")
        self.assertEqual(message["content"], {"comm_id": "a", "data": {"n": 1}})
        self.assertEqual(bytes(message["buffers"][0]), buffer)
