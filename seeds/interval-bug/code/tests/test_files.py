"""Reading files, and what is refused."""

import tempfile
import unittest
from pathlib import Path

from intervals.files import Unusable, read


class ReadTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "rooms.txt"

    def test_notes_and_empty_lines_do_not_count(self):
        self.path.write_text("# hall\n\n1 2  # early\n-7 +9\n")
        self.assertEqual(read(self.path), [(1, 2), (-7, 9)])

    def test_a_bad_line_is_named(self):
        for line in ("1", "1 2 3", "a b", "1.5 2", "5 3"):
            self.path.write_text(f"1 2\n{line}\n")
            with self.assertRaisesRegex(Unusable, r"rooms\.txt:2: "):
                read(self.path)

    def test_a_file_that_is_not_there_is_named(self):
        with self.assertRaisesRegex(Unusable, r"rooms\.txt: cannot be read"):
            read(self.path)
