"""The OpenAPI document: what FastAPI makes of the routes, and the problems that every one of them may answer."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from services.console.api.problems import MEDIA_TYPE, ProblemDocument

REFERENCE = "#/components/schemas/{model}"
PROBLEM = {
    "description": "A problem: `reason` says which.",
    "content": {MEDIA_TYPE: {"schema": {"$ref": REFERENCE.format(model=ProblemDocument.__name__)}}},
}
UNCHANGED = {"description": "The data has still the ETag that If-None-Match names."}
SECURITY = {"token": {"type": "http", "scheme": "bearer", "description": "A token of the console."}}


def describe_problems(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the problems, the tokens and the answer 304."""
    components = document.setdefault("components", {})
    schema = TypeAdapter(ProblemDocument).json_schema(ref_template=REFERENCE, mode="serialization")
    components["schemas"] = {**components["schemas"], **schema.pop("$defs"), ProblemDocument.__name__: schema}
    components["securitySchemes"] = SECURITY
    for path in document["paths"].values():
        for operation in path.values():
            _describe_operation(operation)
    return document


def _describe_operation(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    responses.pop("422", None)
    responses["default"] = PROBLEM
    if operation.pop("x-public", False):
        return
    operation["security"] = [{"token": []}]
    if "application/json" in responses.get("200", {}).get("content", {}):
        responses["304"] = UNCHANGED
