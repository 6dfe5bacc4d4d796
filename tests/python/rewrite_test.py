"""The source constructs that are rewritten (kernel-language.md §4.2), without a device."""

import traceback
import unittest

import front_end  # noqa: F401 - skips without torch

from pypto.jit.rewrite import rewritten


class Launch:
    """Stands in for pl.spmd: iterates over blocks, knows a task id."""

    def __init__(self, blocks, **options):
        self.blocks, self.options = blocks, options
        self.task = f"task of {blocks}"

    def __iter__(self):
        return iter(range(self.blocks))


class pl:  # noqa: N801 - as programs write it
    spmd = Launch


LIMIT = 3


def plain(x):
    for block in pl.spmd(2):
        x.append(block)
    return x


def with_block(x, times: "not evaluated" = 4):  # noqa: F722
    with pl.spmd(times, name_hint="n") as tid:
        x.append(LIMIT)
    return x, tid


def without_name(x):
    with pl.spmd(2):
        x.append("a")
        with open(__file__) as file, pl.spmd(2) as tid:
            x.append(file.mode)
        x.append(tid)


def fails(x):
    with pl.spmd(1) as tid:
        x.append(1)
        raise ValueError("here")  # LINE
    return tid


def uses_self(x):
    return self.helper(x)  # noqa: F821


def helper(x):
    return x + 1


class Rewrite(unittest.TestCase):
    def test_a_function_that_needs_nothing_is_left_alone(self):
        self.assertIs(rewritten(helper), helper)
        self.assertIs(rewritten(plain), plain)

    def test_with_spmd_runs_its_body_once_a_block_and_gives_the_task(self):
        x, tid = rewritten(with_block)([])
        self.assertEqual(x, [3, 3, 3, 3])
        self.assertEqual(tid, "task of 4")

    def test_defaults_names_and_the_original_are_kept(self):
        new = rewritten(with_block)
        self.assertEqual(new([], 2)[0], [3, 3])
        self.assertEqual(new([], times=1)[0], [3])
        self.assertEqual((new.__name__, new.__wrapped__), ("with_block", with_block))

    def test_nested_and_combined_blocks(self):
        x = []
        rewritten(without_name)(x)
        self.assertEqual(x, ["a", "r", "r", "task of 2"] * 2)

    def test_inside_a_loop(self):
        def kernel(x):
            for turn in range(2):
                with pl.spmd(1 + turn) as tid:
                    x.append(turn)
                x.append(tid)

        x = []
        rewritten(kernel)(x)
        self.assertEqual(x, [0, "task of 1", 1, 1, "task of 2"])

    def test_a_task_stored_in_a_subscript(self):
        def kernel():
            tasks = {}
            with pl.spmd(2) as tasks["a"]:
                pass
            return tasks

        self.assertEqual(rewritten(kernel)(), {"a": "task of 2"})

    def test_closures_keep_their_cells(self):
        value = 1

        def kernel(x):
            with pl.spmd(2):
                x.append(value)

        new = rewritten(kernel)
        value = 2  # bound late, as in any Python function
        x = []
        new(x)
        self.assertEqual(x, [2, 2])

    def test_lines_and_file_are_the_authors(self):
        try:
            rewritten(fails)([])
        except ValueError as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
        self.assertEqual(last.filename, __file__)
        self.assertIn("# LINE", last.line)
        self.assertEqual(last.name, "fails")

    def test_self_in_a_function_names_the_module(self):
        self.assertEqual(rewritten(uses_self)(1), 2)


if __name__ == "__main__":
    unittest.main()
