"""Render the subject, text and HTML of a message about an event; equal events give equal messages."""

from dataclasses import dataclass

from services.notifier.core.deliveries import Replaced
from services.notifier.render.environment import make_environment
from services.notifier.render.view import view_of
from shared.domain.divergences import DivergenceEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """One message in both forms."""

    subject: str
    text: str
    html: str


class Renderer:
    """Write messages from the templates in `templates`.

    Parameters
    ----------
    public_url
        Address of the dashboard, for links.
    """

    def __init__(self, *, public_url: str) -> None:
        self._public_url = public_url
        environment = make_environment()
        self._text = environment.get_template("event.txt.j2")
        self._html = environment.get_template("event.html.j2")

    def render(self, event: DivergenceEvent, *, replaces: tuple[Replaced, ...] = ()) -> Rendered:
        """Return the message about an event.

        Parameters
        ----------
        replaces
            Earlier messages of the divergence that the reader never got.
        """
        view = view_of(event, public_url=self._public_url, replaces=replaces)
        # A line break in a subject would start another header.
        subject = " ".join(view.subject.split())
        return Rendered(subject=subject, text=self._text.render(view=view), html=self._html.render(view=view))
