"""What an older torch lacks and goldens use; and the limits on its threads."""

import math
import unittest

import front_end
import torch

import pypto  # noqa: F401 - installs what is tested


def e4m3fn(byte: int) -> float:
    """The definition of the format: 1 sign, 4 exponent (bias 7), 3 mantissa bits, no infinities."""
    sign = -1.0 if byte & 0x80 else 1.0
    exponent, mantissa = (byte >> 3) & 15, byte & 7
    if exponent == 15 and mantissa == 7:
        return math.nan
    if exponent == 0:
        return sign * mantissa * 2.0**-9
    return sign * (1 + mantissa / 8) * 2.0 ** (exponent - 7)



class Float8(unittest.TestCase):
    finite = sorted(e4m3fn(b) for b in range(127))

    def rounded(self, values):
        return torch.tensor(values).to(torch.float8_e4m3fn).float().tolist()

    def test_every_value_is_kept(self):
        both = self.finite + [-v for v in self.finite]
        self.assertEqual(self.rounded(both), both)

    def test_halfway_goes_to_the_even_mantissa(self):
        for i in range(len(self.finite) - 1):
            low, high = self.finite[i], self.finite[i + 1]
            even = low if i % 2 == 0 else high
            self.assertEqual(self.rounded([(low + high) / 2, -(low + high) / 2]), [even, -even])

    def test_just_beside_halfway_goes_to_the_nearest(self):
        for low, high in zip(self.finite, self.finite[1:]):
            middle = (low + high) / 2
            self.assertEqual(self.rounded([middle * (1 - 1e-6), middle * (1 + 1e-6)]), [low, high])

    def test_too_large_is_nan(self):
        self.assertEqual(self.rounded([448.0, 463.0, 464.0]), [448.0, 448.0, 448.0])
        self.assertTrue(all(math.isnan(v) for v in self.rounded([464.1, 1e9, math.inf, math.nan])))

    def test_other_conversions_are_untouched(self):
        x = torch.tensor([1.5, 2.5])
        self.assertEqual(x.to(torch.int32).tolist(), [1, 2])
        self.assertEqual(x.to(dtype=torch.float64).dtype, torch.float64)
        self.assertEqual(x.to(x).dtype, torch.float32)

    def test_keyword_form(self):
        self.assertEqual(torch.tensor([1.06]).to(dtype=torch.float8_e4m3fn).float().item(), 1.0)


class Others(unittest.TestCase):
    def test_eye_in_bf16(self):
        self.assertEqual(torch.eye(2, 3, dtype=torch.bfloat16).tolist(), [[1, 0, 0], [0, 1, 0]])
        self.assertEqual(torch.eye(2, dtype=torch.bfloat16).dtype, torch.bfloat16)
        self.assertEqual(torch.eye(2, dtype=torch.int32).dtype, torch.int32)

    def test_unravel_index(self):
        x = torch.arange(24).reshape(2, 3, 4)
        for flat in (0, 5, 23):
            where = torch.unravel_index(torch.tensor(flat), x.shape)
            self.assertEqual(x[where].item(), flat)


class Threads(unittest.TestCase):
    PRINT = "import {first}, {second}\nimport torch\nprint(torch.get_num_threads())"

    def threads(self, first, second, **variables):
        script = self.PRINT.format(first=first, second=second)
        done = front_end.run_script(script, **variables)
        self.assertEqual(done.returncode, 0, done.stderr)
        return int(done.stdout)

    def test_one_by_default_whatever_the_order(self):
        import os

        saved = os.environ.pop("OMP_NUM_THREADS", None)
        try:
            self.assertEqual(self.threads("pypto", "torch"), 1)
            self.assertEqual(self.threads("torch", "pypto"), 1)
        finally:
            if saved is not None:
                os.environ["OMP_NUM_THREADS"] = saved

    def test_the_user_decides(self):
        self.assertEqual(self.threads("pypto", "torch", OMP_NUM_THREADS="2"), 2)


if __name__ == "__main__":
    unittest.main()
