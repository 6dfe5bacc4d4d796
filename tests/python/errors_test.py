"""Every error of the front end: one line on stderr, exit code 1, the author's file and line."""

import re
import textwrap
import unittest
from unittest import mock

import front_end

from pypto import Error
from pypto._errors import as_pypto_error, one_line

HEAD = '''
import sys
import torch
import pypto.language as pl

@pl.jit
def kernel(x: pl.Tensor[[16, 64], pl.FP32], y: pl.Out[pl.Tensor[[16, 64], pl.FP32]]):
    {body}  # line 8

kernel(torch.zeros(16, 64), torch.zeros(16, 64))
'''


class Errors(unittest.TestCase):
    def assertOneLine(self, text):
        self.assertEqual(len(text.splitlines()), 1, text)
        self.assertRegex(text, r"^a2a3sim: error: .* \[[a-z]+\.[a-z-]+\]$")

    def error_of(self, script, **variables):
        """What the excepthook prints, without the cost of a process each."""
        try:
            with mock.patch.dict("os.environ", variables):
                exec(compile(textwrap.dedent(script), "program.py", "exec"), {"__name__": "p"})
        except Exception as raised:  # noqa: BLE001 - which one is the question
            reported = raised if isinstance(raised, Error) else as_pypto_error(raised)
            self.assertIsNotNone(reported, repr(raised))
        else:
            self.fail("nothing was raised")
        self.assertOneLine(one_line(reported))
        return one_line(reported)

    def check(self, body, *fragments):
        line = self.error_of(HEAD.format(body=body))
        for fragment in ("program.py:8", *fragments):
            self.assertIn(fragment, line)
        return line

    def test_an_uncaught_error_ends_the_program(self):
        for body in ("pl.row_summ(x)", "pl.load(x, [0, 0])", "pl.add(x, y)"):
            done = front_end.run_script(HEAD.format(body=body))
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertOneLine(done.stderr)

    def test_unknown_operation_names_the_closest_ones(self):
        self.check("pl.row_summ(x)", "pl.row_summ does not exist", "pl.row_sum",
                   "[python.unknown-name]")
        self.check("pl.tile.get_block_id()", "pl.tile.get_block_id", "pl.tile.get_block_idx")
        self.check("pl.system.sync()", "pl.system.sync does not exist", "syncall")
        self.check("pl.wholly_unlike_anything()", "pl.wholly_unlike_anything does not exist")

    def test_hasattr_still_answers(self):
        done = front_end.run_script("""
            import pypto.language as pl
            print(hasattr(pl, "nosuch"), hasattr(pl.tile, "nosuch"), hasattr(pl, "add"))
        """)
        self.assertEqual(done.stdout.split(), ["False", "False", "True"])

    def test_unknown_import(self):
        line = self.error_of("from pypto.runtime import nosuch")
        self.assertIn("program.py:1", line)
        self.assertIn("nosuch", line)
        self.assertIn("pypto.nosuch", self.error_of("import pypto.nosuch"))
        self.assertIn("Nosuch", self.error_of("from pypto.backend import Nosuch"))

    def test_other_import_errors_are_pythons(self):
        done = front_end.run_script("import pypto\nimport nosuchmodule")
        self.assertIn("Traceback", done.stderr)

    def test_arguments_no_form_takes(self):
        line = self.check("pl.load(x, [0, 0])", "load", "supported", "[python.arguments]")
        self.assertNotRegex(line, r"0x[0-9a-f]{6}|_core\.")
        self.check("pl.row_sum()", "row_sum", "[python.arguments]")

    def test_operators_on_tiles(self):
        self.check("x @ y", "@", "Tensor", "[python.unsupported]")
        self.check("x.nosuch", "nosuch", "[python.unsupported]")

    def test_tensor_operation_outside_a_scope(self):
        self.check("pl.add(x, y)", "add")

    def test_limits_name_file_and_line(self):
        self.check("t = pl.at(nosuch=1)", "nosuch")

    def test_static_assert(self):
        self.check("pl.static_assert(False, 'rows')", "static assertion failed: rows",
                   "[python.static-assert]")

    def test_an_unbound_dynamic_dimension(self):
        self.check("pl.create_tensor([pl.dynamic('N')], dtype=pl.FP32)", "N", "dynamic")

    def test_extern_kernels(self):
        line = self.error_of("""
            import pypto.language as pl
            @pl.jit.extern(core_type="aiv", source="x.cpp")
            def foreign(x: pl.Tensor): ...
            foreign(1)
        """)
        self.assertIn("foreign is a hand-written device kernel", line)

    def test_platform(self):
        line = self.error_of("""
            from pypto.runtime import RunConfig
            RunConfig(platform="a7")
        """)
        self.assertIn("'a7'", line)
        self.assertIn("a2a3sim", line)

    def test_machine_variables(self):
        script = HEAD.format(body="pass")
        self.assertIn("A2A3SIM_THREADS", self.error_of(script, A2A3SIM_THREADS="many"))
        self.assertIn("nosuch", self.error_of(script, A2A3SIM_CHIP="nosuch"))
        self.assertIn("nosuch", self.error_of(script, A2A3SIM_CHIP_SET="nosuch.key=1"))
        self.assertIn("910Z", self.error_of(script, A2A3SIM_SOC="910Z"))

    def test_a_users_own_exception_keeps_its_traceback(self):
        done = front_end.run_script(HEAD.format(body="raise KeyError('mine')"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("Traceback", done.stderr)
        self.assertTrue(re.search(r'program.py", line 8', done.stderr), done.stderr)

    def test_a_users_own_type_error_keeps_its_traceback(self):
        done = front_end.run_script(HEAD.format(body="len(3)"))
        self.assertIn("Traceback", done.stderr)


if __name__ == "__main__":
    front_end.in_temporary_folder(unittest.main)
