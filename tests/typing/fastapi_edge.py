"""A limit as a dependency, as users write it; type checkers read this."""

from __future__ import annotations

from typing import Annotated, Any, assert_type

from fastapi import APIRouter, Depends, FastAPI

from aiolimiter import AsyncLimiter, KeyedLimiter
from aiolimiter.fastapi import RateLimit

limited = RateLimit(KeyedLimiter(5, 60), max_wait=0.5, name="client", detail={"a": 1})
app = FastAPI(dependencies=[Depends(RateLimit("100/60"))])
router = APIRouter(dependencies=[Depends(limited)], responses=limited.responses)
app.include_router(router)
assert_type(limited.responses, dict[int | str, dict[str, Any]])
RateLimit(AsyncLimiter(5, 60), key=lambda connection: connection.headers["x-api-key"])
RateLimit(5)  # type: ignore[arg-type]  # in which time?


@app.get("/answer")
async def answer(cost: Annotated[Any, Depends(limited.settled)]) -> None:
    cost.settle(7)
