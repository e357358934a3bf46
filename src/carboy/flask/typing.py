"""Names for the types that Flask code annotates with.

Wide on purpose: what a view may return is checked when it has returned it (answers.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from werkzeug.datastructures import Headers
    from werkzeug.wrappers import Response

WSGIEnvironment: TypeAlias = dict[str, Any]
StartResponse: TypeAlias = Callable[..., Any]

HeaderValue: TypeAlias = str | list[str] | tuple[str, ...]
HeadersValue: TypeAlias = "Headers | Mapping[str, HeaderValue] | Sequence[tuple[str, HeaderValue]]"
ResponseValue: TypeAlias = (
    "Response | str | bytes | list[Any] | Mapping[str, Any] | Iterator[str] | Iterator[bytes]"
)
ResponseReturnValue: TypeAlias = Any

AppOrBlueprintKey: TypeAlias = str | None
RouteCallable: TypeAlias = Callable[..., Any]
BeforeRequestCallable: TypeAlias = Callable[[], Any]
AfterRequestCallable: TypeAlias = Callable[[Any], Any]
TeardownCallable: TypeAlias = Callable[[BaseException | None], Awaitable[None] | None]
ErrorHandlerCallable: TypeAlias = Callable[[Any], Any]
URLDefaultCallable: TypeAlias = Callable[[str, dict[str, Any]], None]
URLValuePreprocessorCallable: TypeAlias = Callable[[str | None, dict[str, Any] | None], None]
TemplateContextProcessorCallable: TypeAlias = Callable[[], Any]
TemplateFilterCallable: TypeAlias = Callable[..., Any]
TemplateGlobalCallable: TypeAlias = Callable[..., Any]
TemplateTestCallable: TypeAlias = Callable[..., bool]
ShellContextProcessorCallable: TypeAlias = Callable[[], dict[str, Any]]
