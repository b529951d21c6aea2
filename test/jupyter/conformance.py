"""Jupyter's own conformance tests (jupyter_kernel_test), and jupyter_client's ways to a kernel, against the installed kernelspec; closes with `N passed, N failed`."""

import sys
import unittest

import jupyter_kernel_test as jkt

import clients


class CellgradTests(jkt.KernelTests):
    kernel_name = "cellgrad"
    language_name = "typescript"
    file_extension = ".ts"
    code_hello_world = 'console.log("hello, world")'
    code_stderr = 'console.error("careful")'
    completion_samples = [
        {"text": "Math.sq", "matches": {"sqrt"}},
        {"text": "const greeting = 'hello'; greeting.toUpperC", "matches": {"toUpperCase"}},
    ]
    complete_code_samples = ["1 + 1", "const f = (x: number) => x * 2", "if (true) { f(2) }", "await Promise.resolve(3)"]
    incomplete_code_samples = ["function f() {", "const text = `one", "f(1,", "if (true) {", "/* one"]
    invalid_code_samples = ["const = 3", "let 1a", "if (true) ) {"]
    code_generate_error = 'throw new RangeError("out of range")'
    code_execute_result = [
        {"code": "1 + 2", "result": "3"},
        {"code": "1 + 2 + 3", "result": "6"},
        {"code": "[1, 2].map((x) => x * 2)", "result": "[ 2, 4 ]"},
        {"code": "await Promise.resolve(1 + 6)", "result": "7"},
    ]
    code_display_data = [
        {"code": 'display({ [Symbol.for("Jupyter.display")]: () => ({ "text/html": "<b>hello</b>" }) })', "mime": "text/html"},
        {"code": 'import { tensor } from "cellgrad"; display(tensor([1, 2]))', "mime": "text/plain"},
    ]
    code_clear_output = "clearOutput()"
    code_page_something = "page({ a: 1 })"
    code_history_pattern = "1 + 2 + *"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "Math.sqrt"


class CellgradWelcomeTests(jkt.IopubWelcomeTests):
    kernel_name = "cellgrad"
    support_iopub_welcome = True


def load_tests(loader, _tests, _pattern):
    return unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in (CellgradTests, CellgradWelcomeTests, clients.Transports, clients.Requests))


def main() -> int:
    result = unittest.main(exit=False, verbosity=2).result
    failed = {str(getattr(test, "test_case", test)) for test, _ in result.failures + result.errors}
    skipped = {str(getattr(test, "test_case", test)): reason for test, reason in result.skipped}
    for test, reason in skipped.items():
        print(f"skipped: {test}: {reason}")
    print(f"{result.testsRun - len(failed) - len(skipped)} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
