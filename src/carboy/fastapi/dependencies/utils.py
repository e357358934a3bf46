"""FastAPI's names for what this package has in modules of their own.

COMPAT: upstream keeps all of it in one module of this name, and applications import from there.
Nothing is defined here.
"""

from typing import Any

from carboy.fastapi.dependencies.analysis import add_param_to_fields as add_param_to_fields
from carboy.fastapi.dependencies.analysis import get_dependant as get_dependant
from carboy.fastapi.dependencies.analysis import (
    get_parameterless_sub_dependant as get_parameterless_sub_dependant,
)
from carboy.fastapi.dependencies.body_field import _get_body_field as _get_body_field
from carboy.fastapi.dependencies.body_field import (
    _should_embed_body_fields as _should_embed_body_fields,
)
from carboy.fastapi.dependencies.declared import ParamDetails as ParamDetails
from carboy.fastapi.dependencies.declared import (
    add_non_field_param_to_dependency as add_non_field_param_to_dependency,
)
from carboy.fastapi.dependencies.declared import analyze_param as analyze_param
from carboy.fastapi.dependencies.declared import (
    ensure_multipart_is_installed as ensure_multipart_is_installed,
)
from carboy.fastapi.dependencies.declared import (
    multipart_incorrect_install_error as multipart_incorrect_install_error,
)
from carboy.fastapi.dependencies.declared import (
    multipart_not_installed_error as multipart_not_installed_error,
)
from carboy.fastapi.dependencies.fields import _get_model_type as _get_model_type
from carboy.fastapi.dependencies.fields import _get_param_aliases as _get_param_aliases
from carboy.fastapi.dependencies.fields import _get_param_model as _get_param_model
from carboy.fastapi.dependencies.fields import _is_json_field as _is_json_field
from carboy.fastapi.dependencies.fields import get_validation_alias as get_validation_alias
from carboy.fastapi.dependencies.fields import is_plain as is_plain
from carboy.fastapi.dependencies.flat import _get_flat_body_params as _get_flat_body_params
from carboy.fastapi.dependencies.flat import (
    _get_flat_fields_from_params as _get_flat_fields_from_params,
)
from carboy.fastapi.dependencies.flat import get_flat_params as get_flat_params
from carboy.fastapi.dependencies.form_models import _get_form_models as _get_form_models
from carboy.fastapi.dependencies.form_models import (
    _get_form_union_models as _get_form_union_models,
)
from carboy.fastapi.dependencies.forms import _read_file_bytes as _read_file_bytes
from carboy.fastapi.dependencies.forms import bind_body as bind_body
from carboy.fastapi.dependencies.forms import reads_files as reads_files
from carboy.fastapi.dependencies.forms import request_body_to_args as request_body_to_args
from carboy.fastapi.dependencies.models import Dependant as Dependant
from carboy.fastapi.dependencies.signatures import get_stream_item_type as get_stream_item_type
from carboy.fastapi.dependencies.signatures import get_typed_annotation as get_typed_annotation
from carboy.fastapi.dependencies.signatures import (
    get_typed_return_annotation as get_typed_return_annotation,
)
from carboy.fastapi.dependencies.signatures import get_typed_signature as get_typed_signature
from carboy.fastapi.dependencies.solve import SolvedDependency as SolvedDependency
from carboy.fastapi.dependencies.solve import solve_dependencies as solve_dependencies
from carboy.fastapi.dependencies.values import (
    _validate_value_with_model_field as _validate_value_with_model_field,
)
from carboy.fastapi.dependencies.values import request_params_to_args as request_params_to_args


def __getattr__(name: str) -> Any:
    from carboy.fastapi.borrowed import lend

    return lend(__name__, name)
