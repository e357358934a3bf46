"""What the JSON of /feedback looks like."""

from marshmallow import Schema, ValidationError, fields, validate, validates


class MemberSchema(Schema):
    id = fields.Integer(dump_only=True)
    name = fields.String(required=True)
    email = fields.Email(load_only=True)
    joined = fields.Date(dump_only=True)


class ReviewSchema(Schema):
    id = fields.Integer(dump_only=True)
    book_id = fields.Integer(required=True)
    stars = fields.Integer(required=True, validate=validate.Range(min=1, max=5))
    text = fields.String(load_default="", validate=validate.Length(max=1000))
    written = fields.Date(dump_only=True)
    member = fields.Nested(MemberSchema, dump_only=True)

    @validates("text")
    def no_shouting(self, value, **kwargs):
        if value and value.isupper():
            raise ValidationError("Please do not shout.")


class StarsSchema(Schema):
    stars = fields.Integer(validate=validate.OneOf([1, 2, 3, 4, 5]))
    text = fields.String()


class LoanSchema(Schema):
    id = fields.Integer()
    title = fields.Function(lambda loan: loan.book.title)
    due = fields.Date()
    returned = fields.Boolean()


class NoticeSchema(Schema):
    """A notice for the board; shown, not kept."""

    title = fields.String(required=True, validate=validate.Length(min=1, max=80))
    until = fields.Date(required=True)
    kind = fields.String(load_default="news", validate=validate.OneOf(["news", "event", "closing"]))
    places = fields.Integer(load_default=None, allow_none=True)
    tags = fields.List(fields.String(), load_default=list)
