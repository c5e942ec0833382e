"""The web application for gunicorn: `gunicorn --chdir platform assay.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

from assay import servers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assay.settings")
servers.ensure()
application = get_wsgi_application()
