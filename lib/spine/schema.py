"""The schema of a SPINE function: what it is called and what it holds, in the language of bounded.json_reader.

All of them are several KB, and a datagram needs one. So an image for a device keeps on flash what is written as
`schema(b"...")` (tools/cold_texts.py): there it is a number, which stands for the function in every comparison, and
`text` reads it when a datagram comes or goes.
"""

from bounded.compat import const
from bounded.on_demand import read_text

_NAME = const(64)  # with its colon, at most


def schema(text):
    """Mark the literal `text` as a schema that an image may keep on flash."""
    return text


def text(schema):
    """The text of a schema."""
    return schema if isinstance(schema, bytes) else read_text(schema)


def is_called(schema, name):
    """Whether the function of this schema has the `name` (bytes)."""
    if not isinstance(schema, bytes):
        if schema & 0xFFFF != (sum(name) + 31 * len(name)) & 0xFFFF:
            return False
        schema = read_text(schema, len(name) + 1)
    return schema.startswith(name + b":")


def name(schema):
    """The name of the function of this schema, as bytes."""
    text = schema if isinstance(schema, bytes) else read_text(schema, _NAME)
    return text[: text.find(b":")]
