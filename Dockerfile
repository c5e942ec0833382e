# Assay's web, worker, beat and migrations: one image, several commands (docker-compose.yml). PostgreSQL and Redis are
# services of their own there, so only the base requirements are installed.
FROM python:3.12-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/assay/platform:/assay/examples:/assay/warehouses:/assay \
    DJANGO_SETTINGS_MODULE=assay.settings \
    ASSAY_VAR=/var/assay

RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin assay \
    && install -d -o assay -g assay /var/assay
WORKDIR /assay

COPY requirements/base.txt requirements/base.txt
RUN python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps \
    --only-binary :all: -r requirements/base.txt

COPY . .
# The settings want a database and a key; collecting static files uses neither, and neither stays in the image.
RUN DATABASE_URL=postgresql://nobody@localhost/none REDIS_URL=redis://localhost SECRET_KEY=only-while-building \
    python manage.py collectstatic --noinput

USER assay
EXPOSE 8000
CMD ["python", "-m", "gunicorn", "assay.wsgi:application", "--bind=0.0.0.0:8000", "--workers=2", "--threads=8", "--worker-class=gthread", "--worker-tmp-dir=/dev/shm", "--no-control-socket", "--logger-class=assay.web_logs.GunicornLogger", "--access-logfile=-"]
