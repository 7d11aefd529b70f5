"""One settings file, from the environment; .env.example lists every variable with its meaning."""

from pathlib import Path

import environ
from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from outreach import embedded

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
embedded.read_env()

VAR_DIR = embedded.var_dir()

# DEMO allows the published keys below and shows the demo logins. It is on where nobody named a database,
# that is on a developer's or a visitor's own machine, and must never be on where real households are kept.
DEMO = env.bool("DEMO", default=not env.str("DATABASE_URL", default=""))
DEBUG = env.bool("DEBUG", default=False)


def required(name: str, demo_value: str) -> str:
    """Return the variable `name`; in a demo a published value will do, elsewhere its lack stops the program."""
    value = env.str(name, default="")
    if value:
        return value
    if DEMO:
        return demo_value
    raise ImproperlyConfigured(f"Set {name} (see .env.example). Generate one with: openssl rand -base64 48")


SECRET_KEY = required("SECRET_KEY", "demo-only-secret-key-demo-only-secret-key-demo-only-7f3a9c1e5b")
# Keys for ID numbers: one encrypts, one makes the fingerprints that find a person again. See households/idnumber.py.
ID_NUMBER_KEY = required("ID_NUMBER_KEY", "demo-only-id-number-key")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["*"] if DEMO else [])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# What stands before the path in a message's link.
SITE_URL = env.str("SITE_URL", default="").rstrip("/") or (
    f"https://{ALLOWED_HOSTS[0]}"
    if ALLOWED_HOSTS[:1] not in ([], ["*"])
    else f"http://127.0.0.1:{env.str('PORT', '8000')}"
)

INSTALLED_APPS = [
    "reports",
    "surveys",
    "visits",
    "issues",
    "households",
    "outreach",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django.forms",  # its widgets' templates, which FORM_RENDERER looks for
    "allauth",
    "allauth.account",
    "django_celery_beat",
    "django_filters",
    "django_htmx",
    "import_export",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "outreach.errors.ExplainBareErrors",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "outreach.middleware.AccountRulesMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "outreach.urls"
WSGI_APPLICATION = "outreach.wsgi.application"

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
                "outreach.context.site",
                *(["reports.demo.staff.context"] if DEMO else []),
            ],
        },
    },
]

DATABASES = {
    "default": {
        **embedded.database_settings(),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
    }
}
REDIS_URL = embedded.redis_url()
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        # redis-py names a socket unix://, Celery names it redis+socket://
        "LOCATION": REDIS_URL.replace("redis+socket://", "unix://"),
    }
}
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_LOG_FORMAT = "%(levelname)s %(message)s"  # who collects the log adds the time
CELERY_WORKER_TASK_LOG_FORMAT = "%(levelname)s %(task_name)s %(message)s"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TIMEZONE = "Asia/Shanghai"
CELERY_BEAT_SCHEDULE: dict[str, dict] = {
    "unknown calendar years": {
        "task": "outreach.tasks.report_unknown_years",
        "schedule": crontab(hour=8, minute=30),
    },
    # again and again over the day: what is dispatched at noon may be due tomorrow; a sweep without news costs little
    "issues.remind": {"task": "issues.tasks.remind", "schedule": crontab(hour="7-17", minute=20)},
    "outreach.forget_messages": {"task": "outreach.tasks.forget_messages", "schedule": crontab(hour=3, minute=10)},
    # one that could not start within ten seconds is not needed any more: the next does its work
    "reports.refresh_rollups": {
        "task": "reports.tasks.refresh_rollups",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "outreach.send_messages": {
        "task": "outreach.tasks.send_messages",
        "schedule": 15.0,
        "options": {"expires": 15},
    },
    "households.resume_rosters": {
        "task": "households.tasks.resume_rosters",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "households.forget_rosters": {"task": "households.tasks.forget_rosters", "schedule": crontab(hour=3, minute=40)},
    "visits.sweep_photos": {"task": "visits.tasks.sweep_photos", "schedule": crontab(hour=3, minute=30)},
    "surveys.store_waiting": {"task": "surveys.tasks.store_waiting_answers", "schedule": crontab(minute="*/10")},
    "surveys.forget_contacts": {"task": "surveys.tasks.forget_contacts", "schedule": crontab(hour=4, minute=5)},
    # after midnight, before anybody is reminded
    "issues.recompute_deadlines": {"task": "issues.tasks.recompute_deadlines", "schedule": crontab(hour=0, minute=20)},
    "issues.send_texts": {"task": "issues.tasks.send_texts", "schedule": 180.0, "options": {"expires": 170}},
    "issues.draw_look_backs": {"task": "issues.tasks.draw_look_backs", "schedule": crontab(hour=6, minute=10)},
    "issues.prove_histories": {"task": "issues.tasks.prove_histories", "schedule": crontab(hour=2, minute=40)},
    "reports.remind_tasks": {"task": "reports.tasks.remind_tasks", "schedule": crontab(hour="7-17", minute=25)},
    # a few minutes before midnight: what comes later is the next day's
    "reports.close_day": {"task": "reports.tasks.close_day", "schedule": crontab(hour=23, minute=55)},
    "reports.offer_bulletins": {"task": "reports.tasks.offer_bulletins", "schedule": crontab(hour="7-20", minute=5)},
    "reports.check_rollups": {"task": "reports.tasks.check_rollups", "schedule": crontab(hour=3, minute=20)},
    "reports.replay_snapshots": {"task": "reports.tasks.replay_snapshots", "schedule": crontab(hour=3, minute=50)},
    # twice, for a machine that was off at the first: the second finds the first's and takes nothing
    "reports.take_daily_snapshots": {
        "task": "reports.tasks.take_daily_snapshots",
        "schedule": crontab(hour="5,8", minute=5),
    },
}

AUTH_USER_MODEL = "outreach.User"
AUTHENTICATION_BACKENDS = ["outreach.auth.StaffNumberOrPhoneBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("staff_number", "phone", "name")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_USER_MODEL_EMAIL_FIELD = None
ACCOUNT_USER_MODEL_USERNAME_FIELD = "staff_number"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "outreach.auth.StaffAccountAdapter"
ACCOUNT_FORMS = {"login": "outreach.forms.LoginForm", "change_password": "outreach.forms.ChangePasswordForm"}
# A town hall shares one address, so the limit by address is loose; the lockout of an account is the strict one.
ACCOUNT_RATE_LIMITS = {"login": None, "login_failed": "60/m/ip,5/10m/key"}
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True  # no tick box: every session ends by the rules below
# How long one may be idle; outreach.middleware renews it. Visitors are away from the network for half a day.
SESSION_COOKIE_AGE = 60 * 60
SESSION_COOKIE_AGE_OF_VISITORS = 12 * 60 * 60
SESSION_COOKIE_HTTPONLY = True

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
USE_I18N = True

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = VAR_DIR / "media"  # never served by URL: every file goes through a view that checks
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "outreach.static_storage.HashedModulesStorage"},
}
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
FORM_RENDERER = "outreach.formrenderer.FormRenderer"
CSRF_FAILURE_VIEW = "outreach.errors.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "style-src": [SELF],
        "script-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
HTTPS = env.bool("HTTPS", default=not DEMO)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "django": {"level": "WARNING"},
        # three lines for every task that went well would hide those that matter
        "celery.beat": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
    },
}

# Below so many households or issues a rate is shown, not ranked.
RANKING_MIN_DENOMINATOR = env.int("RANKING_MIN_DENOMINATOR", default=10)

# So many working days after scores are published, a unit may appeal against a line of them.
APPEAL_WORKDAYS = env.int("APPEAL_WORKDAYS", default=5)

# Of the issues closed a month and three months ago, so many per cent are drawn to be looked at again (回头看).
LOOK_BACK_SHARE = env.int("LOOK_BACK_SHARE", default=20)

IMPORT_EXPORT_USE_TRANSACTIONS = True
IMPORT_EXPORT_ESCAPE_FORMULAE_ON_EXPORT = True
