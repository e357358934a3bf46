"""The extensions, made once, bound to the application in create_app."""

from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect

db = SQLAlchemy()
csrf = CSRFProtect()

login_manager = LoginManager()
login_manager.login_view = "account.login"
login_manager.login_message = "Please log in first."
login_manager.login_message_category = "warning"
