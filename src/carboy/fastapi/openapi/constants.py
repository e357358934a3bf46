"""Words that the OpenAPI document and the schemas in it must agree on."""

#: Methods whose operation may describe a request body.
METHODS_WITH_BODY = {"DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"}
#: Where components are found, and how a model is referred to there.
REF_PREFIX = "#/components/schemas/"
REF_TEMPLATE = REF_PREFIX + "{model}"
