"""How the templates of messages are read: HTML is escaped, and a name that does not exist is an error."""

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape


def make_environment() -> Environment:
    """Return the templates of `templates`."""
    return Environment(
        loader=PackageLoader("services.notifier.render"),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
