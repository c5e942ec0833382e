"""Django's settings, all of them. What differs between installations comes from the environment (environment.py)."""

from __future__ import annotations

import sys
from pathlib import Path

from csp.constants import NONE, SELF

from assay import database_url, email_url, environment, servers
from assay.embedded.places import CHECKOUT, var_dir
from assay.secret_key import secret_key
from lineage.logs import FORMATTERS, AddFacts

BASE_DIR = CHECKOUT
VAR_DIR = var_dir()

# A warehouse is an app of the user's own; Celery and gunicorn find it without manage.py's help too.
for root in ("warehouses", "examples"):
    if str(BASE_DIR / root) not in sys.path:
        sys.path.append(str(BASE_DIR / root))

EMBEDDED = servers.is_embedded_database()
DEBUG = environment.flag("DEBUG", default=EMBEDDED)
SECRET_KEY = secret_key(environment.text("SECRET_KEY"), required=not (EMBEDDED or DEBUG), folder=VAR_DIR)
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = environment.words("CSRF_TRUSTED_ORIGINS")

# --- Assay -----------------------------------------------------------------------------------------------------------
ASSAY_WAREHOUSES = environment.words("ASSAY_WAREHOUSES")
ASSAY_DATA_ROOT = Path(VAR_DIR / environment.text("ASSAY_DATA_ROOT"))
ASSAY_REDIS_URL = servers.redis_url()
ASSAY_URL = environment.text("ASSAY_URL").rstrip("/")
ASSAY_NOTIFY_EMAIL = environment.words("ASSAY_NOTIFY_EMAIL")
ASSAY_NOTIFY_WEBHOOK = environment.text("ASSAY_NOTIFY_WEBHOOK")
ASSAY_METRICS_TOKEN = environment.secret("ASSAY_METRICS_TOKEN", shortest=20)

# --- Apps ------------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "assay",
    "assay.admin_site.AssayAdminConfig",  # django.contrib.admin with our site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_tables2",
    "django_filters",
    "django_htmx",
    "pgtrigger",
    "csp",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "lineage",
    "quality",
    "medallion",
    *ASSAY_WAREHOUSES,
]
MIDDLEWARE = [
    "assay.web_logs.AboutRequest",  # first: what the others log belongs to a request too
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",  # last: it turns a refused login into the page for it
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
ROOT_URLCONF = "assay.urls"
WSGI_APPLICATION = "assay.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEST_RUNNER = "django.test.runner.DiscoverRunner"

# --- PostgreSQL ------------------------------------------------------------------------------------------------------
DATABASES = {"default": database_url.parse(servers.database_url())}
PGTRIGGER_SCHEMA = "dwh_lineage"

# --- Pages -----------------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
TIME_ZONE = environment.text("TIME_ZONE")
USE_I18N = True
USE_TZ = True
FORMAT_MODULE_PATH = "assay.formats"  # moments as 2026-03-31 14:05:09, in the admin's own lists too
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
_STATIC_FILES = (
    "django.contrib.staticfiles.storage.StaticFilesStorage"
    if DEBUG
    else "whitenoise.storage.CompressedManifestStaticFilesStorage"
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _STATIC_FILES},
}
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG
DJANGO_TABLES2_TEMPLATE = "assay/table.html"

# --- Security --------------------------------------------------------------------------------------------------------
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"  # also where the login is told to lead to a page of somebody else
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "lineage.permissions.PlacedBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]  # so that nobody can lock somebody else out from afar
AXES_RESET_ON_SUCCESS = True

# No inline script and no inline style but one: the admin's change list has a <style> of its own, allowed by its hash.
_ADMIN_STYLE = "'sha256-blvLUW3UscWqsXGByNOqdBboM+ShWAuugp2mC/wbafU='"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF, _ADMIN_STYLE],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SECURE_SSL_REDIRECT = not DEBUG
SECURE_REDIRECT_EXEMPT = [r"^healthz(/web)?$", r"^metrics$"]  # asked for from inside, by plain HTTP
SECURE_HSTS_SECONDS = 0 if DEBUG else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not DEBUG
if _proxy_header := environment.text("SECURE_PROXY_SSL_HEADER"):
    SECURE_PROXY_SSL_HEADER = (f"HTTP_{_proxy_header.upper().replace('-', '_')}", "https")

# --- Decisions -------------------------------------------------------------------------------------------------------
_four_eyes = environment.text("ASSAY_FOUR_EYES_ABOVE")
FOUR_EYES_ABOVE = int(_four_eyes) if _four_eyes else None

# --- Celery ----------------------------------------------------------------------------------------------------------
CELERY_APP = "assay.celery.app"  # lower floors, which cannot import it, find it by this name

# --- E-mail ----------------------------------------------------------------------------------------------------------
_mail = email_url.parse(environment.text("EMAIL_URL"))
EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD, EMAIL_USE_TLS, EMAIL_USE_SSL = _mail
EMAIL_TIMEOUT = 5
DEFAULT_FROM_EMAIL = environment.text("EMAIL_FROM")

# --- Logs ------------------------------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"chosen": {"()": FORMATTERS[environment.choice("ASSAY_LOG_FORMAT", FORMATTERS)]}},
    "filters": {"facts": {"()": AddFacts}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "chosen", "filters": ["facts"]}},
    "root": {"handlers": ["console"], "level": environment.text("LOG_LEVEL").upper()},
    "loggers": {
        "django": {"level": "INFO", "handlers": []},  # with DEBUG, Django's own would say everything twice
        "django.server": {"level": "WARNING"},
        "django.db.backends": {"level": "INFO"},  # LOG_LEVEL=DEBUG would print every query, with its values
        "axes": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        # Two lines for each look of the sweeper would bury the steps, which say themselves how they ended.
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
    },
}
