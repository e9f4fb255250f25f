"""The answer to a wrong request: one clear sentence that repeats nothing of the request."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException

from services.dashboard.pages import Pages
from shared.domain.pairs import Pair


def add_error_responses(web: FastAPI, pairs: tuple[Pair, ...], pages: Pages) -> None:
    """Answer programs in JSON and people with a page that lists the known pairs."""

    @web.exception_handler(HTTPException)
    async def answer_error(request: Request, error: HTTPException) -> Response:
        if _is_for_programs(request):
            body = {"error": error.detail, "pairs": [pair.name for pair in pairs]}
            return JSONResponse(body, status_code=error.status_code, headers=error.headers)
        if error.status_code == HTTPStatus.NOT_FOUND:
            return HTMLResponse(pages.not_found_page(), status_code=HTTPStatus.NOT_FOUND)
        return PlainTextResponse(error.detail, status_code=error.status_code, headers=error.headers)

    @web.exception_handler(RequestValidationError)
    async def answer_bad_parameter(request: Request, error: RequestValidationError) -> Response:
        if not _is_for_programs(request):
            return HTMLResponse(pages.not_found_page(), status_code=HTTPStatus.NOT_FOUND)
        first = error.errors()[0]
        body = {"error": f"{first['loc'][-1]}: {first['msg']}"}
        return JSONResponse(body, status_code=HTTPStatus.UNPROCESSABLE_ENTITY)


def _is_for_programs(request: Request) -> bool:
    return request.url.path.startswith("/api/")
