"""Text that others wrote, made safe to print."""

import re

# what moves a cursor, sets colours or renames a window, in either of its two encodings
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """``text`` with control characters written out (``\\x1b``); line breaks and tabs stay.

    So is what is no character at all, such as the name of a file that is no UTF-8.
    """
    written_out = _CONTROLS.sub(lambda found: ascii(found[0])[1:-1], text)
    return written_out.encode(errors="backslashreplace").decode()
