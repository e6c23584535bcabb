"""The members of a request, read by the protocol that it came in.

AWS JSON: members that the model does not know are ignored, and so is null. Query: `Name.member.1`,
`Name.entry.1.key` (https://smithy.io/2.0/aws/protocols/aws-query-protocol.html). REST: members in path, query, headers
and body (…/aws-restjson1-protocol.html, …/aws-restxml-protocol.html).
"""

import io
import json
import re
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree

from botocore.parsers import PROTOCOL_PARSERS

from .models import Request, Target

_INDEX = re.compile(r"[0-9]+")


class Unreadable(Exception):
    """The request can't be read: its body is not what the protocol asks for."""


def members(target: Target, request: Request) -> dict[str, Any]:
    """The request's members, under the model's names at the top.

    Raises Unreadable, also for a request that says something twice: who decides whether the caller may do it and who
    does it could each take another.
    """
    if target.protocol == "query":
        doubled = request.query.keys() & _form(request).keys()
    else:
        doubled = {"Action"} & {*request.query, *_form(request)}
    if doubled:
        raise Unreadable(f"The request says {', '.join(sorted(doubled))} twice")
    shape = target.operation.input_shape
    if shape is None:
        return {}
    if target.protocol in ("json", "cbor"):
        return _renamed(shape, document(request))
    if target.protocol == "query":
        return form_members(shape, request)
    return _rest(target, shape, request)


def document(request: Request) -> dict[str, Any]:
    """The body of a JSON or CBOR request. Raises Unreadable."""
    return _cbor(request.body) if request.cbor else _json(request.body)


def form_pairs(request: Request) -> dict[str, str]:
    """The parameters of a query request: those of the URL and of the body."""
    return {name: values[0] for name, values in request.query.items() if values} | _form(request)


def _form(request: Request) -> dict[str, str]:
    """The first value of each parameter of the body; none of a body that is no form."""
    if not request.form:
        return {}
    return dict(reversed(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)))


def form_members(shape: Any, request: Request) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in form_pairs(request).items():
        at = tree
        *parents, last = name.split(".")
        for part in parents:
            below = at.setdefault(part, {})
            at = below if isinstance(below, dict) else at.__setitem__(part, {"": below}) or at[part]
        at.setdefault(last, value)
    return _from_tree(shape, tree)


def _from_tree(shape: Any, node: Any) -> Any:
    kind = shape.type_name
    if kind == "structure":
        fields = node if isinstance(node, dict) else {}
        return {
            name: _from_tree(member, fields[wire])
            for name, member in shape.members.items()
            if (wire := _form_name(name, member)) in fields
        }
    if kind == "list":
        flat = shape.serialization.get("flattened")
        items = node if flat or not isinstance(node, dict) else node.get(_item_name(shape), {})
        return [_from_tree(shape.member, item) for item in _numbered(items)]
    if kind == "map":
        entries = node if shape.serialization.get("flattened") or not isinstance(node, dict) else node.get("entry", {})
        key, value = (
            part.serialization.get("name", word) for part, word in ((shape.key, "key"), (shape.value, "value"))
        )
        return {
            str(entry.get(key)): _from_tree(shape.value, entry[value]) if value in entry else None
            for entry in _numbered(entries)
            if isinstance(entry, dict)
        }
    return typed(shape, node.get("", "") if isinstance(node, dict) else node)


def _form_name(name: str, member: Any) -> str:
    if member.type_name == "list" and member.serialization.get("flattened"):
        return member.member.serialization.get("name", member.serialization.get("name", name))
    return member.serialization.get("name", name)


def _item_name(shape: Any) -> str:
    return shape.member.serialization.get("name", "member")


def _numbered(items: Any) -> list[Any]:
    if not isinstance(items, dict):
        return []
    return [items[index] for index in sorted((key for key in items if _INDEX.fullmatch(key)), key=int)]


def typed(shape: Any, text: str) -> Any:
    """The text of a query parameter, header or XML element as its type; as it is where it isn't of that type."""
    try:
        if shape.type_name in ("integer", "long"):
            return int(text)
        if shape.type_name in ("float", "double"):
            return float(text)
    except ValueError:
        return text
    if shape.type_name == "boolean":
        return {"true": True, "false": False}.get(text.lower(), text)
    return text


def _json(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body or b"{}")
    except (ValueError, UnicodeDecodeError) as error:
        raise Unreadable("Unable to parse the request body as JSON") from error
    if not isinstance(data, dict):
        raise Unreadable("Unexpected field type: the request body must be a JSON object")
    return data


def _cbor(body: bytes) -> dict[str, Any]:
    try:
        data = (
            PROTOCOL_PARSERS["smithy-rpc-v2-cbor"]().parse_data_item(io.BufferedReader(io.BytesIO(body)))
            if body
            else {}
        )
    except Exception as error:  # the parser raises several kinds
        raise Unreadable("Unable to parse the request body as CBOR") from error
    if not isinstance(data, dict):
        raise Unreadable("Unexpected field type: the request body must be a map")
    return data


def _renamed(shape: Any, data: dict[str, Any]) -> dict[str, Any]:
    """Members at the top under the model's names."""
    return {
        name: data[wire]
        for name, member in shape.members.items()
        if (wire := member.serialization.get("name", name)) in data
    }


def _rest(target: Target, shape: Any, request: Request) -> dict[str, Any]:
    found: dict[str, Any] = dict(target.labels)
    payload = shape.serialization.get("payload")
    inside: dict[str, Any] = {}
    for name, member in shape.members.items():
        location, wire = member.serialization.get("location"), member.serialization.get("name", name)
        if location == "header" and (text := request.headers.get(wire.lower())) is not None:
            found[name] = text if member.type_name == "list" or _is_json(member) else typed(member, text)
            if member.type_name == "list":
                found[name] = [item.strip() for item in text.split(",")]
        elif location == "headers":
            prefix = wire.lower()
            found[name] = {
                key[len(prefix) :]: value for key, value in request.headers.items() if key.startswith(prefix)
            } or None
        elif location == "querystring":
            found |= _from_query(name, wire, member, request.query)
        elif location == "uri":
            if name in found:
                found[name] = typed(member, found[name])
        elif location is None and not payload:
            inside[name] = member
    if payload:
        member = shape.members[payload]
        if member.type_name == "blob":
            return found | ({payload: request.body} if request.body else {})
        if member.type_name == "string":
            return found | ({payload: request.body.decode("utf-8", "replace")} if request.body else {})
        if request.body:
            found[payload] = _xml(member, request.body) if target.protocol == "rest-xml" else _json(request.body)
    elif inside and request.body:
        if target.protocol == "rest-xml":
            found |= {name: value for name, value in _xml(shape, request.body).items() if name in inside}
        else:
            found |= {name: value for name, value in _renamed(shape, _json(request.body)).items() if name in inside}
    return found


def _is_json(member: Any) -> bool:
    return bool(member.serialization.get("jsonvalue"))


def _from_query(name: str, wire: str, member: Any, query: dict[str, list[str]]) -> dict[str, Any]:
    if member.type_name == "map":
        own = {key: values[0] for key, values in query.items()}
        return {name: own} if own and member.value.type_name == "string" else {}
    if wire not in query:
        return {}
    if member.type_name == "list":
        return {name: [typed(member.member, value) for value in query[wire]]}
    return {name: typed(member, query[wire][0])}


def _xml(shape: Any, body: bytes) -> dict[str, Any]:
    try:
        return _from_element(shape, ElementTree.fromstring(body))
    except ElementTree.ParseError as error:
        raise Unreadable(
            "The XML you provided was not well-formed or did not validate against our published schema"
        ) from error


def _from_element(shape: Any, element: ElementTree.Element) -> Any:
    kind = shape.type_name
    if kind == "structure":
        found: dict[str, Any] = {}
        for name, member in shape.members.items():
            wire = member.serialization.get("name", name)
            if member.serialization.get("xmlAttribute"):
                attribute = wire.rsplit(":", 1)[-1]
                values = [value for key, value in element.attrib.items() if _local(key) == attribute]
                found |= {name: values[0]} if values else {}
                continue
            children = [child for child in element if _local(child.tag) == wire]
            if not children:
                continue
            if member.type_name == "list":
                if not member.serialization.get("flattened"):
                    children = list(children[0])
                found[name] = [_from_element(member.member, child) for child in children]
            else:
                found[name] = _from_element(member, children[0])
        return found
    return typed(shape, element.text or "")


def _local(tag: str) -> str:
    return tag.rsplit("}", 1)[-1]
