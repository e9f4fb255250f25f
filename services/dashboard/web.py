"""The web application: pages for people, an API for programs, both from the view."""

from pathlib import Path
from typing import Annotated, Final

from fastapi import FastAPI
from fastapi import Path as PathParameter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from services.dashboard.api import add_api
from services.dashboard.error_responses import add_error_responses
from services.dashboard.headers import SecurityHeaders
from services.dashboard.pages import Pages, PageSource
from services.dashboard.streams import StreamResponse, Streams
from services.dashboard.view import PairsView
from shared.clock import Clock
from shared.domain.pairs import Pair
from shared.version import CODE_VERSION

_STATIC: Final = Path(__file__).parent / "static"
_READ: Final = ["GET", "HEAD"]
_DESCRIPTION: Final = (
    "What Convex knows about each pair. Values are the records of the topics signals.v1 and divergences.v1, "
    "byte for byte; docs/schemas describes them."
)

Slug = Annotated[str, PathParameter(max_length=100, pattern="^[a-z0-9-]+$")]


def make_web(view: PairsView, *, streams: Streams, clock: Clock) -> FastAPI:
    """Return the application.

    Parameters
    ----------
    view
        What the pages show; the reader writes to it.
    streams
        Serves the live connections; closing it ends them.
    """
    pages = Pages(view, clock=clock)
    by_page = {pair.page: pair for pair in view.pairs}
    web = FastAPI(
        title="Convex dashboard",
        version=CODE_VERSION,
        description=_DESCRIPTION,
        openapi_url="/api/openapi.json",
        # Their pages would load scripts from another host.
        docs_url=None,
        redoc_url=None,
        # The target of the redirect would repeat the Host header.
        redirect_slashes=False,
    )
    web.add_middleware(SecurityHeaders)
    web.mount("/static", StaticFiles(directory=_STATIC), name="static")

    def known(slug: str) -> Pair:
        pair = by_page.get(f"/compare/{slug}")
        if pair is None:
            raise HTTPException(404)
        return pair

    @web.api_route("/", methods=_READ, include_in_schema=False)
    async def show_index() -> Response:
        if len(view.pairs) == 1:
            return RedirectResponse(view.pairs[0].page, status_code=307)
        return HTMLResponse(pages.index_page())

    @web.api_route("/compare", methods=_READ, include_in_schema=False)
    async def show_pairs() -> Response:
        return HTMLResponse(pages.index_page())

    @web.api_route("/compare/{slug}", methods=_READ, include_in_schema=False)
    async def show_comparison(slug: Slug) -> Response:
        return HTMLResponse(pages.comparison_page(known(slug)))

    @web.get("/compare/{slug}/stream", include_in_schema=False)
    async def stream_comparison(slug: Slug) -> Response:
        pair = known(slug)
        streams.refuse_when_full()
        return StreamResponse(streams, pair.name, PageSource(pages, pair))

    @web.api_route("/api/docs", methods=_READ, include_in_schema=False)
    async def show_docs() -> Response:
        return HTMLResponse(pages.docs_page(web.openapi()))

    add_api(web, view, streams=streams, why_waiting=pages.why_waiting)

    add_error_responses(web, view.pairs, pages)
    return web
