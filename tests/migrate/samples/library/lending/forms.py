"""What people fill in."""

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DecimalField,
    IntegerField,
    PasswordField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import (
    DataRequired,
    EqualTo,
    Length,
    NumberRange,
    Optional,
    Regexp,
    ValidationError,
)

from lending.models import Member


class LoginForm(FlaskForm):
    name = StringField("Name", validators=[DataRequired()])
    password = PasswordField("Password", validators=[DataRequired()])
    remember = BooleanField("Remember me")


class JoinForm(FlaskForm):
    name = StringField("Name", validators=[DataRequired(), Length(min=2, max=80)])
    email = StringField("E-mail", validators=[Regexp(r"[^@\s]+@[^@\s]+$")])
    password = PasswordField("Password", validators=[Length(min=8)])
    again = PasswordField("Once more", validators=[EqualTo("password")])

    def validate_name(self, field):
        if Member.query.filter_by(name=field.data).first():
            raise ValidationError("Somebody has that name.")


class ProfileForm(FlaskForm):
    email = StringField("E-mail", validators=[Regexp(r"[^@\s]+@[^@\s]+$")])


class BookForm(FlaskForm):
    title = StringField("Title", validators=[DataRequired(), Length(max=120)])
    author_id = SelectField("Author", coerce=int)
    year = IntegerField("Year", validators=[Optional(), NumberRange(min=1450, max=2100)])
    copies = IntegerField("Copies", validators=[NumberRange(min=0)])
    price = DecimalField("Price", validators=[NumberRange(min=0)])


class SuggestionForm(FlaskForm):
    """Filled in by the town's app, which has no session."""

    class Meta:
        csrf = False

    title = StringField(validators=[DataRequired(), Length(max=120)])
    year = IntegerField(validators=[Optional(), NumberRange(min=1450, max=2100)])
    why = TextAreaField(validators=[Length(max=500)])
    urgent = BooleanField()
