"""--help shows what most people need, --help-all every option that there is."""

import re
import unittest

from commands import listed
from program import ProgramTest


def shown(page: str) -> set[str]:
    """The names in front of a page's lines, but those for asking."""
    names = re.findall(r"^  (?:-\w,)?(--[\w-]+)", page, re.MULTILINE)
    return set(names) - {"--help", "--help-all"}


class HelpTest(ProgramTest):
    def test_everything_is_shown_on_request(self) -> None:
        for command, options in listed().items():
            page = self.run_well(command, "--help-all").stdout
            named = {option["long_name"] for option in options if not option["positional"]}
            self.assertEqual(shown(page), named, command)
            for option in options:
                if option["positional"]:
                    self.assertRegex(page, rf"\n  {option['long_name']} ", command)

    def test_a_first_look_is_short(self) -> None:
        for command, options in listed().items():
            page = self.run_well(command, "--help").stdout
            self.assertLessEqual(len(shown(page)), 30, command)
            required = {
                option["long_name"]
                for option in options
                if option["required"] and not option["positional"]
            }
            self.assertLessEqual(required, shown(page), command)
            hidden = sum(not option["positional"] for option in options) - len(shown(page))
            more = f"{hidden} more options: strop {command} --help-all"
            self.assertEqual(hidden > 0, more in page, command)
        self.assertEqual(len(shown(self.run_well("train", "--help").stdout)), 20)


if __name__ == "__main__":
    unittest.main()
